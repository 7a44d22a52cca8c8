// Package drain says which replica should leave first, and when one that leaves
// may go.
//
// INV-1: Rank keeps every pod once and orders by Cost: less in-flight work first,
// then the shorter remaining time, then the less valuable prefix cache.
// INV-2: a pod of which nothing is measured goes last, and one with a request in
// flight after every idle one.
// INV-3: a cost changes only when a quantity halves or doubles.
// INV-4: a drain ends once, as Drained or Overdue, and says so ever after.
// INV-5: it ends as Drained only after the routers had their time and every
// reading since, over the quiet time at least, was measured and idle.
// INV-6: it ends at the first step at or after its bound.
// INV-7: until Next a drain says the same of the same reading, and then something else.
// INV-8: of pods that are placed and ready a ReplicaSet deletes in the order of Rank,
// once Costs are written.
//
// In a cluster the order is a ReplicaSet's (Sooner), in which the cost that Flyball
// writes is one of several things; the way out is a preStop hook (internal/lossless,
// drain.sh), which a test runs beside Drain, since no Go runs in vLLM's image. The
// simulator runs both from here.
//
// It deliberately knows no API, no metric and no signal: what a pod has in flight is an
// argument, and deleting or stopping it is for others.
package drain
