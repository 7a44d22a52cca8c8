package lawtest

import (
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Totals are values of signals for a service as a whole.
type Totals map[reading.Signal]float64

// See is an input with fresh totals, of so many ready replicas.
func See(now time.Duration, desired int, totals Totals) law.Input {
	in := law.Input{Now: now, Fleet: law.Fleet{Desired: desired, Ready: desired}}
	for signal, v := range totals {
		in.Readings.Add(signal).Total = reading.New(v, now)
	}
	for range desired {
		in.Fleet.Pods = append(in.Fleet.Pods, law.Pod{Phase: law.PodRunning, Ready: true})
	}
	return in
}

// PerPod adds signals that read the same in every pod.
func PerPod(in law.Input, values Totals) law.Input {
	in.Readings = slices.Clone(in.Readings)
	for signal, v := range values {
		total := in.Readings.Of(signal).Total
		s := in.Readings.Add(signal)
		s.Total, s.Pods = total, nil
		for range in.Fleet.Pods {
			s.Pods = append(s.Pods, reading.New(v, in.Now))
		}
	}
	return in
}

// A Change is that so many replicas were asked for from a time on.
type Change struct {
	At       time.Duration
	Replicas int
}

// A Run is what StepAll steps a law through: the replicas that there are at first, when
// the cluster's loops first run, and the totals at each time.
type Run struct {
	From   int
	Phase  time.Duration
	Until  time.Duration
	Totals func(now time.Duration) Totals
}

// Step steps a law at its own times until the end; what it asks for is there at the next
// step. It returns what was asked for when it changed.
func (r Run) Step(l law.Law) []Change {
	var all []Change
	var state law.State
	desired := r.From
	for now := time.Duration(0); now <= r.Until; {
		in := See(now, desired, r.Totals(now))
		in.Phase = r.Phase
		var out law.Output
		if state, out = l.Step(state, in); out.Replicas != desired {
			all = append(all, Change{now, out.Replicas})
		}
		desired, now = out.Replicas, out.Next
	}
	return all
}
