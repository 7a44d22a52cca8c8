package load

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// Arrival is one request: when, counted from the start, and how large.
type Arrival struct {
	At                        time.Duration
	InputTokens, OutputTokens int
}

// Stage is a time of constant rate. Only the last may have Duration 0: it has no end.
type Stage struct {
	Duration  time.Duration
	PerSecond float64
}

// Process is how arrivals of a stage follow each other.
type Process int

// Processes.
const (
	Poisson Process = iota + 1
	Constant
	numProcesses
)

func (p Process) String() string {
	names := [numProcesses]string{"invalid", "poisson", "constant"}
	if p < 0 || p >= numProcesses {
		p = 0
	}
	return names[p]
}

// ParseProcess reads what String writes.
func ParseProcess(s string) (Process, error) {
	for p := Poisson; p < numProcesses; p++ {
		if p.String() == s {
			return p, nil
		}
	}
	return 0, fmt.Errorf("arrivals are poisson or constant, not %q", s)
}

// maxSeconds, thirty years, keeps a time within what time.Duration holds.
const maxSeconds = 1e9

// Pacer is an arrival process: Stages, or a Trace in their place.
type Pacer struct {
	Process                   Process
	Stages                    []Stage
	Seed                      uint64
	InputTokens, OutputTokens int
	Trace                     []Arrival // in order of time
}

// Validate refuses what has no arrivals, or ones that make no request.
func (p Pacer) Validate() error {
	switch {
	case len(p.Trace) > 0 && len(p.Stages) > 0:
		return errors.New("a trace and stages exclude each other")
	case len(p.Trace) > 0:
		return checkTrace(p.Trace)
	case len(p.Stages) == 0:
		return errors.New("no stages and no trace: nothing would arrive")
	case p.Process <= 0 || p.Process >= numProcesses:
		return errors.New("no arrival process")
	}
	if err := checkStages(p.Stages); err != nil {
		return err
	}
	return checkSize(p.InputTokens, p.OutputTokens)
}

func checkStages(stages []Stage) error {
	for i, s := range stages {
		endless := s.Duration == 0
		switch {
		case !(s.PerSecond >= 0) || math.IsInf(s.PerSecond, 0): // NaN is not above 0 either
			return fmt.Errorf("stage %d: rate %v is not a number of requests per second", i+1, s.PerSecond)
		case s.Duration < 0 || endless && i < len(stages)-1:
			return fmt.Errorf("stage %d: duration %v; only the last stage may be without end", i+1, s.Duration)
		case endless && s.PerSecond == 0:
			return fmt.Errorf("stage %d: no rate and no end", i+1)
		}
	}
	return nil
}

func checkSize(input, output int) error {
	if input < 1 || output < 1 {
		return fmt.Errorf("%d input and %d output tokens: each must be at least 1", input, output)
	}
	return nil
}

func checkTrace(trace []Arrival) error {
	last := time.Duration(0)
	for i, a := range trace {
		if a.At < last {
			return fmt.Errorf("arrival %d of the trace is at %v, before %v", i+1, a.At, last)
		}
		if err := checkSize(a.InputTokens, a.OutputTokens); err != nil {
			return fmt.Errorf("arrival %d of the trace: %w", i+1, err)
		}
		last = a.At
	}
	return nil
}

// All lists the arrivals in order of time. An arrival falls where the integral of the rate
// reaches the next threshold: 0, 1, 2, … for constant arrivals, the sums of exponential steps of
// mean 1 for a Poisson process. So a change of stage neither loses nor makes one.
func (p Pacer) All() iter.Seq[Arrival] {
	return func(yield func(Arrival) bool) {
		for _, a := range p.Trace {
			if !yield(a) {
				return
			}
		}
		random := rand.New(rand.NewPCG(p.Seed, 0))
		step := func() float64 { return 1 }
		threshold := 0.0
		if p.Process == Poisson {
			step = random.ExpFloat64
			threshold = step()
		}
		begin, done := time.Duration(0), 0.0 // of the stage, and the integral up to it
		for _, s := range p.Stages {
			whole := s.PerSecond * s.Duration.Seconds()
			if s.Duration == 0 {
				whole = math.Inf(1)
			}
			for ; threshold < done+whole; threshold += step() {
				into := (threshold - done) / s.PerSecond
				at := begin + time.Duration(into*float64(time.Second))
				if into > maxSeconds || !yield(Arrival{at, p.InputTokens, p.OutputTokens}) {
					return
				}
			}
			begin, done = begin+s.Duration, done+whole
		}
	}
}
