package capacity

import (
	"slices"
	"time"
)

// A Phase is a stretch of a replica's way from the wish to readiness, or out.
type Phase int

// The phases.
const (
	Schedule Phase = iota // from the pod's creation until a node has it; longer where one is provisioned
	Pull                  // until its container runs; longer where the node lacks the image
	Load                  // until it is ready: weights, compilation, probes
	Start                 // all of these
	Drain                 // from the wish that it goes until it is gone
	numPhases
)

func (p Phase) String() string {
	names := [numPhases]string{"schedule", "pull", "load", "start", "drain"}
	if p < 0 || p >= numPhases {
		return "unknown"
	}
	return names[p]
}

// remembered is how many times of a phase count: enough for a 90th percentile, few
// enough that a new image or a new node pool shows within a day.
const remembered = 24

// Times are how long the phases last took. The zero value has seen none.
type Times struct {
	Last [numPhases][remembered]time.Duration
	Seen [numPhases]int
}

// longest is what is taken for a mistake.
const longest = 6 * time.Hour

// Learn is the times with one more. One that cannot be changes nothing.
func (t Times) Learn(p Phase, took time.Duration) Times {
	if p < 0 || p >= numPhases || took < 0 || took > longest {
		return t
	}
	t.Last[p][t.Seen[p]%remembered] = took
	t.Seen[p]++
	return t
}

// Known is how many times of a phase count.
func (t *Times) Known(p Phase) int {
	if p < 0 || p >= numPhases {
		return 0
	}
	return min(max(t.Seen[p], 0), remembered)
}

// Quantile is what a share of the times of a phase do not exceed, by the nearest rank.
// Before any is known it is what published starts of models of 32 billion parameters
// take (93 to 139 s; twice as much with an image to pull), and half a minute for a drain.
func (t *Times) Quantile(p Phase, share float64) time.Duration {
	n := t.Known(p)
	if n == 0 {
		return unseen(p, share)
	}
	sorted := slices.Clone(t.Last[p][:n])
	slices.Sort(sorted)
	return sorted[min(max(int(share*float64(n)+0.999999)-1, 0), n-1)]
}

func unseen(p Phase, share float64) time.Duration {
	took := 2 * time.Minute
	if p == Drain {
		took = 30 * time.Second
	}
	if share > 0.5 {
		took *= 2
	}
	return took
}
