// Package budget divides GPUs among services that want more of them than there are.
//
// INV-1: of no pool more is granted than it has, but for what runs already.
// INV-2: what runs is never taken: a budget that is too small only stops growth.
// INV-3: what services want at least is granted before anything else, and then the rest; each
// time the greater priority comes first, then the greater gain in attainment per GPU, then the
// name.
// INV-4: GPUs that are too few for another replica of one priority are kept for it: no lower
// one is granted them.
// INV-5: who wants no more than it has loses nothing, and who finds enough in its pools gets what
// it wants.
// INV-6: whoever is granted less than it wants is told by which pool, and who has its GPUs.
// INV-7: the order in which wants are named makes no difference.
//
// It deliberately knows no law and no cluster: what a replica is worth, and what is in a pool,
// it is told.
package budget
