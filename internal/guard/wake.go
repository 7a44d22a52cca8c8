package guard

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
)

// A Wake counts what no engine does: while requests are held in front of a service, the
// least number of replicas is raised to what they need, at zero and above. When nothing
// has been held for Quiet it is taken back, and the law alone decides.
//
//	held  quiet  it was raised  → minimum
//	yes   –      any            → ⌈waiting ÷ per replica⌉, never less than it was
//	no    no     yes            → as it was: gateways may yet report, or hold again
//	no    yes    yes            → 0
//
// Until the first pod has given an answer it is not known whether what is held is worth
// what it asks for, nor whether the service can answer at all: so long no more than Cold
// replicas are asked for.
//
// Worked example (TestWakeWorkedExample): 9 requests are held for a service at 0 with
// 4 per replica, which asks for ⌈9/4⌉ = 3 replicas. With Cold = 2 it is 2 until one answers,
// at 90 s, and 3 from then on. Nothing is held any more from 95 s on: from 100 s on the
// minimum is 0 again.
type Wake struct {
	PerReplica float64 // requests that one replica is meant to have
	// CountsRunning says that the law's own metric counts the requests that replicas are
	// answering too, so that these ask for replicas beside those that are held.
	CountsRunning bool
	Quiet         time.Duration
	Cold          int           // replicas, at most, while no pod has answered; 0: no bound
	Place         time.Duration // that a replica may wait for a node that someone adds
	Patience      Patience      `json:",omitzero"`
}

// ColdReplicas is Cold of a service that its user says nothing else of: whoever reaches a
// gateway can send as many requests as a service has replicas, and two replicas answer
// most bursts that a service sleeps through.
const ColdReplicas = 2

// Room is the most that is asked for while replicas wait for a node: no more of them, and
// after Place none of those.
func (w Wake) Room(v View, least, most int) int {
	if v.Unplaced == 0 {
		return most
	}
	return max(least, min(most, max(1, v.Desired-v.Overdue)))
}

// Raise is the minimum after what is demanded, where it was raised to a number before;
// it is at most the maximum, and 0 where it is not above the least that there is anyway.
func (w Wake) Raise(was int, d demand.Demand, least, most int) int {
	n := w.raise(max(0, min(was, most)), d, most)
	if n <= least {
		return 0
	}
	return n
}

func (w Wake) raise(was int, d demand.Demand, most int) int {
	switch {
	case d.Held <= 0 && d.Idle >= w.Quiet:
		return 0
	case d.Held <= 0:
		return was
	}
	waiting := d.Held
	if w.CountsRunning {
		waiting += max(d.InFlight, 0)
	}
	if d.Cold && w.Cold > 0 {
		most = min(most, max(was, w.Cold))
	}
	n := most
	if wanted := math.Ceil(float64(waiting) / w.PerReplica); wanted < float64(most) {
		n = int(wanted)
	}
	return max(was, n, min(1, most))
}

// Due is how long a raised minimum can stay without another look: until it may be taken
// back.
func (w Wake) Due(d demand.Demand) time.Duration { return max(w.Quiet-d.Idle, 0) }
