package hpa

import (
	"context"
	"errors"
	"fmt"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

// A world is the API server and the metrics APIs as the controller sees them.
type world struct {
	sequence *sequence
	hpa      *autoscalingv2.HorizontalPodAutoscaler
	hpas     cache.Indexer
	pods     cache.Indexer
	handler  cache.ResourceEventHandler
	spec     int32
	gets     int // how often the scale was read
	step     step
	at       time.Time // of the sync that sees step
}

func newWorld(s *sequence) *world {
	byNamespace := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	w := &world{
		sequence: s, hpa: s.object(), spec: s.Min,
		hpas: cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace),
		pods: cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace),
	}
	_ = w.hpas.Add(w.hpa)
	return w
}

// show sets what the next sync, at a time, will see.
func (w *world) show(st step, at time.Time) {
	if st.Spec != nil {
		w.spec = *st.Spec
	}
	if st.Status < -500 { // relative to the spec, known only now
		st.Status = max(0, w.spec+st.Status+1000)
	}
	w.step, w.at = st, at
	var pods []any
	for i, p := range st.Pods {
		pods = append(pods, p.object(i, w.sequence, at))
	}
	_ = w.pods.Replace(pods, "")
}

func (s *sequence) object() *autoscalingv2.HorizontalPodAutoscaler {
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "h"}}
	h.Spec = autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "d"},
		MinReplicas:    &s.Min, MaxReplicas: s.Max,
	}
	for i, m := range s.Metrics {
		h.Spec.Metrics = append(h.Spec.Metrics, m.spec(i))
	}
	if s.Up != nil {
		h.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: s.Up.spec(), ScaleDown: s.Down.spec()}
	}
	return h
}

func (m metric) spec(i int) autoscalingv2.MetricSpec {
	goal := resource.NewMilliQuantity(m.Goal, resource.DecimalSI)
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: goal}
	switch m.Target {
	case "Value":
		target = autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: goal}
	case "Utilization":
		target = autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(m.Goal))}
	}
	id := autoscalingv2.MetricIdentifier{Name: fmt.Sprint("m", i)}
	switch m.Kind {
	case "Pods":
		return autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{Metric: id, Target: target}}
	case "CPU":
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: v1.ResourceCPU, Target: target}}
	case "Memory":
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: v1.ResourceMemory, Target: target}}
	default:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{Metric: id, Target: target}}
	}
}

func (r *rules) spec() *autoscalingv2.HPAScalingRules {
	selected := autoscalingv2.ScalingPolicySelect(r.Select)
	out := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &r.Window, SelectPolicy: &selected}
	if r.Tolerance != nil {
		out.Tolerance = resource.NewMilliQuantity(*r.Tolerance, resource.DecimalSI)
	}
	for _, p := range r.Policies {
		kind := autoscalingv2.PodsScalingPolicy
		if p.Percent {
			kind = autoscalingv2.PercentScalingPolicy
		}
		out.Policies = append(out.Policies, autoscalingv2.HPAScalingPolicy{Type: kind, Value: p.Value, PeriodSeconds: p.Period})
	}
	return out
}

func (p pod) object(i int, s *sequence, at time.Time) *v1.Pod {
	ago := func(seconds int) metav1.Time { return metav1.NewTime(at.Add(-time.Duration(seconds) * time.Second)) }
	started, ready := ago(p.Started), v1.ConditionFalse
	if p.State == "r" || p.State == "d" {
		ready = v1.ConditionTrue
	}
	out := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: fmt.Sprint("p", i), Labels: map[string]string{"app": "d"}}}
	out.Status = v1.PodStatus{Phase: v1.PodRunning, StartTime: &started, Conditions: []v1.PodCondition{
		{Type: v1.PodReady, Status: ready, LastTransitionTime: ago(p.Changed)},
	}}
	switch p.State {
	case "p":
		out.Status.Phase = v1.PodPending
	case "f":
		out.Status.Phase = v1.PodFailed
	case "d":
		out.DeletionTimestamp = new(ago(0))
	}
	requests := v1.ResourceList{}
	for _, m := range s.Metrics {
		if m.Kind == "CPU" {
			requests[v1.ResourceCPU] = *resource.NewMilliQuantity(m.Request, resource.DecimalSI)
		}
		if m.Kind == "Memory" {
			requests[v1.ResourceMemory] = *resource.NewMilliQuantity(m.Request, resource.DecimalSI)
		}
	}
	out.Spec.Containers = []v1.Container{{Name: "c", Resources: v1.ResourceRequirements{Requests: requests}}}
	return out
}

// samples is the metrics client.
type samples struct{ w *world }

var errQuery = errors.New("the query failed")

func (s samples) of(kind string, name string) (metrics.PodMetricsInfo, time.Time, error) {
	column := 0
	for i, m := range s.w.sequence.Metrics {
		if m.Kind == "External" {
			continue
		}
		if m.Kind == kind && (kind != "Pods" || name == fmt.Sprint("m", i)) {
			if s.w.step.Values[i] < 0 {
				return nil, time.Time{}, errQuery
			}
			out := metrics.PodMetricsInfo{}
			for j, p := range s.w.step.Pods {
				if p.Samples[column] >= 0 {
					out[fmt.Sprint("p", j)] = metrics.PodMetric{
						Timestamp: s.w.at.Add(-time.Duration(p.Age) * time.Second),
						Window:    time.Duration(m.Window) * time.Second, Value: p.Samples[column],
					}
				}
			}
			return out, s.w.at, nil
		}
		column++
	}
	return nil, time.Time{}, errQuery
}

func (s samples) GetResourceMetric(_ context.Context, name v1.ResourceName, _ string, _ labels.Selector, _ string) (metrics.PodMetricsInfo, time.Time, error) {
	if name == v1.ResourceCPU {
		return s.of("CPU", "")
	}
	return s.of("Memory", "")
}

func (s samples) GetRawMetric(name string, _ string, _ labels.Selector, _ labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	return s.of("Pods", name)
}

func (s samples) GetObjectMetric(string, string, *autoscalingv2.CrossVersionObjectReference, labels.Selector) (int64, time.Time, error) {
	return 0, time.Time{}, errQuery
}

func (s samples) GetExternalMetric(name string, _ string, _ labels.Selector) ([]int64, time.Time, error) {
	for i := range s.w.sequence.Metrics {
		if name == fmt.Sprint("m", i) && s.w.step.Values[i] >= 0 {
			return []int64{s.w.step.Values[i]}, s.w.at, nil
		}
	}
	return nil, time.Time{}, errQuery
}

func (w *world) scale() *autoscalingv1.Scale {
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "d"},
		Spec:       autoscalingv1.ScaleSpec{Replicas: w.spec},
		Status:     autoscalingv1.ScaleStatus{Replicas: w.step.Status, Selector: "app=d"},
	}
}
