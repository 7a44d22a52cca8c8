// Package bench measures on a real API server what objective mode costs and how fast it
// reacts. The scaler is the program itself, as its own process; Prometheus, and the pods that
// it has scraped or the scaler reads itself, are made up, by a model of an engine that batches
// requests.
//
// INV-1: a number of time or memory fails nothing: it is printed beside its bound, with the
// machine. What does not depend on the machine fails the run: the queries that a tick makes.
// INV-2: what scalers decided that were killed under load is decided again, of the same readings,
// by an uninterrupted Step: a cut that it does not make fails the run, and so does a raise beyond
// what it asked for then or in the minutes before, and a scaler that goes on from its own record
// with another state than it had.
//
// It deliberately knows no upstream program but etcd and the API server: what KEDA, the HPA, the
// scheduler and a starting pod add to a reaction is seen in the rehearsals on the lab.
package bench
