// Package simulate compares what scales one service: what manifests say and laws by name,
// under the same workload, on the same simulated fleet, seed by seed.
//
// INV-1: the same inputs give the same rows, on one core and on many.
// INV-2: a Prometheus of a run has more than one service: a query that does not single one
// out reads the others too.
// INV-3: a query for a metric that nothing simulated exposes is refused before the run.
// INV-4: a plan that is searched for is not dearer than another contender that attains as much
// under the same setup.
// INV-5: a record of a run can be made again decision by decision, on one core and on many, and
// over a restart.
//
// It deliberately opens no file, prints nothing and knows no flag: cli binds what names
// stand for, and says what came out.
package simulate
