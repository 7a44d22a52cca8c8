package law

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// An HPAMetric is one entry of an HPA's spec.metrics
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
type HPAMetric struct {
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

// propose is the greatest proposal. It is false where there is none, or where one
// is missing and the others would scale down.
func (h HPA) propose(in Input, values []reading.Series) (int, bool) {
	want, missing := 0, 0
	for i, m := range h.Metrics {
		n, ok := h.proposal(m, in, values[i])
		if !ok {
			missing++
			continue
		}
		want = max(want, n)
	}
	if missing == len(h.Metrics) || missing > 0 && want < in.Desired {
		return 0, false
	}
	return want, true
}

func (h HPA) proposal(m HPAMetric, in Input, value reading.Series) (int, bool) {
	goal := milli(m.Goal)
	if goal <= 0 {
		return 0, false
	}
	switch m.Kind {
	case External:
		r := value.Total
		if !r.Usable() {
			return 0, false
		}
		if m.Target == Value {
			return h.byValue(in, float64(milli(r.Value))/float64(goal))
		}
		return h.byAverage(in, milli(r.Value), goal), true
	case PerPod, CPU, Memory:
		return h.byPods(m, in, value.Pods, goal)
	default:
		return 0, false
	}
}

// within says whether a ratio is close enough to 1 to do nothing.
func (h HPA) within(ratio float64) bool {
	down, up := h.Tolerance, h.Tolerance
	if h.Behavior != nil {
		down, up = h.Behavior.Down.Tolerance, h.Behavior.Up.Tolerance
	}
	return 1-down <= ratio && ratio <= 1+up
}

func (h HPA) byAverage(in Input, value, goal int64) int {
	status := in.Fleet.Provisioned()
	if h.within(float64(value) / (float64(goal) * float64(status))) {
		return status
	}
	return ceil(float64(value) / float64(goal))
}

func (h HPA) byValue(in Input, ratio float64) (int, bool) {
	if h.within(ratio) {
		return in.Desired, true
	}
	return ceil(ratio * float64(in.ready())), len(in.Pods) > 0
}

// A podGroup is the pods of a metric: how many count, what their samples sum to, how
// many run without a sample, and how many are not ready.
type podGroup struct {
	sum                       int64
	counted, missing, unready int
}

// byPods computes from one sample per pod. The first pass sees the pods that
// count; if the others could change the answer, a second sees them too.
func (h HPA) byPods(m HPAMetric, in Input, samples []reading.Reading, goal int64) (int, bool) {
	g := h.group(m, in, samples)
	if g.counted == 0 || m.Target == Utilization && milli(m.Request) <= 0 {
		return 0, false
	}
	ratio := m.ratio(g.sum, g.counted, goal)
	if ratio <= 1 {
		g.unready = 0 // they count on the way up only
	}
	switch {
	case g.unready > 0 || g.missing > 0:
		return h.refilled(m, in.Desired, goal, g), true
	case h.within(ratio):
		return in.Desired, true
	}
	return ceil(ratio * float64(g.counted)), true
}

// refilled is the second pass.
func (h HPA) refilled(m HPAMetric, desired int, goal int64, g podGroup) int {
	ratio, pods := m.ratio(g.sum, g.counted, goal), g.counted+g.unready
	if ratio < 1 {
		g.sum += int64(g.missing) * m.stand(goal)
	}
	if ratio != 1 {
		pods += g.missing
	}
	again := m.ratio(g.sum, pods, goal)
	want := ceil(again * float64(pods))
	if h.within(again) || turned(ratio, again) || again < 1 && want > desired || again > 1 && want < desired {
		return desired
	}
	return want
}

// turned says that the two ratios ask for opposite directions.
func turned(a, b float64) bool { return a < 1 && b > 1 || a > 1 && b < 1 }

// stand is what a pod without a sample counts as on the way down.
func (m HPAMetric) stand(goal int64) int64 {
	if m.Target != Utilization {
		return goal
	}
	return milli(m.Request) * max(100, goal/1000) / 100
}

// ratio is usage over goal, in the controller's integers: whole percent for
// Utilization, whole thousandths of the mean otherwise.
func (m HPAMetric) ratio(sum int64, pods int, goal int64) float64 {
	if m.Target != Utilization {
		return float64(sum/int64(pods)) / float64(goal)
	}
	requests := milli(m.Request) * int64(pods)
	if requests <= 0 || goal < 1000 {
		return 1 // overflowed, or no such target: no reason to scale
	}
	return float64(sum*100/requests) / float64(goal/1000)
}

// group looks at each pod.
func (h HPA) group(m HPAMetric, in Input, samples []reading.Reading) (g podGroup) {
	for i, p := range in.Pods {
		var s reading.Reading
		if i < len(samples) {
			s = samples[i]
		}
		switch {
		case p.Deleting || p.Phase == PodFailed:
		case p.Phase == PodPending:
			g.unready++
		case !s.Usable():
			g.missing++
		case m.Kind == CPU && h.settling(m, p, s, in.Now):
			g.unready++
		default:
			g.counted++
			g.sum += milli(s.Value)
		}
	}
	return g
}

// settling says whether a pod's CPU is not to be trusted yet: early in its life
// while it is unready or its sample reaches back before it became ready, and later
// if it was never ready.
func (h HPA) settling(m HPAMetric, p Pod, s reading.Reading, now time.Duration) bool {
	if p.StartedAt+h.CPUInit > now {
		return !p.Ready || s.At < p.ChangedAt+m.SampleWindow
	}
	return !p.Ready && p.StartedAt+h.Readiness > p.ChangedAt
}

// milli is a value in the thousandths that Kubernetes counts in.
func milli(x float64) int64 {
	const limit = 1 << 53
	return int64(math.Round(min(max(x*1000, -limit), limit)))
}
