// Package scrape reads what laws need of pods, for all services of a source together: from
// a Prometheus by one query for each metric, or from the pods' own /metrics.
//
// INV-1: what is not known is never a number: a pod without a series is absent, one with
// several where one belongs contradictory, NaN and infinity and an error invalid, and a
// sample that is older than the scrapes promise stale. Each pod that was asked for has a
// reading of each signal, in the order given, whatever failed.
// INV-2: the readings of one pod are of one scrape, as far as the source has it.
// INV-3: an answer is read up to a limit, of bytes and of series, and all answers within one
// deadline; what exceeds them is an error.
// INV-4: credentials go to the address that they were given for, and follow no redirect.
// INV-5: a series counts for the live pod of its labels namespace and pod, and for no other.
//
// It deliberately knows no Kubernetes and no law; what upstream calls a series is vllm's.
package scrape
