package law

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
)

// Wake is a ScaledObject with a minimum of 0 that Flyball wakes: while requests are held
// in front of the service its minimum is raised and its activation forced, to what the
// held requests need; when nothing has been held for WakeQuiet, both are taken back and
// the triggers alone decide. KEDA takes up either change at once, and not at its next
// poll. What the gateways' reports and the API server take, some tenths of a second, is
// left out. It wants a step as soon as a request is held.
//
// Worked example (TestWakeWorkedExample): 9 requests are held for a service at 0 with a
// target of 4: ceil(9/4) = 3 replicas at once. They are up and nothing is held any more
// after 95 s: from 100 s on the metrics decide again.
type Wake struct {
	KEDA
	PerReplica float64 // requests that one replica is meant to have
	raised     int     // minimum, 0 if it is the ScaledObject's
	lastHeld   time.Duration
}

// WakeQuiet is how long nothing must have been held before a wake is taken back.
const WakeQuiet = demand.TTL

// Raised is the minimum of a service that may be at zero:
//
//	held  quiet  it was raised  → minimum
//	yes   –      any            → ceil(held ÷ per replica), never less than it was
//	no    no     yes            → as it was: gateways may yet report, or hold again
//	no    yes    yes            → 0
//
// Quiet says that nothing has been held for WakeQuiet. It is at most the maximum.
func Raised(was, held int, quiet bool, perReplica float64, most int) int {
	was = min(was, most)
	switch {
	case held <= 0 && quiet:
		return 0
	case held <= 0:
		return was
	}
	n := most
	if wanted := math.Ceil(float64(held) / perReplica); wanted < float64(most) {
		n = int(wanted)
	}
	return max(was, n, min(1, most))
}

// Step raises the minimum or takes it back, and lets KEDA go on.
func (w Wake) Step(in Input) (Law, Output) {
	if in.Fleet.Held > 0 {
		w.lastHeld = in.Now
	}
	if n := Raised(w.raised, in.Fleet.Held, in.Now >= w.lastHeld+WakeQuiet, w.PerReplica, w.Max); n != w.raised {
		w.raised = n
		w.Min, w.ForceActivation, w.nextPoll = n, n > 0, in.Now
		w.hpa.Min = max(1, n)
	}
	var out Output
	w.KEDA, out = w.step(in)
	if w.raised > 0 {
		out.Next = min(out.Next, w.lastHeld+WakeQuiet)
	}
	return w, out
}
