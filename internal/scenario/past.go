package scenario

import (
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Past is what a law remembers of earlier runs of a service, by a clock that goes on from
// one run to the next.
type Past struct {
	Now   time.Duration // how far that clock is when the run begins
	State decide.State
}

// shift puts an input on the past's clock. What is not known the time of, or has not come to
// pass, is left at 0.
func (p Past) shift(in *decide.Input) {
	if p.Now == 0 {
		return
	}
	in.Now += p.Now
	later := func(at *time.Duration) {
		if *at > 0 {
			*at += p.Now
		}
	}
	for i := range in.Fleet.Pods {
		pod := &in.Fleet.Pods[i]
		pod.CreatedAt += p.Now // also when it was made as the run began
		later(&pod.StartedAt)
		later(&pod.RunsAt)
		later(&pod.ChangedAt)
	}
	for i := range in.Readings {
		s := &in.Readings[i]
		s.Total = p.read(s.Total)
		for k := range s.Pods {
			s.Pods[k] = p.read(s.Pods[k])
		}
	}
}

func (p Past) read(r reading.Reading) reading.Reading {
	if r.At > 0 {
		r.At += p.Now
	}
	return r
}
