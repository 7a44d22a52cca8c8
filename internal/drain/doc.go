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
//
// It deliberately knows no Kubernetes, no metric and no signal: what a pod has in
// flight is an argument, and deleting or stopping it is for others.
package drain
