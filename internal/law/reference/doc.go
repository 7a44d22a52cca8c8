// Package reference holds what laws are measured against: a fixed number of replicas,
// and hindsight.
//
// INV-1: what either asks for does not depend on anything that is read.
//
// It deliberately holds no law that competes: neither reads anything.
package reference
