package learning

import (
	"fmt"
	"time"

	"github.com/flyball-dev/flyball/internal/comparison"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/scenario"
)

// An Engine is a model on its GPUs with requests of one shape.
type Engine struct {
	Profile       string
	Input, Output int           // tokens
	TTFT, TPOT    time.Duration // of 95 %
}

// A Service has such an engine for some time.
type Service struct {
	Engine
	Replicas int     // that are ready, all the time
	Stages   string  // of the load, as a workload's: 15m:2/15m:4, in requests per second
	Start    string  // of a pod, as a scenario's
	Most     int     // replicas; 0: those that are ready
	Steps    float64 // times as long as the profile says, of which the law is not told
	Law      string
}

const text = `
workload  poisson:stages=%s,input=%d,output=%d
profile   %s
replicas  %d..%d from %d
start     %s
scrape    5s
steps     %v
objective ttft:p95:%v
objective tpot:p95:%v
`

func (s Service) file() (scenario.File, error) {
	env, err := comparison.Environment()
	if err != nil {
		return scenario.File{}, err
	}
	return scenario.Parse(s.Profile, fmt.Sprintf(text,
		s.Stages, s.Input, s.Output, s.Profile, s.Replicas, max(s.Replicas, s.Most), s.Replicas, s.Start, s.Steps, s.TTFT, s.TPOT), env)
}

// Capacity is what one replica serves so that 95 % meet the objectives, in requests per
// second, by the plant.
func (s Service) Capacity() (float64, error) {
	f, err := s.file()
	if err != nil {
		return 0, err
	}
	engine := f.Setup.Fleet.Engine
	engine.Cost = engine.Cost.Times(s.Steps)
	return scenario.Capacity(engine, law.Shape{Input: float64(s.Input), Output: float64(s.Output)}, f.Setup.Terms.Objectives), nil
}

// play runs the service and says what the law knew at each of its steps.
func (s Service) play(seed uint64, told func(at time.Duration, known promise.State)) (scenario.Outcome, error) {
	f, err := s.file()
	if err != nil {
		return scenario.Outcome{}, err
	}
	p, err := f.Setup.Named(f.Bounded(s.Law))
	if err != nil {
		return scenario.Outcome{}, fmt.Errorf("the law of %s: %w", s.Profile, err)
	}
	f.Setup.Record = func(step record.Step) error {
		if known, ok := step.State.Law.(promise.State); ok && told != nil {
			told(step.Input.Now, known)
		}
		return nil
	}
	out, err := scenario.Run(f.Setup, p, seed)
	if err != nil {
		return scenario.Outcome{}, fmt.Errorf("playing %s: %w", s.Profile, err)
	}
	return out, nil
}
