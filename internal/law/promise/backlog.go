package promise

import (
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
)

// drained is within what time the requests that wait are to be served.
const drained = time.Minute

// backlog is how many requests are too many when what is asked for now serves: those that
// are held in front, and those inside the replicas beyond the room of n, from which on others
// miss. Replicas that do no more than what arrives never catch up, and whoever comes meanwhile
// waits behind them. So n is the number that serves what arrives, and that within a minute:
//
//	n = (rate + backlog/60 s)/capacity,   backlog = held + (inside − n·room)
//
// Where none ever becomes ready more do not help: no more counts than arrives in a start.
//
// Worked example (TestBacklog): 30/s come to a replica that does 12/s, has 500 requests, and
// room for 100. Another one serves in 40 s, and what is asked for now in 100 s: by then 500 +
// 18·40 + 6·60 = 1,580 are inside. (30·60 + 1,580)/(12·60 + 100) = 4.12 replicas have room
// for 412 of them: 1,168 are too many, and five replicas are needed.
func (d *decision) backlog() float64 {
	span, held, inside := drained.Seconds(), float64(max(d.in.Demand.Held, 0)), d.inside()
	n := (d.arrive*span + held + inside) / (d.Model.Capacity*span + d.Model.Room)
	return min(held+max(inside-n*d.Model.Room, 0), d.arrive*(d.lead()+drained).Seconds())
}

// inside is how many requests the replicas will have when what is asked for now serves: what
// arrives beyond what those serve that are ready, and those that start once they are, is
// added. One that takes longer than usual does not count.
func (d *decision) inside() float64 {
	n, inside := 0.0, 0.0
	for _, p := range d.Pods {
		if p.Ready {
			n++
			inside += p.Running + p.Waiting
		}
	}
	due := make([]time.Duration, 0, len(d.in.Fleet.Pods)+1) // until each serves
	for _, p := range d.in.Fleet.Pods {
		if at := d.lead() - (d.in.Now - p.CreatedAt); !p.Ready && !p.Deleting && at > 0 {
			due = append(due, at)
		}
	}
	slices.Sort(due)
	now := time.Duration(0)
	for _, at := range append(due, d.lead()) {
		inside = max(inside+(d.arrive-n*d.Model.Capacity)*(at-now).Seconds(), 0)
		n, now = n+1, at
	}
	return inside
}

// serve asks for what serves a backlog too; for no more than there are while some do not
// become ready at all.
func (d *decision) serve(out law.Output) law.Output {
	backlog := d.backlog()
	switch {
	case !(backlog > 0):
		return out
	case d.stuck() && d.behindBy(backlog, d.in.Fleet.Desired):
		return d.stay(out, backlog)
	}
	return out.By(law.RuleBacklog,
		law.Known(law.TermArrivals, d.arrive, law.UnitRequestsPerSecond), law.Known(law.TermHeld, backlog, law.UnitRequests),
		law.Known(law.TermWait, drained.Seconds(), law.UnitSeconds), law.Known(law.TermCapacity, d.Model.Capacity, law.UnitRequestsPerSecond))
}

// stuck says whether a pod has taken twice as long to start as nine in ten do.
func (d *decision) stuck() bool {
	usual := d.Times.Quantile(capacity.Start, 0.9)
	return slices.ContainsFunc(d.in.Fleet.Pods, func(p law.Pod) bool {
		return !p.Ready && !p.Deleting && d.in.Now-p.CreatedAt > 2*usual
	})
}

// behind says whether the replicas that are ready do not serve what they have within a
// minute, so that those which start are of use. What a replica has nobody else can serve: of
// one that has more than it does in a minute only so much counts.
func (d *decision) behind() (backlog float64, behind bool) {
	backlog = float64(max(d.in.Demand.Held, 0))
	for _, p := range d.Pods {
		if p.Ready {
			backlog += min(max(p.Running+p.Waiting-d.Model.Room, 0), d.Model.Capacity*drained.Seconds())
		}
	}
	return backlog, backlog > 0 && d.behindBy(backlog, d.look.ready)
}

// behindBy says whether n replicas do not serve a backlog within a minute.
func (d *decision) behindBy(backlog float64, n int) bool {
	return d.arrive+backlog/drained.Seconds() > float64(n)*d.Model.Capacity
}

// stay keeps what there is because of a backlog.
func (d *decision) stay(out law.Output, backlog float64) law.Output {
	return out.By(law.RuleBehind, law.Replicas(law.TermDesired, d.in.Fleet.Desired),
		law.Known(law.TermHeld, backlog, law.UnitRequests), law.Replicas(law.TermReady, d.look.ready))
}
