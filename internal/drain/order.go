package drain

import (
	"cmp"
	"math/bits"
	"time"
)

// A Candidate is one of a ReplicaSet's pods, as it sees them when it has to delete some.
type Candidate struct {
	Placed, Ready bool  // has a node; is ready
	Cost          int32 // its annotation controller.kubernetes.io/pod-deletion-cost; 0 without
	Neighbours    int   // of these pods, on its node
	ReadyFor, Age time.Duration
	Restarts      int
	UID           uint64
}

// Sooner says which of two a ReplicaSet deletes first: below 0 a, above 0 b. It is the
// order of ActivePodsWithRanks (k8s.io/kubernetes pkg/controller/controller_utils.go):
// without a node before with, not ready before ready, then the lower cost, then from the
// node with most of them, then the one that is ready for less time, that restarted more
// often, that is younger. Pods that run and are not ready count as those that do not
// run yet.
func Sooner(a, b Candidate) int {
	ready := 0
	if a.Ready && b.Ready {
		ready = younger(a, b, a.ReadyFor, b.ReadyFor)
	}
	return cmp.Or(
		first(!a.Placed, !b.Placed), first(!a.Ready, !b.Ready), cmp.Compare(a.Cost, b.Cost),
		cmp.Compare(b.Neighbours, a.Neighbours), ready, cmp.Compare(b.Restarts, a.Restarts), younger(a, b, a.Age, b.Age))
}

// first prefers the one that holds.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// younger compares two pods by times that have passed. Those with the same power of two
// are alike to a ReplicaSet (LogarithmicScaleDown): among them the UID decides, which is
// random.
func younger(a, b Candidate, pastA, pastB time.Duration) int {
	if pastA == pastB {
		return 0
	}
	return cmp.Or(
		cmp.Compare(bits.Len64(uint64(max(0, pastA))), bits.Len64(uint64(max(0, pastB)))),
		cmp.Compare(a.UID, b.UID))
}
