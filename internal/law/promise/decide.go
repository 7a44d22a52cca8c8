package promise

import (
	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/forecast"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A decision is a step under way.
type decision struct {
	Law
	*State
	in      law.Input
	look    seen
	outlook outlook
	up, way risk
	allowed float64 // share that may miss, as the budget stands
	arrive  float64 // requests per second, now
}

// decide is the number and its reasons.
func (l Law) decide(s *State, in law.Input, look seen) law.Output {
	if !(s.Model.Capacity > 0) {
		return l.unknown(s, in, look)
	}
	d := decision{Law: l, State: s, in: in, look: look, outlook: l.outlook(s), arrive: s.rate()}
	d.risks()
	// As of the step before, so that what has just come asks for no fewer.
	d.allowed = max(l.allowed()-s.Gaps.met(), l.allowed()/4) * s.Budget.factor(l.allowed())
	if look.took > 0 {
		d.account()
	}
	out := d.more(in.Start(tick))
	if out.Replicas >= in.Fleet.Desired {
		s.Hold = Hold{}
	} else {
		out = d.fewer(out)
	}
	s.Budget.Last = d.arrive
	return d.cannot(d.around(out.Clamp(l.Bounds).Within(in.Limit)))
}

// around notes what is expected of the number, of one fewer and of one more.
func (d *decision) around(out law.Output) law.Output {
	share := func(n int) float64 {
		if n < 1 {
			return 1
		}
		s, _ := d.outlook.expected(&d.up, n)
		return s
	}
	n, perSecond := out.Replicas, law.UnitRequestsPerSecond
	return out.Held(law.RuleOutlook,
		law.Known(law.TermArrivals, d.arrive, perSecond), law.Known(law.TermDemand, d.arrive/d.Model.Capacity, law.UnitReplicas),
		law.Known(law.TermCapacity, d.Model.Within, perSecond),
		law.Known(law.TermLeast, d.Model.Low, perSecond), law.Known(law.TermMost, d.Model.High, perSecond),
		law.Known(law.TermFewer, share(n-1), law.UnitShare), law.Known(law.TermExpected, share(n), law.UnitShare),
		law.Known(law.TermMore, share(n+1), law.UnitShare), law.Known(law.TermAllowed, d.allowed, law.UnitShare),
		law.Known(law.TermBudget, d.Budget.Balance, law.UnitRequests), d.ahead())
}

// account counts what was seen against the promise.
func (d *decision) account() {
	allowed := d.Law.allowed()
	d.Budget = d.Budget.count(allowed, d.look)
	if base := forecast.Power(d.arrive / d.Model.Capacity); base > 0 {
		var now risk
		now.set(base, d.up.rise[:d.up.rises])
		share, _ := d.outlook.expected(&now, max(d.look.ready+d.look.coming, 1))
		d.Budget = d.Budget.expect(allowed, share, d.look.took)
	}
	c := d.Law.up(&d.outlook, &d.up, allowed)
	d.Budget.Reserve = d.reserve(d.State, &d.outlook, &d.up, max(c.n, 1))
	d.Gaps = d.Gaps.learn(d.State, d.look, d.quiet())
}

// quiet says whether nothing is in flight, and nothing comes.
func (d *decision) quiet() bool {
	for _, p := range d.Pods {
		if p.Running+p.Waiting > 0 {
			return false
		}
	}
	return d.look.Arrivals == 0 && d.in.Demand.Held == 0 && d.in.Demand.InFlight == 0
}

// more is the number that serves what is there and what may come.
func (d *decision) more(out law.Output) law.Output {
	rate := d.arrive
	capacity := law.Known(law.TermCapacity, d.Model.Capacity, law.UnitRequestsPerSecond)
	out = out.By(law.RuleArrivals, law.Known(law.TermArrivals, rate, law.UnitRequestsPerSecond), capacity)
	c := d.Law.up(&d.outlook, &d.up, d.allowed)
	out = out.By(law.RuleMisses,
		law.Replicas(law.TermWanted, c.n), law.Known(law.TermDemand, d.up.demand, law.UnitReplicas),
		law.Known(law.TermExpected, c.share, law.UnitShare), law.Known(law.TermFewer, c.fewer, law.UnitShare),
		law.Known(law.TermAllowed, d.allowed, law.UnitShare), d.ahead())
	if j := d.jumps(d.State, &d.outlook, &d.up, c, d.lead()); j.n > out.Replicas {
		out = out.By(law.RuleJump,
			law.Replicas(law.TermWanted, j.n), law.Known(law.TermJump, d.perSecond(j.to), law.UnitRequestsPerSecond),
			law.Known(law.TermEvery, j.every, law.UnitSeconds), law.Known(law.TermCost, j.cost, law.UnitRequests),
			law.Known(law.TermBudget, d.Budget.Balance, law.UnitRequests))
	}
	return d.serve(out)
}

// perSecond is the rate of a power of demand.
func (s *State) perSecond(power float64) float64 { return forecast.Level(power) * s.Model.Capacity }

// fewer is the number that may be let go to: what must be kept, what has not been needed
// for long enough, and nothing unless every pod was read.
func (d *decision) fewer(out law.Output) law.Output {
	desired := d.in.Fleet.Desired
	if backlog, behind := d.behind(); behind {
		d.Hold = Hold{}
		return d.stay(out, backlog)
	}
	c := d.Law.up(&d.outlook, &d.way, d.allowed)
	j := d.jumps(d.State, &d.outlook, &d.way, c, d.breakEven())
	out = out.By(law.RuleKeep, law.Replicas(law.TermWanted, min(j.n, desired)),
		law.Known(law.TermExpected, c.share, law.UnitShare), law.Known(law.TermFewer, c.fewer, law.UnitShare),
		law.Known(law.TermAllowed, d.allowed, law.UnitShare), law.Seconds(law.TermLead, d.breakEven()))
	if out.Replicas < 1 {
		gone, terms := d.zero()
		if !gone {
			out = out.By(law.RuleLastOne, append(terms, law.Replicas(law.TermReplicas, 1))...)
		}
	}
	wait := d.breakEven()
	held, n := d.Hold.want(d.in.Now, out.Replicas, desired, wait)
	d.Hold = held
	if n < desired && (!d.look.whole || d.Lengths.Of.Requests < settled && d.arrive > 0) {
		d.Hold = Hold{Lower: true, Since: d.in.Now - wait, Most: n} // it may go as soon as all is read
		return out.By(law.RuleBlind, law.Replicas(law.TermDesired, desired))
	}
	left := max(held.Since+wait-d.in.Now, 0)
	return out.By(law.RuleHold, law.Replicas(law.TermWanted, n), law.Seconds(law.TermWait, left))
}

// unknown is the decision while it is not known what a replica does: to keep what there
// is, and one at least where requests wait.
func (l Law) unknown(s *State, in law.Input, look seen) law.Output {
	out := in.Start(tick)
	quality := reading.Absent
	if s.Read > 0 {
		quality = reading.Fresh
	}
	doubt := law.Term{Name: law.TermDoubt, Value: float64(capacity.NoRequests), Quality: quality}
	out = out.Held(law.RuleNoCapacity, doubt, law.Known(law.TermReady, float64(look.ready), law.UnitReplicas))
	if in.Demand.Held > 0 {
		out = out.By(law.RuleFromZero, law.Replicas(law.TermReplicas, 1))
	}
	return out.Clamp(l.Bounds)
}
