package workload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/des"
)

// A Step is a rate that holds for a time.
type Step struct {
	PerSecond float64
	For       time.Duration
}

// Arrivals are the times at which requests arrive.
type Arrivals struct {
	span     time.Duration
	requests float64
	drains   bool
	start    func(seed uint64) func() (arrival, bool)
}

type arrival struct {
	at      time.Duration
	barrier *Barrier
	stage   int // lengths are drawn anew in each stage
}

// checkSteps returns how long the steps take and how many requests they make.
func checkSteps(steps []Step) (span time.Duration, requests float64, err error) {
	for _, s := range steps {
		switch {
		case !(s.PerSecond >= 0 && s.PerSecond <= maxRate):
			return 0, 0, fmt.Errorf("rate is %v per second, must be from 0 to %d", s.PerSecond, maxRate)
		case s.For <= 0 || s.For > maxSpan-span:
			return 0, 0, fmt.Errorf("a rate holds for %v, must be more than 0 and together at most %v", s.For, maxSpan)
		}
		span += s.For
		requests += s.PerSecond * s.For.Seconds()
	}
	if requests == 0 {
		return 0, 0, errors.New("no request ever arrives: all rates are 0")
	}
	return span, requests, nil
}

// Renewal is a process whose gaps are drawn independently and stretched to the rate
// that holds: Poisson with Exponential gaps, diurnal with steps from a rate file.
// A gap that spans several steps passes through each at its rate, so that the number
// of arrivals in a step follows its rate also where gaps are longer than steps.
func Renewal(gaps Gaps, steps []Step) (Arrivals, error) {
	span, requests, err := checkSteps(steps)
	steps = slices.Clone(steps)
	return Arrivals{
		span: span, requests: requests,
		start: func(seed uint64) func() (arrival, bool) {
			i := -1
			return renew(gaps, des.Stream(seed, "arrivals"), func() (Step, bool) {
				if i++; i >= len(steps) {
					return Step{}, false
				}
				return steps[i], true
			})
		},
	}, err
}

// renew returns the arrivals of gaps at the rates that next tells one after the other.
func renew(gaps Gaps, random *rand.Rand, next func() (Step, bool)) func() (arrival, bool) {
	var now, end time.Duration
	rate := 0.0
	return func() (arrival, bool) {
		for gap := gaps(random); ; {
			left := rate * (end - now).Seconds()
			if rate > 0 && gap <= left {
				now = min(end, now+seconds(gap/rate))
				return arrival{at: now}, true
			}
			gap -= left
			s, ok := next()
			if !ok {
				return arrival{}, false
			}
			now, end, rate = end, end+s.For, s.PerSecond
		}
	}
}

// Bursts are a Markov-modulated Poisson process of two states: PerSecond requests
// normally, BurstPerSecond in bursts. Both states last exponentially long.
type Bursts struct {
	PerSecond, BurstPerSecond float64
	Every                     time.Duration // mean time from the end of a burst to the next
	Lasting                   time.Duration // mean length of a burst
}

// Arrivals begin between bursts and go on for span.
func (b Bursts) Arrivals(span time.Duration) (Arrivals, error) {
	if b.Every < time.Millisecond || b.Lasting < time.Millisecond {
		return Arrivals{}, fmt.Errorf("bursts every %v lasting %v: both must be at least 1ms", b.Every, b.Lasting)
	}
	if span/(b.Every+b.Lasting) > maxRows {
		return Arrivals{}, fmt.Errorf("bursts every %v lasting %v for %v: at most %d bursts", b.Every, b.Lasting, span, maxRows)
	}
	if _, _, err := checkSteps([]Step{{b.PerSecond, time.Second}, {b.BurstPerSecond, time.Second}}); err != nil {
		return Arrivals{}, err
	}
	burst := b.Lasting.Seconds() / (b.Lasting.Seconds() + b.Every.Seconds())
	mean := b.PerSecond*(1-burst) + b.BurstPerSecond*burst
	_, requests, err := checkSteps([]Step{{mean, span}})
	return Arrivals{
		span: span, requests: requests,
		start: func(seed uint64) func() (arrival, bool) {
			dwell := des.Stream(seed, "bursts")
			left, inBurst := span, true
			return renew(Exponential(), des.Stream(seed, "arrivals"), func() (Step, bool) {
				inBurst = !inBurst
				s := Step{b.PerSecond, b.Every}
				if inBurst {
					s = Step{b.BurstPerSecond, b.Lasting}
				}
				s.For = min(left, max(1, seconds(s.For.Seconds()*dwell.ExpFloat64())))
				left -= s.For
				return s, s.For > 0
			})
		},
	}, err
}

// Staged arrivals are those of inference-perf's constant load (load_timer.py,
// load_generator.py): the whole number of rate × duration requests in each stage, with
// exponential gaps that are stretched so that the last arrives at the stage's end.
//
// With drain a stage begins only when all requests of the one before have ended, as
// inference-perf does: it looks every second, waits for one second and begins one
// second later.
func Staged(stages []Step, drain bool) (Arrivals, error) {
	return staged(stages, drain, 2*time.Second)
}

