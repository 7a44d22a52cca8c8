package gateway

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/demand"
)

// reportEvery is the period of reports while there is anything to report.
const reportEvery = time.Second

// keep ends what is held for too long, and reports: at once when a service begins to
// hold, every second while there is anything to do, and once more when there is not.
func (g *Gateway) keep(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time
	active := false
	for {
		now := false
		select {
		case <-ctx.Done():
			g.tell(nil)
			return
		case <-g.urgent:
			now = true
		case <-timer.C:
		}
		_, end := g.config.Pulse.Begin(ctx, "ending what is held too long, and reporting")
		g.findOutliers()
		next := g.tick()
		g.settleAll()
		if now || time.Since(last) >= reportEvery {
			demands := g.demands()
			if active || len(demands) > 0 {
				g.tell(demands)
			}
			active = len(demands) > 0
			last = time.Now()
		}
		end()
		timer.Reset(max(0, min(next, reportEvery-time.Since(last))))
	}
}

func (g *Gateway) tell(demands []demand.Item) {
	if g.config.Tell != nil {
		g.config.Tell(demand.Report{Gateway: g.config.Name, ByPromise: g.config.ByPromise, Services: append([]demand.Item{}, demands...)})
	}
}

// demands are those of all services that have any, in order.
func (g *Gateway) demands() []demand.Item {
	var all []demand.Item
	for _, s := range g.directory.Load().list {
		arrivals := s.arrivals.Load()
		d := demand.Item{Work: demand.Work{InFlight: int(s.inFlight.Load()), Arrivals: arrivals - s.reported.Swap(arrivals)}}
		if s.held.Load() > 0 {
			load, _ := g.loads(s)
			d.Held, d.HeldTokens = load.Requests, load.Tokens
		}
		if d.Held == 0 && d.HeldTokens == 0 && d.InFlight == 0 && d.Arrivals == 0 {
			continue
		}
		d.Pods, d.Cold = g.podLoads(s), s.cold()
		told := s.told.Load()
		d.Namespace, d.Name = told.Namespace, told.Name
		all = append(all, d)
	}
	return all
}

// cold is whether none of the ready pods has given an answer.
func (s *service) cold() bool {
	return !slices.ContainsFunc(*s.ready.Load(), func(p *pod) bool { return p.spoke.Load() })
}

// podLoads are those of the pods that have any, or a cache worth keeping, by name.
func (g *Gateway) podLoads(s *service) []demand.PodWork {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var all []demand.PodWork
	for _, p := range s.pods {
		remaining, prefixTokens := p.loss.at(now)
		l := demand.PodWork{
			Name: p.Name, InFlight: int(p.inFlight.Load()), WorkTokens: max(0, p.work.Load()),
			RemainingMs: remaining.Milliseconds(), PrefixTokens: prefixTokens,
		}
		if l != (demand.PodWork{Name: p.Name}) {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b demand.PodWork) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// loads are what is held for a service, and what its pods have, by name: those that
// are about to go as well, while they have anything.
func (g *Gateway) loads(s *service) (admit.Load, map[string]int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pods := map[string]int64{}
	ready := *s.ready.Load()
	maps.DeleteFunc(s.pods, func(_ Pod, p *pod) bool { return p.inFlight.Load() == 0 && !slices.Contains(ready, p) })
	for _, p := range s.pods {
		pods[p.Name] += p.inFlight.Load()
	}
	return g.queue.Held(s.key), pods
}
