// Package guard says what may be done with what a law wants: it may narrow it, and ask
// for what held requests need.
//
// INV-1: while requests are held the raised minimum is at least one and never falls, nor
// is it above the maximum.
// INV-2: it is taken back only when nothing has been held for the wake's time.
// INV-3: while no pod has answered it is not raised above Wake.Cold.
// INV-4: what a wake from zero asked for is given back once it has brought no ready replica
// within its patience; a service with a ready replica is never touched.
// INV-5: while replicas wait for a node no more are asked for, but never fewer than the
// minimum.
//
// It deliberately knows no law: it hands it a floor.
package guard
