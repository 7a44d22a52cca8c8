// Package reference holds what laws are measured against: a fixed number of replicas, fixed
// numbers at fixed times, and hindsight.
//
// INV-1: what any of them asks for does not depend on anything that is read.
//
// It deliberately holds no law that competes: none reads anything.
package reference
