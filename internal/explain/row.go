package explain

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// A Row is what flyball status says of one service. A number that has no object to
// come from is nil.
type Row struct {
	Namespace  string      `json:"namespace"`
	Name       string      `json:"name"`
	Mode       string      `json:"mode"`
	Min        int32       `json:"min"`
	Max        int32       `json:"max"`
	Current    *int32      `json:"current"`
	Desired    *int32      `json:"desired"`
	Ready      *int32      `json:"ready"`
	Held       *int        `json:"held"`     // requests that wait at the gateways
	InFlight   *int        `json:"inFlight"` // and those that pods answer for them
	Metrics    []MetricNow `json:"metrics"`
	Objectives []string    `json:"objectives,omitempty"` // in their place
	Reason     Reason      `json:"reason"`
	Message    string      `json:"message"`
	Fix        string      `json:"fix,omitempty"`
	Attention  bool        `json:"attention"` // it does not scale as its manifest says
	Autoscaler string      `json:"autoscaler,omitempty"`
	Target     string      `json:"target,omitempty"` // of objectives
	Created    time.Time   `json:"created"`
}

// MetricNow is one of the HPA's, as kubectl shows it: 2.5 of a target of 1, or
// unknownValue while the HPA has no value.
type MetricNow struct {
	Name    string `json:"name"`
	Current string `json:"current"`
	Target  string `json:"target"`
}

// unknownValue is what kubectl prints in place of a number.
const unknownValue = "<unknown>"

// The modes: who scales a service.
const (
	ModeGuide    = "guide"    // Flyball's ScaledObject, from autoScaling.metrics
	ModeExternal = "external" // class external without metrics: someone else
	ModeKEDA     = "keda"     // KServe's ScaledObject
	ModeHPA      = "hpa"      // KServe's HPA
	ModeNone     = "none"     // nobody
)

// Rows explains each service, sorted by namespace and name.
func Rows(services []Snapshot) []Row {
	rows := make([]Row, 0, len(services))
	for _, s := range services {
		rows = append(rows, s.row())
	}
	slices.SortStableFunc(rows, Row.Compare)
	return rows
}

// Compare is by the service.
func (r Row) Compare(o Row) int {
	return cmp.Or(cmp.Compare(r.Namespace, o.Namespace), cmp.Compare(r.Name, o.Name))
}

// Heed has an annotation of a ScaledObject that pauses scaling be the reason.
func (r *Row) Heed(so *kserve.ScaledObject) {
	s := Snapshot{ScaledObject: so}
	for _, rule := range []func(Snapshot) *explanation{Snapshot.paused, Snapshot.heldOneWay} {
		if e := rule(s); e != nil {
			r.Reason, r.Message, r.Fix, r.Attention = e.Reason, e.Message, e.Fix, true
			return
		}
	}
}

func (s Snapshot) row() Row {
	why := s.explain()
	r := Row{
		Namespace: s.InferenceService.Namespace,
		Name:      s.InferenceService.Name,
		Mode:      s.mode(),
		Metrics:   []MetricNow{},
		Reason:    why.Reason,
		Message:   why.Message,
		Fix:       why.Fix,
		Attention: why.Reason.callsForAttention() && (why.Reason != Asleep && why.Reason != Queueing || why.Fix != ""),
		Created:   s.InferenceService.CreationTimestamp.UTC(),
	}
	r.Min, r.Max = s.limits()
	if d := s.Deployment; d != nil {
		w := wantedReplicas(*d)
		r.Current, r.Desired, r.Ready = &d.Status.Replicas, &w, &d.Status.ReadyReplicas
	}
	if s.Demand != nil {
		r.Held, r.InFlight = &s.Demand.Held, &s.Demand.InFlight
	}
	if len(s.HPAs) > 0 {
		r.Autoscaler = "hpa/" + s.HPAs[0].Name
		r.Metrics = hpaMetrics(s.HPAs[0])
	}
	return r
}

