package hindsight

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/scenario"
)

// window is how long one is in which a programmed plan is held against a searched one.
const window = 3 * time.Hour

// A Window is a part of the time in which a plan that was programmed was searched for too:
// what it gives there, and what the plan gives that was found and serves as many.
type Window struct {
	scenario.Span
	Programmed, Searched Result
}

// A Result is what one plan gives in a window.
type Result struct{ Share, GPUHours float64 }

// windows are three of the time, in its first, second and last third.
func (s *Search) windows(price float64) ([]Window, error) {
	if s.Setup.Workload.Drains {
		return nil, nil
	}
	all := s.Setup.Workload.Span
	var some []Window
	for _, middle := range []time.Duration{all / 6, all / 2, all * 5 / 6} {
		from := max(0, middle-window/2).Truncate(time.Minute)
		part := Search{
			Setup: s.Setup, Bounds: s.Bounds, Seed: s.Seed, Tick: s.Tick,
			price: price, least: programBin,
		}
		part.Setup.Workload = part.Setup.Workload.Part(from, from+window)
		programmed := s.best.Plan.Window(from, from+window)
		out, err := scenario.Run(part.Setup, planned(programmed), s.Seed)
		if err != nil {
			return nil, err
		}
		part.Begin, part.Target = []reference.Plan{programmed}, out.Attainment
		found, err := part.Run()
		if err != nil {
			return nil, err
		}
		s.runs += found.Runs + 1
		some = append(some, Window{
			scenario.Span{From: from, To: from + window}, Result{out.Attainment, out.GPUHours}, Result{found.Attainment, found.GPUHours},
		})
	}
	return some, nil
}
