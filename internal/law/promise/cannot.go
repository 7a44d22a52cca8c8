package promise

import (
	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
)

// cannot notes why the promise cannot be kept, where it cannot, and what keeps engines from doing
// what they could, with the numbers.
func (d *decision) cannot(out law.Output) law.Output {
	allowed := law.Known(law.TermAllowed, d.Law.allowed(), law.UnitShare)
	// On an idle replica, whatever the number.
	idle := d.outlook.with(1)
	if least := idle.steadily(0.05); least > d.Law.allowed() {
		out = out.Held(law.RuleUnreachable, law.Known(law.TermExpected, least, law.UnitShare), allowed)
	} else if most := d.Most(); out.Replicas >= most && d.Max > 0 && d.up.demand > 0 {
		if share, _ := d.outlook.expected(&d.up, most); share > d.Law.allowed() {
			out = out.Held(law.RuleShort, law.Known(law.TermExpected, share, law.UnitShare), allowed,
				law.Replicas(law.TermMaximum, most), law.Replicas(law.TermWanted, d.enough()))
		}
	}
	if d.Model.Doubt != capacity.Identified {
		out = out.Held(law.RuleNoCapacity, law.Known(law.TermDoubt, float64(d.Model.Doubt), law.UnitNone),
			law.Known(law.TermCapacity, d.Model.Within, law.UnitRequestsPerSecond),
			law.Known(law.TermLeast, d.Model.Low, law.UnitRequestsPerSecond), law.Known(law.TermMost, d.Model.High, law.UnitRequestsPerSecond))
	}
	if d.Model.Full > 0 {
		out = out.Held(law.RuleFull, law.Known(law.TermLimit, d.Model.Sequences, law.UnitRequests),
			law.Known(law.TermCapacity, d.Model.Full, law.UnitRequestsPerSecond))
	}
	return d.first(out)
}

// enough is the number that would keep the promise if there were no maximum.
func (d *decision) enough() int {
	l := d.Law
	l.Max = min(4*d.Most(), law.Most)
	return l.up(&d.outlook, &d.up, l.allowed()).n
}

// first notes a rise that no rise before has been like, and what it will cost whatever is
// asked for now: those that it brings until replicas that start now are ready.
func (d *decision) first(out law.Output) law.Output {
	rate := d.arrive
	before, known := d.Demand.level(d.Read-d.lead()-reference, d.Read-2*detection)
	was := d.perSecond(before) / max(d.Model.Capacity, 1e-9)
	demand := rate / d.Model.Capacity
	if !known || d.look.took <= 0 || demand < 1.1*was {
		return out
	}
	f := d.outlook.from(d.look.ready, was)
	cost := f.cost(demand)
	if cost <= max(d.Budget.Balance, 0) {
		return out
	}
	return out.Held(law.RuleFirstJump, law.Known(law.TermJump, rate, law.UnitRequestsPerSecond),
		law.Known(law.TermArrivals, was*d.Model.Capacity, law.UnitRequestsPerSecond), law.Known(law.TermCost, cost, law.UnitRequests),
		law.Known(law.TermBudget, d.Budget.Balance, law.UnitRequests), d.ahead())
}
