package explain

import (
	"fmt"
	"math"
	"strconv"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
)

// An Ask is what the metrics of a service's HPA ask for before windows, policies and bounds,
// recomputed from what the HPA reports of them.
type Ask struct {
	// Load is in replicas: the metric over its target. Within says that it is so near to the
	// replicas there that the HPA leaves them.
	Load     float64
	Within   bool
	Replicas int
	// Sum is the arithmetic, as in "7 ÷ target 1".
	Sum string
}

// Ask is that of the metric which asks for most; false where the HPA has no value.
//
// Worked example (TestAsk): the HPA reports a mean of 2.334 over 3 replicas, which it has
// rounded up to thousandths: at least 6.999 ÷ target 1, so 7.
func (s Snapshot) Ask() (Ask, bool) {
	var most Ask
	found := false
	if len(s.HPAs) == 0 {
		return most, false
	}
	h := s.HPAs[0]
	for i, spec := range h.Spec.Metrics {
		if i >= len(h.Status.CurrentMetrics) || h.Status.CurrentMetrics[i].Type != spec.Type {
			continue
		}
		one, ok := s.askOf(h, spec, h.Status.CurrentMetrics[i])
		if ok && (!found || one.Load > most.Load) {
			most, found = one, true
		}
	}
	return most, found
}

func (s Snapshot) askOf(h autoscalingv2.HorizontalPodAutoscaler, spec autoscalingv2.MetricSpec, now autoscalingv2.MetricStatus) (Ask, bool) {
	n := float64(h.Status.CurrentReplicas)
	switch {
	case spec.External != nil && now.External != nil:
		target, current := spec.External.Target, now.External.Current
		if target.AverageValue != nil && current.AverageValue != nil {
			return asks(h, current.AverageValue.AsApproximateFloat64()*n, target.AverageValue.AsApproximateFloat64(), n)
		}
		if target.Value != nil && current.Value != nil && s.Deployment != nil {
			ready := float64(s.Deployment.Status.ReadyReplicas)
			return scaledBy(h, current.Value.AsApproximateFloat64(), target.Value.AsApproximateFloat64(), ready)
		}
	case spec.Resource != nil && now.Resource != nil:
		target, current := spec.Resource.Target, now.Resource.Current
		if target.AverageUtilization != nil && current.AverageUtilization != nil {
			return scaledBy(h, float64(*current.AverageUtilization), float64(*target.AverageUtilization), n)
		}
	}
	return Ask{}, false
}

// asks is of a target for each replica. sum is too great by less than a thousandth a replica.
func asks(h autoscalingv2.HorizontalPodAutoscaler, sum, target, n float64) (Ask, bool) {
	if !(target > 0) || endless(sum) {
		return Ask{}, false
	}
	a := Ask{Load: sum / target, Sum: fmt.Sprintf("%s ÷ target %s", figure(sum), figure(target))}
	if sum > 0 {
		a.Replicas = law.Ceil(math.Max(0, sum-n/1000)/target + 1e-9)
	}
	return a.near(h, n), true
}

// scaledBy is of a target for the whole.
func scaledBy(h autoscalingv2.HorizontalPodAutoscaler, value, target, n float64) (Ask, bool) {
	if !(target > 0) || endless(value) {
		return Ask{}, false
	}
	load := value / target * n
	a := Ask{Load: load, Replicas: law.Ceil(load), Sum: fmt.Sprintf("%s ÷ target %s × %s replicas", figure(value), figure(target), figure(n))}
	return a.near(h, n), true
}

// near leaves the replicas where the ratio is within the tolerance.
func (a Ask) near(h autoscalingv2.HorizontalPodAutoscaler, n float64) Ask {
	down, up := Tolerance(h)
	if n > 0 && a.Load/n >= 1-down && a.Load/n <= 1+up {
		a.Within, a.Replicas = true, int(n)
	}
	return a
}

// Tolerance is by how much a ratio may be off without a change, down and up.
func Tolerance(h autoscalingv2.HorizontalPodAutoscaler) (down, up float64) {
	down = hpa.Law{}.Defaults().Tolerance
	up = down
	if b := h.Spec.Behavior; b != nil {
		if b.ScaleDown != nil && b.ScaleDown.Tolerance != nil {
			down = b.ScaleDown.Tolerance.AsApproximateFloat64()
		}
		if b.ScaleUp != nil && b.ScaleUp.Tolerance != nil {
			up = b.ScaleUp.Tolerance.AsApproximateFloat64()
		}
	}
	return down, up
}

func figure(x float64) string { return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64) }
