package kube

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/law"
)

// DemandTTL is how long a gateway's report counts, and how long nothing must have
// been held before a wake is withdrawn.
const DemandTTL = law.WakeQuiet

// maxGateways bounds the table against a gateway that changes its name all the time.
const maxGateways = 1000

// Report is all that one gateway has to do. A service that it leaves out has nothing.
type Report struct {
	Gateway  string       `json:"gateway"`
	Services []ReportItem `json:"services"`
}

// ReportItem is one gateway's work for one service.
type ReportItem struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Work
	Pods []PodWork `json:"pods,omitempty"` // those with any
}

// Work is counted in requests, but for HeldTokens.
type Work struct {
	Held       int   `json:"held"`
	HeldTokens int64 `json:"heldTokens"`
	InFlight   int   `json:"inFlight"`
	Arrivals   int64 `json:"arrivals"` // since the gateway's last report
}

func (w Work) plus(o Work) Work {
	return Work{w.Held + o.Held, w.HeldTokens + o.HeldTokens, w.InFlight + o.InFlight, w.Arrivals + o.Arrivals}
}

// validate refuses what no gateway says, so that sums can be trusted.
func (r Report) validate() error {
	if r.Gateway == "" || len(r.Gateway) > 253 {
		return errors.New("gateway: a name of 1 to 253 characters is wanted")
	}
	for _, s := range r.Services {
		if s.Namespace == "" || s.Name == "" {
			return errors.New("services: each wants a namespace and a name")
		}
		counts := []int64{int64(s.Held), s.HeldTokens, int64(s.InFlight), s.Arrivals}
		for _, p := range s.Pods {
			if p.Name == "" {
				return fmt.Errorf("service %s/%s: each of its pods wants a name", s.Namespace, s.Name)
			}
			counts = append(counts, int64(p.InFlight), p.WorkTokens, p.RemainingMs, p.PrefixTokens)
		}
		for _, n := range counts {
			if n < 0 || n > 1<<40 {
				return fmt.Errorf("service %s/%s: %d is no count", s.Namespace, s.Name, n)
			}
		}
	}
	return nil
}

// Demand is what the gateways together say of one service.
type Demand struct {
	Work
	Gateways int           // that report at all
	Quiet    bool          // nothing has been held for DemandTTL, in which every gateway could report
	QuietIn  time.Duration // the earliest time from now at which Quiet can be; 0 if it is
}

// demandTable adds up the latest report of each gateway. Time is an argument and
// never goes back.
type demandTable struct {
	began    time.Time // gateways report to this table from then on
	gateways map[string]spoken
	heldTill map[types.NamespacedName]time.Time // of what no living report says any more
	noticed  map[types.NamespacedName]int       // the most held since nothing was
}

// spoken is the latest report of one gateway.
type spoken struct {
	at   time.Time
	work map[types.NamespacedName]Work
	pods map[types.NamespacedName][]PodWork
}

func newDemandTable(began time.Time) *demandTable {
	return &demandTable{
		began: began, gateways: map[string]spoken{},
		heldTill: map[types.NamespacedName]time.Time{}, noticed: map[types.NamespacedName]int{},
	}
}

// report replaces what the gateway said before. It returns the services of which
// more is held than ever since nothing was, in order.
func (t *demandTable) report(now time.Time, r Report) ([]types.NamespacedName, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	t.expire(now)
	if _, known := t.gateways[r.Gateway]; !known && len(t.gateways) >= maxGateways {
		return nil, fmt.Errorf("%d gateways report already", maxGateways)
	}
	t.end(r.Gateway, now)
	work, pods := make(map[types.NamespacedName]Work, len(r.Services)), map[types.NamespacedName][]PodWork{}
	for _, s := range r.Services {
		key := types.NamespacedName{Namespace: s.Namespace, Name: s.Name}
		work[key] = work[key].plus(s.Work)
		pods[key] = append(pods[key], s.Pods...)
	}
	t.gateways[r.Gateway] = spoken{now, work, pods}
	var more []types.NamespacedName
	for key, w := range work {
		if held := t.sum(key).Held; w.Held > 0 && held > t.noticed[key] {
			t.noticed[key] = held
			more = append(more, key)
		}
	}
	slices.SortFunc(more, compareNames)
	return more, nil
}

// of is the demand for one service.
func (t *demandTable) of(now time.Time, key types.NamespacedName) Demand {
	t.expire(now)
	d := Demand{Work: t.sum(key), Gateways: len(t.gateways)}
	since := t.began
	if end := t.heldTill[key]; end.After(since) {
		since = end
	}
	if d.Held > 0 {
		since = now
	}
	d.QuietIn = max(0, since.Add(DemandTTL).Sub(now))
	d.Quiet = d.QuietIn == 0
	return d
}

// all is the demand for every service that has any, in order.
func (t *demandTable) all(now time.Time) (list []ReportItem, gateways int) {
	t.expire(now)
	sums := map[types.NamespacedName]Work{}
	for _, g := range t.gateways {
		for key, w := range g.work {
			sums[key] = sums[key].plus(w)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(sums), compareNames) {
		list = append(list, ReportItem{Namespace: key.Namespace, Name: key.Name, Work: sums[key]})
	}
	return list, len(t.gateways)
}

func (t *demandTable) sum(key types.NamespacedName) Work {
	var sum Work
	for _, g := range t.gateways {
		sum = sum.plus(g.work[key])
	}
	return sum
}

// expire forgets the gateways that have fallen silent, and what is long over.
func (t *demandTable) expire(now time.Time) {
	for name, g := range t.gateways {
		if end := g.at.Add(DemandTTL); !now.Before(end) {
			t.end(name, end)
		}
	}
	for key, end := range t.heldTill {
		if !now.Before(end.Add(DemandTTL)) {
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
func (t *demandTable) end(gateway string, at time.Time) {
	for key, w := range t.gateways[gateway].work {
		if w.Held > 0 && at.After(t.heldTill[key]) {
			t.heldTill[key] = at
		}
	}
	delete(t.gateways, gateway)
}

func compareNames(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