// staged has pause from noticing that a stage has drained to the start of the next.
func staged(stages []Step, drain bool, pause time.Duration) (Arrivals, error) {
	span, _, err := checkSteps(stages)
	stages = slices.Clone(stages)
	requests := 0
	for _, s := range stages {
		requests += s.count()
	}
	if err == nil && requests == 0 {
		err = errors.New("no stage is long enough for one request at its rate")
	}
	return Arrivals{
		span: span, requests: float64(requests), drains: drain && len(stages) > 1,
		start: func(seed uint64) func() (arrival, bool) {
			return (&stager{seed: seed, stages: stages, drain: drain, pause: pause}).next
		},
	}, err
}

func (s Step) count() int { return int(s.PerSecond * s.For.Seconds()) }

// A stager goes through stages. It draws the gaps of each twice, first for their sum.
type stager struct {
	seed    uint64
	stages  []Step
	drain   bool
	pause   time.Duration
	stage   int // the next one to begin
	began   time.Duration
	ends    time.Duration
	left    int // arrivals in the stage
	gaps    *rand.Rand
	passed  float64 // sum of the gaps until now
	stretch float64 // seconds per unit of them
	barrier *Barrier
}

func (s *stager) next() (arrival, bool) {
	for s.left == 0 {
		if s.stage == len(s.stages) {
			return arrival{}, false
		}
		s.begin()
	}
	s.left--
	s.passed += s.gaps.ExpFloat64()
	a := arrival{at: min(s.ends, s.began+seconds(s.passed*s.stretch)), barrier: s.barrier, stage: s.stage}
	s.barrier = nil
	return a, true
}

func (s *stager) begin() {
	stage := s.stages[s.stage]
	s.began, s.ends = s.ends, s.ends+stage.For
	if s.stage > 0 && s.drain {
		s.barrier = &Barrier{From: s.began, Poll: time.Second, Pause: s.pause}
	}
	name := fmt.Sprintf("arrivals of stage %d", s.stage)
	s.stage++
	s.left, s.passed = stage.count(), 0
	sum, gaps := 0.0, des.Stream(s.seed, name)
	for range s.left {
		sum += gaps.ExpFloat64()
	}
	s.gaps = des.Stream(s.seed, name)
	s.stretch = stage.For.Seconds() / sum // unused when there is nothing to add up
}

// Generate gives each arrival its lengths. A request has its share of prefixes before
// the input that lengths draw.
func Generate(name string, a Arrivals, lengths Lengths, p Prefixes) (Workload, error) {
	alike := NoneAlike
	if p.Tokens > 0 {
		alike = SomeAlike
	}
	return Workload{
		Name: name, Span: a.span, Requests: a.requests, Drains: a.drains, Alike: alike,
		Open: func(seed uint64) Source {
			return &generated{seed: seed, next: a.start(seed), lengths: lengths, prefixes: p.shares(seed), which: des.Stream(seed, "prefixes")}
		},
	}, p.validate()
}

type generated struct {
	seed     uint64
	next     func() (arrival, bool)
	lengths  Lengths
	random   *rand.Rand
	stage    int
	prefixes [][]Share
	which    *rand.Rand
}

func (g *generated) Next() (Request, bool) {
	a, ok := g.next()
	if !ok {
		return Request{}, false
	}
	if g.random == nil || a.stage != g.stage {
		g.random, g.stage = des.Stream(g.seed, "lengths"), a.stage
	}
	input, output := g.lengths(g.random)
	r := Request{At: a.at, Input: max(1, input), Output: max(1, output), Barrier: a.barrier}
	if n := len(g.prefixes); n > 0 {
		r.Prefix = g.prefixes[g.which.IntN(n)]
		r.Input += r.Prefix[0].Until
	}
	return r, true
}

// Prefixes are starts of prompts that requests share, such as system prompts: Count of
// them, Tokens long each, and a request has one of them at random.
type Prefixes struct{ Tokens, Count int }

func (p Prefixes) validate() error {
	if p.Tokens < 0 || p.Tokens > maxTokens || p.Count < 0 || p.Count > 1_000_000 {
		return fmt.Errorf("%d prefixes of %d tokens: at most 1000000 of at most %d", p.Count, p.Tokens, maxTokens)
	}
	return nil
}

func (p Prefixes) shares(seed uint64) [][]Share {
	if p.Tokens <= 0 || p.Count <= 0 {
		return nil
	}
	all := make([]Share, p.Count)
	lists := make([][]Share, p.Count)
	for i := range all {
		all[i] = Share{Content: mix(seed, uint64(i)+1), Until: p.Tokens}
		lists[i] = all[i : i+1 : i+1]
	}
	return lists
}
