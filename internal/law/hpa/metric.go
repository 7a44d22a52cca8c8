package hpa

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A Metric is one entry of an HPA's spec.metrics
// (k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator.go). With n
// the spec, s the status, r the ready pods, M the value and T the goal in
// thousandths, and "within" the tolerance around 1:
//
//	AverageValue  ρ = M/(T·s): within → s, else ceil(M/T); readiness is ignored
//	Value         ρ = M/T: within → n, else ceil(ρ·r)
//	Pods          ρ = mean over the ready pods that have a sample / T; a pod without
//	              counts as T on the way down, as 0 on the way up, a pending pod as
//	              0 on the way up; within, or the direction turned → n, else ceil(ρ·pods)
//	Utilization   the same of whole percent of the requests; without a sample: 100 %
type Metric struct {
	Kind   MetricKind
	Target Target
	Signal reading.Signal
	Goal   float64 // percent for Utilization
	// Request is what each pod requests of a resource.
	Request float64
	// SampleWindow is what one sample of a resource averages over.
	SampleWindow time.Duration
}

// A MetricKind is what a metric is of.
type MetricKind int

// The kinds. An Object metric counts as External: one value for the service.
const (
	MetricUnset MetricKind = iota // never usable
	External
	PerPod
	CPU
	Memory
	numMetricKinds
)

func (k MetricKind) String() string {
	names := [numMetricKinds]string{"", "External", "Pods", "CPU", "Memory"}
	if k < 0 || k >= numMetricKinds {
		return "unknown"
	}
	return names[k]
}

// A Target is how a metric is compared with its goal.
type Target int

// The targets.
const (
	TargetUnset  Target = iota // counts as AverageValue
	AverageValue               // the goal is for each replica
	Value                      // the goal is for the service
	Utilization                // the goal is percent of the request
	numTargets
)

func (t Target) String() string {
	names := [numTargets]string{"", "AverageValue", "Value", "Utilization"}
	if t < 0 || t >= numTargets {
		return "unknown"
	}
	return names[t]
}

// propose is the greatest proposal, and how many metrics make none.
func (c Law) propose(out law.Output, in law.Input, values []reading.Series) (best law.Output, missing int) {
	found := false
	for i := range c.Metrics {
		one, ok := c.proposal(out, law.Known(law.TermMetric, float64(i), law.UnitNone), in, values[i])
		switch {
		case !ok:
			missing++
		case !found || one.Replicas > best.Replicas:
			best, found = one, true
		}
	}
	return best, missing
}

// proposal is that of the metric whose place the term has.
func (c Law) proposal(out law.Output, place law.Term, in law.Input, value reading.Series) (law.Output, bool) {
	m := c.Metrics[int(place.Value)]
	goal := law.Known(law.TermGoal, m.Goal, law.UnitNone)
	if law.Milli(m.Goal) <= 0 {
		return out, false
	}
	switch m.Kind {
	case External:
		if !value.Total.Usable() {
			return out, false
		}
		return c.external(out, in, law.Read(law.TermValue, value.Total, law.UnitNone), place)
	case PerPod, CPU, Memory:
		ratio, pods, ok := c.byPods(m, in, value.Pods, law.Milli(m.Goal))
		if !ok || pods == 0 { // as it is
			return out, ok
		}
		return out.By(law.RuleMetricPods, law.Known(law.TermRatio, ratio, law.UnitNone), law.Replicas(law.TermPods, pods), goal, place), true
	default:
		return out, false
	}
}

// external compares one value with the goal.
func (c Law) external(out law.Output, in law.Input, value, place law.Term) (law.Output, bool) {
	m, ready, status := c.Metrics[int(place.Value)], in.Fleet.Running(), in.Fleet.Provisioned()
	goal := law.Known(law.TermGoal, m.Goal, law.UnitNone)
	ratio := float64(law.Milli(value.Value)) / float64(law.Milli(m.Goal))
	each := float64(law.Milli(value.Value)) / (float64(law.Milli(m.Goal)) * float64(status))
	switch {
	case m.Target == Value && c.within(ratio):
		return out, true
	case m.Target == Value:
		return out.By(law.RuleMetricValue, law.Known(law.TermRatio, ratio, law.UnitNone), law.Replicas(law.TermReady, ready), value, goal, place),
			len(in.Fleet.Pods) > 0
	case c.within(each):
		return out.By(law.RuleTolerance, law.Replicas(law.TermProvisioned, status), value, goal, place), true
	}
	return out.By(law.RuleMetric, value, goal, place), true
}

