package gateway

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
)

// reportEvery is the period of reports while there is anything to report.
const reportEvery = time.Second

// A Report is all that a gateway has to do. A service that it leaves out has nothing.
type Report struct {
	Gateway  string   `json:"gateway"`
	Services []Demand `json:"services"`
}

// Demand is a gateway's work for one service.
type Demand struct {
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	Held       int    `json:"held"`
	HeldTokens int64  `json:"heldTokens"`
	InFlight   int    `json:"inFlight"`
	Arrivals   int64  `json:"arrivals"` // since the last report
	Pods       []Load `json:"pods,omitempty"`
}

// Load is what a pod has to do for a gateway.
type Load struct {
	Name       string `json:"name"`
	InFlight   int    `json:"inFlight"`
	WorkTokens int64  `json:"workTokens"` // still to be read or written, by estimate

	RemainingMs  int64 `json:"remainingMs"`  // until the last of them should end
	PrefixTokens int64 `json:"prefixTokens"` // of recent prompts, that the pod knew already
}

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
		next := g.tick()
		if now || time.Since(last) >= reportEvery {
			demands := g.demands()
			if active || len(demands) > 0 {
				g.tell(demands)
			}
			active = len(demands) > 0
			last = time.Now()
		}
		timer.Reset(max(0, min(next, reportEvery-time.Since(last))))
	}
}

func (g *Gateway) tell(demands []Demand) {
	if g.config.Tell != nil {
		g.config.Tell(Report{Gateway: g.config.Name, Services: append([]Demand{}, demands...)})
	}
}

// demands are those of all services that have any, in order.
func (g *Gateway) demands() []Demand {
	var all []Demand
	for _, s := range g.directory.Load().list {
		arrivals := s.arrivals.Load()
		d := Demand{InFlight: int(s.inFlight.Load()), Arrivals: arrivals - s.reported.Swap(arrivals)}
		if s.held.Load() > 0 {
			load, _ := g.loads(s)
			d.Held, d.HeldTokens = load.Requests, load.Tokens
		}
		if d.Held == 0 && d.HeldTokens == 0 && d.InFlight == 0 && d.Arrivals == 0 {
			continue
		}
		d.Pods = g.podLoads(s)
		told := s.told.Load()
		d.Namespace, d.Name = told.Namespace, told.Name
		all = append(all, d)
	}
	return all
}

// podLoads are those of the pods that have any, or a cache worth keeping, by name.
func (g *Gateway) podLoads(s *service) []Load {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var all []Load
	for _, p := range s.pods {
		remaining, prefixTokens := p.loss.at(now)
		l := Load{p.Name, int(p.inFlight.Load()), max(0, p.work.Load()), remaining.Milliseconds(), prefixTokens}
		if l != (Load{Name: p.Name}) {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b Load) int { return strings.Compare(a.Name, b.Name) })
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