func (s Snapshot) mode() string {
	switch class := kserve.Class(&s.InferenceService); {
	case class != ModeExternal:
		return class
	case s.InferenceService.Spec.Predictor.AutoScaling != nil && len(s.InferenceService.Spec.Predictor.AutoScaling.Metrics) > 0:
		return ModeGuide
	default:
		return ModeExternal
	}
}

// limits are those in force: the autoscaler's, before it exists the service's. The
// HPA's minimum is at least 1; the ScaledObject's may be 0, KEDA takes the last step. A
// minimum that held requests have raised is not the user's.
func (s Snapshot) limits() (lo, hi int32) {
	lo, hi, _ = kserve.Bounds(s.InferenceService.Spec.Predictor.Component)
	least := lo
	if len(s.HPAs) > 0 {
		lo, hi = 1, s.HPAs[0].Spec.MaxReplicas
		if m := s.HPAs[0].Spec.MinReplicas; m != nil {
			lo = *m
		}
	}
	if o := s.ScaledObject; o != nil {
		lo = 0 // KEDA's default
		if o.Spec.MinReplicaCount != nil {
			lo = *o.Spec.MinReplicaCount
		}
		if kserve.Raised(o) > 0 {
			lo = least
		}
		if o.Spec.MaxReplicaCount != nil {
			hi = *o.Spec.MaxReplicaCount
		}
	}
	return lo, hi
}

// hpaMetrics pairs each target of the HPA with its current value. The HPA reports
// them in the order of its spec; before its first sync it reports none.
func hpaMetrics(h autoscalingv2.HorizontalPodAutoscaler) []MetricNow {
	all := make([]MetricNow, 0, len(h.Spec.Metrics))
	for i, spec := range h.Spec.Metrics {
		var now autoscalingv2.MetricStatus
		if i < len(h.Status.CurrentMetrics) && h.Status.CurrentMetrics[i].Type == spec.Type {
			now = h.Status.CurrentMetrics[i]
		}
		m := MetricNow{Current: unknownValue}
		switch {
		case spec.External != nil:
			m.Name = spec.External.Metric.Name
			m.Target = shownTarget(spec.External.Target)
			if now.External != nil {
				m.Current = shownValue(now.External.Current, spec.External.Target.Type)
			}
		case spec.Resource != nil:
			m.Name = string(spec.Resource.Name)
			m.Target = shownTarget(spec.Resource.Target)
			if now.Resource != nil {
				m.Current = shownValue(now.Resource.Current, spec.Resource.Target.Type)
			}
		default:
			m.Name, m.Target = string(spec.Type), unknownValue
		}
		all = append(all, m)
	}
	return all
}

func shownTarget(t autoscalingv2.MetricTarget) string {
	return shownValue(autoscalingv2.MetricValueStatus{
		Value: t.Value, AverageValue: t.AverageValue, AverageUtilization: t.AverageUtilization,
	}, t.Type)
}

// endless is what the HPA reports as the mean over no pod: it turns the infinity into a
// whole number, which is the least on amd64 and the greatest on arm64.
func endless(x float64) bool { return math.Abs(x)*1000 >= math.MaxInt64 }

// shownValue writes plain decimals: 1500m is what nobody reads at a glance.
func shownValue(v autoscalingv2.MetricValueStatus, t autoscalingv2.MetricTargetType) string {
	q := v.AverageValue
	if t == autoscalingv2.ValueMetricType {
		q = v.Value
	}
	switch {
	case t == autoscalingv2.UtilizationMetricType && v.AverageUtilization != nil:
		return strconv.Itoa(int(*v.AverageUtilization)) + "%"
	case t == autoscalingv2.UtilizationMetricType || q == nil || endless(q.AsApproximateFloat64()):
		return unknownValue
	}
	return strconv.FormatFloat(math.Round(q.AsApproximateFloat64()*1000)/1000, 'f', -1, 64) // the HPA counts in thousandths
}
