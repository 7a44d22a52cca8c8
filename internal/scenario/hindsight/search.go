package hindsight

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/scenario"
)

const (
	// least is the shortest stretch of a plan that a search moves: less than a start takes
	// changes little.
	least = 30 * time.Second
	// rounds is how often the price of a miss halves at most.
	rounds = 6
	// long is from when on a plan is programmed, not searched for.
	long = 6 * time.Hour
)

// A Search looks for the cheapest plan that serves a share of the requests within the
// objectives, on the plant itself and under one seed.
//
// From the cheapest of the plans that it begins with, it asks for one replica fewer or more
// in stretches of the plan, a quarter of the run at first and then ever shorter, and keeps
// what costs less: GPU-hours, and a price for each request that misses. The price begins so
// high that little is missed, and halves until too much is; whatever was run on the way and
// serves the share is a candidate. At last the budget of misses counts alone. Of days the
// plans to begin with are those of program, and nothing is moved.
type Search struct {
	Setup  scenario.Setup
	Bounds law.Bounds
	Seed   uint64
	Begin  []reference.Plan // plans to begin with, beside those of one number
	Target float64          // the share of requests
	Tick   func() error     // after each run: an error ends the search; nil: nothing

	runs  int
	seen  map[string]trial
	best  Found
	most  float64 // share that is asked for: the target, or the most that any plan serves
	price float64 // of a miss, in GPU-hours; 0: begin at what all misses together may cost
	least time.Duration
}

// Found is the best plan found.
type Found struct {
	scenario.Outcome
	Runs    int      // of the plant, until it was found and nothing better
	Windows []Window // of a plan that was programmed
}

// A trial is what a plan gives.
type trial struct {
	plan     reference.Plan
	hours    float64
	requests int
	good     float64 // share of them
	end      time.Duration
}

// missed is how many requests did.
func (t trial) missed() float64 { return (1 - t.good) * float64(t.requests) }

// Run searches.
func (s Search) Run() (Found, error) {
	draw, past := s.Setup.Draw, s.Setup.Past
	s.Setup.Draw, s.Setup.Past, s.seen, s.most = false, scenario.Past{}, map[string]trial{}, s.Target
	if s.least == 0 {
		s.least = least
	}
	start, err := s.start()
	if err != nil {
		return Found{}, err
	}
	if s.Setup.Workload.Span > long {
		err = s.program(start)
	} else {
		err = s.descend(start)
	}
	if err != nil {
		return Found{}, err
	}
	if s.Setup.Draw = draw; draw {
		s.best.Outcome, err = scenario.Run(s.Setup, planned(s.best.Plan), s.Seed)
	}
	s.best.Runs = s.runs
	s.best.Past.Now += past.Now
	return s.best, err
}

// Of is the search for an oracle's plan.
func Of(s scenario.Setup, o reference.Oracle, seed uint64) Search {
	target := o.Target
	if target == 0 {
		target = s.Terms.Objectives[0].Quantile
	}
	return Search{Setup: s, Bounds: o.Bounds, Seed: seed, Target: target}
}

// planned is the policy that follows a plan.
func planned(p reference.Plan) decide.Policy {
	return decide.Policy{Law: reference.Oracle{Schedule: reference.Schedule{Levels: p}}}
}

// start tries what there is to begin with. If nothing serves the share, the most that
// anything does is what is asked for from then on.
func (s *Search) start() (trial, error) {
	low, high := s.Bounds.Least(), max(s.Bounds.Least(), min(s.Bounds.Most(), s.Setup.Fleet.Capacity()))
	plans := append([]reference.Plan{reference.Always(high)}, s.Begin...)
	if s.Setup.Workload.Span <= long {
		plans = append(plans, needed(s.Setup, s.Seed).Within(s.Bounds).Ahead(s.Setup.Fleet.ColdStart.Mean()))
	}
	var best trial
	for _, p := range plans {
		t, err := s.try(p, math.Inf(1))
		if err != nil {
			return best, err
		}
		if best.plan == nil || s.better(t, best) {
			best = t
		}
	}
	for low < high {
		middle := (low + high) / 2
		t, err := s.try(reference.Always(middle), math.Inf(1))
		if err != nil {
			return best, err
		}
		if s.better(t, best) {
			best = t
		}
		if s.serves(t) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	s.most = min(s.most, best.good)
	return best, nil
}

func (s *Search) serves(t trial) bool { return t.good >= s.most }

// better compares by what is asked for.
func (s *Search) better(a, b trial) bool {
	switch {
	case s.serves(a) && s.serves(b):
		return a.hours < b.hours
	case s.serves(a) || s.serves(b):
		return s.serves(a)
	}
	return a.good > b.good
}

// try runs a plan, unless that has been done, and keeps it if it is the best so far. It is
// given up, and costs more than any, when more requests than are allowed miss.
func (s *Search) try(p reference.Plan, allowed float64) (trial, error) {
	key := p.String()
	if t, ok := s.seen[key]; ok {
		return t, nil
	}
	if s.Tick != nil {
		if err := s.Tick(); err != nil {
			return trial{}, err
		}
	}
	s.runs++
	out, tooMany, err := scenario.RunUntil(s.Setup, planned(p), s.Seed, int(min(allowed, math.MaxInt32)))
	if err != nil || tooMany {
		return trial{plan: p, hours: math.Inf(1)}, err
	}
	t := trial{p, out.GPUHours, out.Requests, out.Attainment, out.Duration}
	s.seen[key] = t
	if s.best.Plan == nil || s.better(t, trial{hours: s.best.GPUHours, good: s.best.Attainment}) {
		s.best.Outcome = out
		s.best.Plan = p
	}
	return t, nil
}

// descend lets the price of a miss fall until too many miss.
func (s *Search) descend(at trial) error {
	allowed := (1 - s.most) * float64(at.requests)
	price, times := at.hours/max(1, allowed), rounds
	if s.price > 0 {
		price, times = s.price, 1
	}
	for range times {
		var err error
		if at, err = s.round(at, price, math.Inf(1)); err != nil {
			return err
		}
		if !s.serves(at) {
			break
		}
		price /= 2
	}
	at, err := s.try(s.best.Plan, math.Inf(1))
	if err == nil {
		_, err = s.round(at, 0, allowed)
	}
	return err
}

// round moves stretches of a plan, the longest first, as long as that costs less and no
// more miss than are allowed.
func (s *Search) round(at trial, price, allowed float64) (trial, error) {
	cost := func(t trial) float64 { return t.hours + price*t.missed() }
	for span := max(at.end/4, s.least); span >= s.least; span = (span / 2).Truncate(time.Second) {
		for from := time.Duration(0); from < at.end; from += span {
			for _, by := range []int{-1, 1} {
				for {
					t, err := s.try(at.plan.Moved(from, from+span, by, s.Bounds), min(allowed, cost(at)/price))
					if err != nil {
						return at, err
					}
					if !(cost(t) < cost(at)) || t.missed() > allowed {
						break
					}
					at = t
				}
			}
		}
	}
	return at, nil
}
