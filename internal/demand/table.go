package demand

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// TTL is how long a gateway's report counts.
const TTL = 5 * time.Second

// DeafTime is how long a table to which no gateway reports calls no service idle: it may
// be that they cannot reach it. A request is held for no longer by default.
const DeafTime = 10 * time.Minute

// maxGateways bounds the table against a gateway that changes its name all the time.
const maxGateways = 1000

// Demand is what the gateways together say of one service.
type Demand struct {
	Work
	Gateways int // that report at all
	// Idle is for how long nothing has been held, as far as every gateway could report:
	// 0 while anything is. A Table remembers it for TTL and says no more than that.
	Idle time.Duration
}

// A Table adds up the latest report of each gateway. Time is an argument and never
// goes back.
type Table struct {
	began    time.Time // gateways report to this table from then on
	heard    time.Time // the last of them, or began
	gateways map[string]spoken
	heldTill map[Service]time.Time // of what no living report says any more
	noticed  map[Service]noticed   // since nothing was held
}

// noticed is for what a service was named to whoever is told of more.
type noticed struct {
	held int // the most
	cold bool
}

// spoken is the latest report of one gateway.
type spoken struct {
	at        time.Time
	work      map[Service]Work
	pods      map[Service][]PodWork
	byPromise bool
}

// NewTable is one that gateways report to from a time on.
func NewTable(began time.Time) *Table {
	return &Table{
		began: began, heard: began, gateways: map[string]spoken{},
		heldTill: map[Service]time.Time{}, noticed: map[Service]noticed{},
	}
}

// Report replaces what the gateway said before. It returns the services of which
// more is held than ever since nothing was, or whose first pod has answered while some are
// held, in order.
func (t *Table) Report(now time.Time, r Report) ([]Service, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	t.expire(now)
	if _, known := t.gateways[r.Gateway]; !known && len(t.gateways) >= maxGateways {
		return nil, fmt.Errorf("%d gateways report already", maxGateways)
	}
	t.end(r.Gateway, now)
	work, pods := make(map[Service]Work, len(r.Services)), map[Service][]PodWork{}
	for _, i := range r.Services {
		key := i.Service()
		if w, twice := work[key]; twice {
			i.Work = w.plus(i.Work)
		}
		work[key] = i.Work
		pods[key] = append(pods[key], i.Pods...)
	}
	t.gateways[r.Gateway], t.heard = spoken{now, work, pods, r.ByPromise}, now
	var more []Service
	for key, w := range work {
		sum, before := t.sum(key), t.noticed[key]
		if w.Held > 0 && sum.Held > before.held || sum.Held > 0 && before.cold && !sum.Cold {
			t.noticed[key] = noticed{max(before.held, sum.Held), sum.Cold}
			more = append(more, key)
		}
	}
	slices.SortFunc(more, Service.Compare)
	return more, nil
}

// Of is the demand for one service.
func (t *Table) Of(now time.Time, key Service) Demand {
	t.expire(now)
	d := Demand{Work: t.sum(key), Gateways: len(t.gateways)}
	since := t.began
	if end := t.heldTill[key]; end.After(since) {
		since = end
	}
	if d.Held > 0 {
		since = now
	}
	d.Idle = min(max(0, now.Sub(since)), TTL)
	if d.Gateways == 0 && now.Sub(t.heard) < DeafTime {
		d.Idle = 0
	}
	return d
}

// All is the demand for every service that has any, in order.
func (t *Table) All(now time.Time) (list []Item, gateways int) {
	t.expire(now)
	keys := map[Service]bool{}
	for _, g := range t.gateways {
		for key := range g.work {
			keys[key] = true
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(keys), Service.Compare) {
		list = append(list, Item{Namespace: key.Namespace, Name: key.Name, Work: t.sum(key)})
	}
	return list, len(t.gateways)
}

// Share is a gateway's part of the requests for a service: all where no other has any.
func (t *Table) Share(now time.Time, gateway string, key Service) float64 {
	t.expire(now)
	own, all := t.gateways[gateway].work[key].requests(), int64(0)
	for _, g := range t.gateways {
		all += g.work[key].requests()
	}
	if all == 0 {
		return 1
	}
	return float64(own) / float64(all)
}

// ByPromise is whether all gateways that report have requests wait by promise.
func (t *Table) ByPromise(now time.Time) bool {
	t.expire(now)
	for _, g := range t.gateways {
		if !g.byPromise {
			return false
		}
	}
	return len(t.gateways) > 0
}

// Pods is what the living reports together say of the pods of each service, by name.
func (t *Table) Pods(now time.Time) map[Service]map[string]PodWork {
	t.expire(now)
	sums := map[Service]map[string]PodWork{}
	for _, g := range t.gateways {
		for key, pods := range g.pods {
			if sums[key] == nil {
				sums[key] = map[string]PodWork{}
			}
			for _, p := range pods {
				sums[key][p.Name] = p.plus(sums[key][p.Name])
			}
		}
	}
	return sums
}

func (t *Table) sum(key Service) Work {
	var sum Work
	reported := false
	for _, g := range t.gateways {
		w, reports := g.work[key]
		switch {
		case reports && reported:
			sum = sum.plus(w)
		case reports:
			sum, reported = w, true
		}
	}
	return sum
}

// expire forgets the gateways that have fallen silent, and what is long over.
func (t *Table) expire(now time.Time) {
	for name, g := range t.gateways {
		if end := g.at.Add(TTL); !now.Before(end) {
			t.end(name, end)
		}
	}
	for key, end := range t.heldTill {
		if !now.Before(end.Add(TTL)) {
			delete(t.heldTill, key)
		}
	}
	for key := range t.noticed {
		if t.sum(key).Held == 0 {
			delete(t.noticed, key)
		}
	}
}

// end closes a gateway's latest report: what it held was held until then.
func (t *Table) end(gateway string, at time.Time) {
	for key, w := range t.gateways[gateway].work {
		if w.Held > 0 && at.After(t.heldTill[key]) {
			t.heldTill[key] = at
		}
	}
	delete(t.gateways, gateway)
}