// within says whether a ratio is close enough to 1 to do nothing.
func (c Law) within(ratio float64) bool {
	down, up := c.Tolerance, c.Tolerance
	if c.Behavior != nil {
		down, up = c.Behavior.Down.Tolerance, c.Behavior.Up.Tolerance
	}
	return 1-down <= ratio && ratio <= 1+up
}

// A podGroup is the pods of a metric: how many count, what their samples sum to, how
// many run without a sample, and how many are not ready.
type podGroup struct {
	sum                       int64
	counted, missing, unready int
}

// byPods computes from one sample per pod: the replicas are ⌈ratio·pods⌉, or as they are
// where it says no pods. The first pass sees the pods that count; if the others could
// change the answer, a second sees them too.
func (c Law) byPods(m Metric, in law.Input, samples []reading.Reading, goal int64) (ratio float64, pods int, ok bool) {
	g := c.group(m, in, samples)
	if g.counted == 0 || m.Target == Utilization && law.Milli(m.Request) <= 0 {
		return 0, 0, false
	}
	ratio = m.ratio(g.sum, g.counted, goal)
	if ratio <= 1 {
		g.unready = 0 // they count on the way up only
	}
	switch {
	case g.unready > 0 || g.missing > 0:
		ratio, pods = c.refilled(m, in.Fleet.Desired, goal, g)
		return ratio, pods, true
	case c.within(ratio):
		return ratio, 0, true
	}
	return ratio, g.counted, true
}

// refilled is the second pass.
func (c Law) refilled(m Metric, desired int, goal int64, g podGroup) (float64, int) {
	ratio, pods := m.ratio(g.sum, g.counted, goal), g.counted+g.unready
	if ratio < 1 {
		g.sum += int64(g.missing) * m.stand(goal)
	}
	if ratio != 1 {
		pods += g.missing
	}
	again := m.ratio(g.sum, pods, goal)
	want := law.Ceil(again * float64(pods))
	if c.within(again) || turned(ratio, again) || again < 1 && want > desired || again > 1 && want < desired {
		return again, 0
	}
	return again, pods
}

// turned says that the two ratios ask for opposite directions.
func turned(a, b float64) bool { return a < 1 && b > 1 || a > 1 && b < 1 }

// stand is what a pod without a sample counts as on the way down.
func (m Metric) stand(goal int64) int64 {
	if m.Target != Utilization {
		return goal
	}
	return law.Milli(m.Request) * max(100, goal/1000) / 100
}

// ratio is usage over goal, in the controller's integers: whole percent for
// Utilization, whole thousandths of the mean otherwise.
func (m Metric) ratio(sum int64, pods int, goal int64) float64 {
	if m.Target != Utilization {
		return float64(sum/int64(pods)) / float64(goal)
	}
	requests := law.Milli(m.Request) * int64(pods)
	if requests <= 0 || goal < 1000 {
		return 1 // overflowed, or no such target: no reason to scale
	}
	return float64(sum*100/requests) / float64(goal/1000)
}

// group looks at each pod.
func (c Law) group(m Metric, in law.Input, samples []reading.Reading) (g podGroup) {
	for i, p := range in.Fleet.Pods {
		var s reading.Reading
		if i < len(samples) {
			s = samples[i]
		}
		switch {
		case p.Deleting || p.Phase == law.PodFailed:
		case p.Phase == law.PodPending:
			g.unready++
		case !s.Usable():
			g.missing++
		case m.Kind == CPU && c.settling(m, p, s, in.Now):
			g.unready++
		default:
			g.counted++
			g.sum += law.Milli(s.Value)
		}
	}
	return g
}

// settling says whether a pod's CPU is not to be trusted yet: early in its life
// while it is unready or its sample reaches back before it became ready, and later
// if it was never ready.
func (c Law) settling(m Metric, p law.Pod, s reading.Reading, now time.Duration) bool {
	if p.StartedAt+c.CPUInit > now {
		return !p.Ready || s.At < p.ChangedAt+m.SampleWindow
	}
	return !p.Ready && p.StartedAt+c.Readiness > p.ChangedAt
}
