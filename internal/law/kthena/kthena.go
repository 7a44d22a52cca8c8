package kthena

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Law is kthena's autoscaler (github.com/volcano-sh/kthena pkg/autoscaler/algorithm/
// recommendation.go at 3ac46ac, revision.go at 00d9c98, autoscaler/scaler.go at 0e83a0c).
// Every 15 s a recommendation is made as by an HPA on pods (law/hpa/metric.go), in floating
// point: with m ready pods that have a sample, mean x and target T, q = x/T
//
//	some pods missing  they count as T if q < 1, as 0 otherwise
//	unready pods       they count as 0 if q ≥ 1
//	wanted             ⌈q·pods⌉; n within the tolerance, or if the direction turned
//
// Stable: a rise to the least recommendation of UpWindow, at most c + max(UpPods, UpPercent
// of c), a fall to the greatest of DownWindow, at least c − max(DownPods, DownPercent of
// c), where c is the least number asked for within Period (on the way down too, as coded).
// Panic, for PanicHold after a recommendation of at least PanicThreshold percent of n: no
// fall, and a rise of at most PanicPercent of c.
//
// Worked example (TestKthenaWorkedExample): 2 pods with 15 waiting each, target 10:
// q = 1.5, ⌈3⌉ = 3. With 40 each ⌈8⌉ = 8 is 400 % of 2: panic, 8 at once.
type Law struct {
	law.Bounds
	Signal                       reading.Signal
	Target, Tolerance            float64
	Every                        time.Duration
	UpWindow, DownWindow, Period time.Duration
	UpPods, DownPods             int
	UpPercent, DownPercent       int
	PanicThreshold, PanicPercent int // percent; a threshold of 0: no panic
	PanicHold                    time.Duration
}

// State is what it remembers.
type State struct {
	Recommended reading.Window
	Asked       reading.Window // what was asked for until the sample's time
	Last        int            // asked for since; 0: nothing yet
	PanicUntil  time.Duration
	Panicking   bool
}

// Name is kthena.
func (c Law) Name() string { return "kthena" }

// Needs is the metric.
func (c Law) Needs() []reading.Signal { return []reading.Signal{c.Signal} }

// Step is one round.
func (c Law) Step(state law.State, in law.Input) (law.State, law.Output) {
	s, out, desired, ok := law.Resume[State](state), in.Start(max(c.Every, time.Second)), in.Fleet.Desired, true
	if c.Clamp(desired) == desired {
		out, ok = c.recommend(in, out)
	}
	if !ok {
		return s, out.Held(law.RuleNoData)
	}
	out = out.Clamp(c.Bounds)
	want := out.Replicas
	if c.PanicThreshold > 0 && want*100 >= desired*c.PanicThreshold {
		s.Panicking, s.PanicUntil = c.PanicHold > 0, in.Now+c.PanicHold
	}
	s.Panicking = s.Panicking && in.Now <= s.PanicUntil
	if s.Panicking {
		out = c.panic(s, in, out)
	} else {
		out = c.stable(s, in, out)
	}
	out = out.Clamp(c.Bounds)
	s.Recommended = s.Recommended.Add(in.Now, float64(want), max(c.UpWindow, c.DownWindow)+1)
	if s.Last > 0 {
		s.Asked = s.Asked.Add(in.Now, float64(s.Last), c.Period+1)
	}
	s.Last = out.Replicas
	return s, out
}

// recommend is the proposal; false if no pod says anything.
func (c Law) recommend(in law.Input, out law.Output) (law.Output, bool) {
	g := c.group(in)
	if g.counted == 0 || c.Target <= 0 {
		return out, false
	}
	q := g.sum / float64(g.counted) / c.Target
	if q < 1 {
		g.unready = 0
		g.sum += float64(g.missing) * c.Target
	}
	pods := g.counted + g.missing + g.unready
	again := g.sum / float64(pods) / c.Target
	if math.Abs(again-1) <= c.Tolerance || (q >= 1) != (again >= 1) {
		return out, true
	}
	want := out.By(law.RuleMetricPods, law.Known(law.TermRatio, again, law.UnitNone), law.Replicas(law.TermPods, pods),
		law.Known(law.TermGoal, c.Target, law.UnitNone))
	if pods > g.counted && (again < 1) != (want.Replicas < in.Fleet.Desired) {
		return out, true
	}
	return want, true
}

// A podGroup is the pods: what those with a sample have in sum, how many they are, and
// how many have none or are not ready.
type podGroup struct {
	sum                       float64
	counted, missing, unready int
}

