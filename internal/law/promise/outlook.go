package promise

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/forecast"
)

// outlook is what a number of replicas would miss.
type outlook struct {
	model      *Model
	shares     capacity.Calibrated
	dispersion float64
	span       float64 // seconds until what is asked for now serves
	ordered    bool    // in front of the replicas
}

// detection is how long a jump takes to be seen: two windows of five seconds and a
// reading in between.
const detection = 15 * time.Second

func (l Law) outlook(s *State) outlook {
	return outlook{
		model: &s.Model, shares: s.Curve.Calibrated(), dispersion: max(s.Demand.Rate.Dispersion, 0.3),
		span: (s.lead() + detection).Seconds(), ordered: l.Ordered,
	}
}

// A fleet is an outlook with a number of replicas.
type fleet struct {
	*outlook
	n    float64
	row  capacity.Row
	best float64 // demand that is served within the objectives, at most
}

// with is the outlook with so many replicas, one at least.
func (o *outlook) with(n int) fleet {
	n = max(n, 1)
	f := fleet{outlook: o, n: float64(n), row: o.model.Table.Row(n)}
	for u := 0.5; o.ordered && u < 1.1; u += 0.05 {
		f.best = max(f.best, f.n*u*(1-f.crowded(f.n*u)))
	}
	return f
}

// steadily is the share missed of a demand that stays. Demand is counted in replicas: the
// rate over one's capacity. An ordered queue serves the best part of any demand as if there
// were no more, and what is beyond it misses: of a demand of 5.6, four replicas that miss
// nothing up to their capacity miss 1 − 4/5.6 = 29 %, and all of it by arrival (TestOrdered).
func (f *fleet) steadily(demand float64) float64 {
	missed := f.crowded(demand)
	if demand > f.best && demand*(1-missed) < f.best {
		return 1 - f.best/demand
	}
	return missed
}

// crowded is the share missed where all of a demand is on the replicas.
func (f *fleet) crowded(demand float64) float64 { return f.shares.Share(f.row.LogOdds(demand / f.n)) }

// missed is the share missed within the span of a demand that was one and becomes
// another. A demand that falls or stays misses what it does steadily. One that rises finds
// replicas with fewer requests than they will have, and none misses more until those have
// come. Requests leave at the old rate for as long as one stays, T, and then at most at
// the capacity; with one replica at u₁ before and u₂ after, of capacity μ and with room
// for n requests,
//
//	t = (n − n(u₁)) / (u₂ − u₁)μ              if that is less than T
//	t = T + (n − n(u₁) − (u₂ − u₁)μT) / (u₂ − 1 + σ)μ   otherwise, if u₂ − 1 + σ > 0
//	t ≤ alone / (1 − u₂)                      if u₂ < 1: so long a load takes to settle
//
// where σ is two deviations of what arrives in the span. What the new demand misses
// steadily counts for the part of the span after t.
//
// Worked example (TestMissed): one replica does 1.43/s and then has 57 requests, each for
// 40 s; its cache holds 69 and 4 more may wait. 4 replicas at 4/s have 26 each. A jump to 6/s:
// u₂ = 1.05, 0.5/s more each: after 40 s there are 46, and then 0.18/s more (σ = 0.08): full
// after 187 s, beyond the span of 115 s. A jump to 8/s brings 1/s more each: 66 after 40 s,
// then 0.7/s: full after 50 s, and 56 % of the span's requests miss.
func (f *fleet) missed(was, comes float64) float64 { return f.after(was, f.steadily(was), comes) }

// after is missed, where it is known what was missed before.
func (f *fleet) after(was, before, comes float64) float64 {
	after := f.steadily(comes)
	if comes <= was {
		return after
	}
	if after <= before {
		return before
	}
	if t := f.full(was/f.n, comes/f.n); t < f.span {
		return before + (after-before)*(1-t/f.span)
	}
	return before
}

// A start is a fleet with the demand that it has, of which a share is missed, and that which
// misses on idle replicas too.
type start struct {
	fleet
	was, before, idle float64
}

func (o *outlook) from(n int, was float64) start {
	f := o.with(n)
	return start{f, was, f.steadily(was), f.steadily(0)}
}

// cost is how many requests a rise of the demand costs until what is asked for when it comes
// serves, beyond those that miss on idle replicas too.
func (s *start) cost(comes float64) float64 {
	return comes * s.model.Capacity * max(s.after(s.was, s.before, comes)-s.idle, 0) * s.span
}

// full is after how many seconds one of the replicas misses steadily.
func (f *fleet) full(was, comes float64) float64 {
	m := f.model
	part := min(was, 1) * parts
	i := min(int(part), parts-1)
	now := m.InFlight[i] + (m.InFlight[i+1]-m.InFlight[i])*(part-float64(i))
	room := m.Room - now
	if room <= 0 {
		return 0
	}
	stay := m.InFlight[parts] / m.Capacity
	rise := (comes - was) * m.Capacity
	t := room / rise
	if t > stay {
		chance := 2 * comes * math.Sqrt(f.dispersion/max(comes*f.n*m.Capacity*f.span, 1))
		t = math.Inf(1)
		if grows := (comes - 1 + chance) * m.Capacity; grows > 0 {
			t = stay + (room-rise*stay)/grows
		}
	}
	if comes < 1 {
		t = min(t, m.Alone.Seconds()/(1-comes))
	}
	return t
}

// A risk is a demand with how it may rise.
type risk struct {
	base    float64 // power of the demand
	demand  float64
	mean    float64                     // of what the demand may become
	rises   int                         // how many there are
	rise    [mostRises]forecast.Outcome // from the least to the greatest
	demands [mostRises]float64          // what the demand then is
	// A step asks one outlook again and again for the same few numbers of replicas.
	asked [6]asked
	next  int
}

// asked is what was expected of a number of replicas; of 0 it was not asked.
type asked struct {
	n           int
	share, lost float64
}

// mostRises is how many rises are told apart at most.
const mostRises = 128

// set makes the risk of a base.
func (r *risk) set(base float64, rises []forecast.Outcome) {
	r.base, r.demand, r.rises, r.mean = base, forecast.Level(base), copy(r.rise[:], rises), 0
	for i, rise := range r.rise[:r.rises] {
		r.demands[i] = forecast.Level(base + rise.Rise)
		r.mean += rise.Share * r.demands[i]
	}
	r.asked = [len(r.asked)]asked{}
}

// expected is the share of requests that will miss with n replicas, and the demand lost.
func (o *outlook) expected(r *risk, n int) (share, lost float64) {
	n = max(n, 1)
	for _, a := range &r.asked {
		if a.n == n {
			return a.share, a.lost
		}
	}
	f := o.with(n)
	before := f.steadily(r.demand)
	for i, rise := range r.rise[:r.rises] {
		lost += rise.Share * r.demands[i] * f.after(r.demand, before, r.demands[i])
	}
	share = lost / max(r.mean, 1e-12)
	r.asked[r.next%len(r.asked)] = asked{n, share, lost}
	r.next++
	return share, lost
}
