package promise

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
)

// up is how many replicas must be asked for now.
//
// The least number such that, of the requests expected one lead time ahead, no larger
// share misses than is allowed: with n replicas and demand D, which is what it was or
// rose by one of the rises that were seen, E[D·missed(D, n)] / E[D] ≤ allowed.
//
// No more are asked for once another one would save less than half of what the promise
// lets a replica miss anyway: where prompts are so long that some are late on an idle
// replica, no number keeps the promise, and the most would otherwise be asked for.
//
// Worked example (TestUp): a demand of 2.8 replicas, steadily or rising to 4.3 in one of
// ten lead times, and 5 % may miss. The jump costs three replicas 71 % of its requests and
// four none: with three 0.1·4.3·71 %/2.95 = 10.4 % would miss: four.
func (l Law) up(o *outlook, r *risk, allowed float64) choice {
	if !(r.demand > 0) {
		return choice{}
	}
	c := choice{n: -1}
	enough := func(n int) bool {
		share, lost := o.expected(r, n)
		if share > allowed {
			if _, less := o.expected(r, n+1); share >= 0.5 || lost-less >= l.allowed()/2 {
				return false
			}
		}
		if c.n < 0 || n < c.n {
			c.n, c.share, c.lost = n, share, lost
		}
		return true
	}
	most := l.most(r)
	if n := least(law.Ceil(r.demand), most, enough); n != c.n { // the maximum is not enough
		c.n = n
		c.share, c.lost = o.expected(r, n)
	}
	c.fewer, _ = o.expected(r, c.n-1)
	return c
}

// most is the number beyond which more replicas are not tried: four times what the
// greatest demand needs, and some, if the maximum is not less.
func (l Law) most(r *risk) int {
	demand := r.demand
	if r.rises > 0 {
		demand = max(demand, r.demands[r.rises-1])
	}
	return min(l.Most(), law.Ceil(4*demand)+16)
}

// least is the least number up to most that is enough, where all greater ones are too;
// most if none is. It begins at a guess.
func least(guess, most int, enough func(int) bool) int {
	low, high := 0, max(most, 1) // low is not enough, high is taken to be
	for n, step := min(max(guess, 1), high), 1; high-low > 1; step *= 2 {
		if enough(n) {
			high = n
			n = max(high-step, low+(high-low)/2)
		} else {
			low = n
			n = min(low+step, low+(high-low+1)/2)
		}
		n = min(max(n, low+1), high-1)
	}
	return high
}

// A choice is a number of replicas with what it would miss.
type choice struct {
	n            int
	share, fewer float64 // expected to miss with n, and with one fewer
	lost         float64
}

// again is how many jumps of a size must be expected before the budget could pay for one
// to be prepared for: one is more likely than not to come first.
const again = 0.5

// jumps is how many replicas are needed for the rare rises that the mean hides: a jump that
// costs more requests than may still miss breaks the promise when it comes, however rarely.
// It is prepared for if another one is to be expected before the promise has allowed as
// many misses again:
//
//	(cost − balance) / (allowed·rate) · frequency ≥ 1/2,   cost = D·(missed(D, n) − missed when idle)·span
//
// where rate is the mean of the last day, by which the promise is judged, or that of now if
// it is more. Where not one request has come within a day nothing has been promised, and the
// rate would make any cost too much: nothing is prepared for.
//
// Worked example (TestJumps): 6/s, of which 5 % may miss, so that 0.3/s are allowed; 100
// may miss still. A jump to 9/s costs 5 replicas 510 requests, 410 too many, which the
// promise allows again in 1,370 s; it was seen once in half an hour: 0.76 of another one is
// to be expected before. So the number is raised until it costs no more than there is: 6
// replicas lose nothing.
func (l Law) jumps(s *State, o *outlook, r *risk, c choice, within time.Duration) jump {
	if c.n < 1 && l.Min < 1 { // at zero it is a wake that brings one back
		return jump{}
	}
	span := within.Seconds()
	most := jump{n: max(c.n, l.Min, 1)} // as many as serve the demand that there is
	if s.Budget.Requests < 1 {
		return most
	}
	frequency, f := 0.0, o.from(most.n, r.demand)
	allowed, left := l.allowed()*s.Budget.mean(), max(s.Budget.Balance, 0)
	for i := r.rises - 1; i >= 0 && r.rise[i].Rise > 0; i-- {
		frequency += r.rise[i].Share / span
		cost := func(n int) float64 {
			if f.n != float64(n) {
				f = o.from(n, r.demand)
			}
			return f.cost(r.demands[i])
		}
		affordable := func(n int) bool {
			if n < most.n {
				return false
			}
			c := cost(n)
			return c <= 0.9*left || (c-left)*frequency < again*allowed
		}
		if affordable(most.n) {
			continue
		}
		if n := least(law.Ceil(r.demands[i]), l.most(r), affordable); n > most.n {
			most = jump{n, r.base + r.rise[i].Rise, 1 / frequency, cost(n - 1)}
		}
	}
	return most
}

// A jump is a rise that is prepared for.
type jump struct {
	n     int
	to    float64 // power of the demand
	every float64 // seconds
	cost  float64 // requests, with one replica fewer
}

// reserve is the cost of the dearest jump, with n replicas, of which another one is to be
// expected before the promise has allowed as many misses.
func (l Law) reserve(s *State, o *outlook, r *risk, n int) float64 {
	span, most := s.lead().Seconds(), 0.0
	frequency, f := 0.0, o.from(n, r.demand)
	allowed := l.allowed() * s.Budget.mean()
	for i := r.rises - 1; i >= 0 && r.rise[i].Rise > 0; i-- {
		frequency += r.rise[i].Share / span
		cost := f.cost(r.demands[i])
		if cost*frequency >= again*allowed {
			most = max(most, cost)
		}
	}
	return most
}
