// Package scenario steps a policy against a workload on a simulated fleet, through the
// metric path that stands between them, and reads the text files that say which.
//
// INV-1: the same Setup, policy and seed give the same Outcome.
// INV-2: a law sees what a scrape has seen, never the fleet's own state: only pod
// phases, which the API server has, are newer.
// INV-3: every request that arrives is in the Result; one that is in flight when the
// run ends for want of time is counted as aborted.
// INV-4: a text with an unknown word, law, workload or profile is refused with its
// line before anything is run.
// INV-5: a reading has the quality that it would have in a Prometheus: fresh, stale when
// its newest sample is older than the next scrape was promised, absent without a sample,
// contradictory of several answers, invalid of an error or of no number.
//
// It deliberately opens no file and knows no PromQL: what it needs of both is given to
// it as functions.
package scenario