// group looks at each pod.
func (c Law) group(in law.Input) (g podGroup) {
	samples := in.Readings.Of(c.Signal).Pods
	for i, p := range in.Fleet.Pods {
		switch {
		case p.Deleting || p.Phase == law.PodFailed:
		case !p.Ready:
			g.unready++
		case i < len(samples) && samples[i].Usable():
			g.counted++
			g.sum += samples[i].Value
		default:
			g.missing++
		}
	}
	return g
}

// floor is the least number asked for within a period.
func (c Law) floor(s State, in law.Input) int {
	least := in.Fleet.Desired
	if n, ok := s.Asked.Min(in.Now - c.Period - 1); ok {
		least = min(least, law.Count(n))
	}
	if s.Last > 0 {
		least = min(least, s.Last)
	}
	return least
}

func (c Law) panic(s State, in law.Input, out law.Output) law.Output {
	if base := c.floor(s, in); base > 0 {
		out = out.By(law.RulePanicLimit, law.Replicas(law.TermLimit, base+base*c.PanicPercent/100))
	}
	return out.By(law.RulePanicHolds, law.Replicas(law.TermDesired, in.Fleet.Desired))
}

func (c Law) stable(s State, in law.Input, out law.Output) law.Output {
	base, desired := c.floor(s, in), law.Replicas(law.TermDesired, in.Fleet.Desired)
	switch {
	case out.Replicas > in.Fleet.Desired:
		if n, ok := s.Recommended.Min(in.Now - c.UpWindow - 1); ok && c.UpWindow > 0 {
			out = out.By(law.RuleLeastWanted, law.Replicas(law.TermLeast, law.Count(n)))
		}
		out = out.By(law.RuleUpLimit, law.Replicas(law.TermLimit, base+max(c.UpPods, base*c.UpPercent/100)))
		return out.By(law.RuleNoFall, desired)
	case out.Replicas < in.Fleet.Desired:
		if n, ok := s.Recommended.Max(in.Now - c.DownWindow - 1); ok && c.DownWindow > 0 {
			out = out.By(law.RuleGreatestWanted, law.Replicas(law.TermGreatest, law.Count(n)))
		}
		out = out.By(law.RuleDownLimit, law.Replicas(law.TermLimit, base-max(c.DownPods, base*c.DownPercent/100)))
		return out.By(law.RuleNoRise, desired)
	}
	return out
}

// Spec describes the law.
func Spec() spec.Spec {
	return spec.Spec{
		Name: "kthena", Doc: "kthena: an HPA on pods with a panic mode",
		Source: "github.com/volcano-sh/kthena pkg/autoscaler/algorithm at 3ac46ac and 00d9c98",
		Params: spec.Bounded("1",
			spec.Param{Name: "metric", Default: "waiting", Doc: "series, per pod"},
			spec.Param{Name: "target", Default: "10", Doc: "of its mean"},
			spec.Param{Name: "tolerance", Default: "0.1", Doc: "of the ratio, both ways"},
			spec.Param{Name: "every", Default: "15s", Doc: "between decisions"},
			spec.Param{Name: "up-window", Default: "0s", Doc: "stabilization on the way up"},
			spec.Param{Name: "down-window", Default: "300s", Doc: "stabilization on the way down"},
			spec.Param{Name: "period", Default: "15s", Doc: "of the limits"},
			spec.Param{Name: "up-pods", Default: "1", Unit: "replicas", Doc: "may be added, or up-percent if that is more"},
			spec.Param{Name: "up-percent", Default: "100", Unit: "%", Doc: "may be added"},
			spec.Param{Name: "down-pods", Default: "1", Unit: "replicas", Doc: "may go, or down-percent if that is more"},
			spec.Param{Name: "down-percent", Default: "100", Unit: "%", Doc: "may go"},
			spec.Param{Name: "panic", Default: "200", Unit: "%", Doc: "of the replicas desired begins a panic; 0: never"},
			spec.Param{Name: "panic-percent", Default: "1000", Unit: "%", Doc: "may be added in a panic"},
			spec.Param{Name: "panic-hold", Default: "300s", Doc: "how long a panic lasts"},
		),
		Build: func(v *spec.Values) law.Law {
			return Law{
				Bounds: v.Bounds(), Signal: v.Signal(), Target: v.Above("target"), Tolerance: v.Number("tolerance"),
				Every: v.Duration("every"), UpWindow: v.Duration("up-window"), DownWindow: v.Duration("down-window"),
				Period: v.Duration("period"), UpPods: v.Count("up-pods"), UpPercent: v.Count("up-percent"),
				DownPods: v.Count("down-pods"), DownPercent: v.Count("down-percent"), PanicThreshold: v.Count("panic"),
				PanicPercent: v.Count("panic-percent"), PanicHold: v.Duration("panic-hold"),
			}
		},
	}
}
