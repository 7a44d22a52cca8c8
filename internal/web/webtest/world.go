package webtest

import (
	"context"
	"fmt"
	"math"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
	"github.com/flyball-dev/flyball/internal/web"
)

// Every is the time between two looks.
const Every = 5 * time.Second

// Start is the time of look 0, the first.
func Start() time.Time { return time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) }

// Hostile is a name that no cluster takes, and a page must survive.
const Hostile = `<img src=x onerror="document.title='owned'"></script><script>document.title='owned'</script>`

// A World is a number of services, which differ in their load, and some in their faults.
type World struct {
	Services int
	Hostile  bool // one of them is named so
	Promised int  // more services, which state objectives
}

const gpusPerNode = 8

// Look is number i.
func (w World) Look(i int) (web.Look, error) {
	at := Start().Add(time.Duration(i) * Every)
	l := web.Look{At: at, Gateways: 2}
	like, err := guide()
	if err != nil {
		return l, err
	}
	var pods []corev1.Pod
	for n := range w.Services + w.Promised {
		s := w.service(like, n, i, at)
		for p := range s.Pods {
			if s.Pods[p].Spec.NodeName != "" {
				s.Pods[p].Spec.NodeName = fmt.Sprintf("gpu-%03d", (len(pods)+p)/gpusPerNode)
			}
		}
		pods = append(pods, s.Pods...)
		if n >= w.Services {
			promised(&l, s, n-w.Services)
			continue
		}
		l.Services = append(l.Services, s)
	}
	l.Holders = explain.Holders(pods)
	for n := range (len(pods)+gpusPerNode-1)/gpusPerNode + 1 {
		l.Nodes = append(l.Nodes, explain.Node{Name: fmt.Sprintf("gpu-%03d", n), GPUs: gpusPerNode, Product: "NVIDIA-H100-80GB-HBM3"})
	}
	return l, nil
}

// name gives services the names of models.
func (w World) name(n int) (namespace, name string) {
	models := []string{"llama-70b", "qwen3-14b", "mistral-24b", "gemma-27b", "deepseek-v3", "phi-4", "granite-8b", "nemotron-49b"}
	teams := []string{"search", "chat", "batch", "code"}
	namespace, name = teams[n/len(models)%len(teams)], models[n%len(models)]
	if n >= len(models)*len(teams) {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	if w.Hostile && n == 0 {
		namespace, name = "demo", Hostile
	}
	if n >= w.Services {
		namespace = "promised"
	}
	if w.Hostile && n == w.Services {
		name = Hostile
	}
	return namespace, name
}

// load is in requests that run: a day in twenty minutes, each service in its own hour.
func load(n, i int) float64 {
	phase := float64(i)/240*2*math.Pi + float64(n)
	return math.Max(0, math.Round(10*(3+2.6*math.Sin(phase)+0.4*math.Sin(7*phase)))/10)
}

const most = 6

// replicas follow the load: up at once, down after a minute.
func replicas(n, i int) (desired, ready int) {
	for back := range 12 {
		desired = max(desired, min(most, max(1, int(math.Ceil(load(n, max(0, i-back)))))))
	}
	for back := range 12 {
		d := 0
		for b := range 12 {
			d = max(d, min(most, max(1, int(math.Ceil(load(n, max(0, i-back-b)))))))
		}
		if back >= 6 || d < desired { // a cold start takes 30 s
			ready = max(ready, min(d, desired))
		}
	}
	return desired, ready
}

// guide is what all services are like: making it takes longer than all the rest of a look.
func guide() (explain.Snapshot, error) {
	var s explain.Snapshot
	o, err := kservetest.Service()
	if err != nil {
		return s, err
	}
	if err := kserve.Decode(o, &s.InferenceService); err != nil {
		return s, err
	}
	s.InferenceService.Spec.Predictor.MinReplicas, s.InferenceService.Spec.Predictor.MaxReplicas = new(int32(1)), most
	s.ScaledObject, _, err = kserve.Map(&s.InferenceService)
	return s, err
}

func (w World) service(like explain.Snapshot, n, i int, at time.Time) explain.Snapshot {
	namespace, name := w.name(n)
	desired, ready := replicas(n, i)
	if crowded(n) {
		ready = min(ready, most-2)
	}
	s := explain.Snapshot{Auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}}}
	s.Demand = &demand.Demand{Gateways: 2, Work: demand.Work{InFlight: int(load(n, i))}}
	s.InferenceService, s.ScaledObject = like.InferenceService, new(*like.ScaledObject)
	s.InferenceService.UID = types.UID(fmt.Sprint("isvc-", n))
	s.InferenceService.Namespace, s.InferenceService.Name = namespace, name // Map refuses hostile ones
	s.ScaledObject.Namespace, s.ScaledObject.Name = namespace, kserve.PredictorName(name)
	s.ScaledObject.OwnerReferences = []metav1.OwnerReference{{
		Kind: kserve.InferenceServiceKind.Kind, Name: name, UID: s.InferenceService.UID, Controller: new(true),
	}}
	s.ScaledObject.CreationTimestamp = metav1.NewTime(Start().Add(-48 * time.Hour))
	s.ScaledObject.Status.Conditions = []kserve.Condition{{Type: "Ready", Status: "True"}, {Type: "Active", Status: "True"}}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: kserve.PredictorName(name), UID: types.UID(fmt.Sprint("d-", n))}}
	d.CreationTimestamp = s.ScaledObject.CreationTimestamp
	d.Spec.Replicas = new(int32(desired)) //nolint:gosec // at most 6
	d.Status.Replicas, d.Status.ReadyReplicas = int32(desired), int32(ready)
	s.Deployment = d
	s.HPAs = []autoscalingv2.HorizontalPodAutoscaler{hpa(namespace, name, load(n, i), desired)}
	for p := range desired {
		s.Pods = append(s.Pods, pod(namespace, name, p, p < ready, at))
	}
	if crowded(n) {
		unplaced(s.Pods[ready:])
	}
	if before, _ := replicas(n, max(0, i-grace)); before > desired {
		s.Pods = append(s.Pods, leaving(pod(namespace, name, desired, true, at), at))
	}
	if n%29 == 3 { // its metric cannot be read
		s.HPAs[0].Status.CurrentMetrics = nil
		s.HPAs[0].Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
			Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: "FailedGetExternalMetric",
			Message: "unable to get external metric: no server answers at prometheus:9090", LastTransitionTime: metav1.NewTime(Start()),
		}}
	}
	if desired > ready {
		s.Demand.Held = n % 5
	}
	return s
}

// grace is how many looks a pod drains.
const grace = 4

// crowded are those services for whose last replicas no node has a GPU.
func crowded(n int) bool { return n%11 == 6 }

// unplaced takes pods off their node.
func unplaced(pods []corev1.Pod) {
	for p := range pods {
		pods[p].Spec.NodeName = ""
		pods[p].Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
			Message: "0/9 nodes are available: 9 Insufficient nvidia.com/gpu.",
		}}}
	}
}

// leaving is a pod that was asked to leave a look ago.
func leaving(p corev1.Pod, at time.Time) corev1.Pod {
	p.DeletionTimestamp, p.DeletionGracePeriodSeconds = new(metav1.NewTime(at.Add(25*time.Second))), new(int64(30))
	return p
}

func hpa(namespace, name string, load float64, desired int) autoscalingv2.HorizontalPodAutoscaler {
	each := resource.NewMilliQuantity(int64(math.Ceil(1000*load/float64(desired))), resource.DecimalSI)
	h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: kserve.HPAName(kserve.PredictorName(name))}}
	h.CreationTimestamp = metav1.NewTime(Start().Add(-48 * time.Hour))
	h.OwnerReferences = []metav1.OwnerReference{{Kind: kserve.ScaledObjectKind.Kind, Name: kserve.PredictorName(name), Controller: new(true)}}
	h.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
		ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(60))},
	}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: kserve.PredictorName(name)}
	h.Spec.MinReplicas, h.Spec.MaxReplicas = new(int32(1)), most
	h.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "s0-prometheus"},
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: resource.NewQuantity(1, resource.DecimalSI)},
	}}}
	h.Status.CurrentReplicas, h.Status.DesiredReplicas = int32(desired), int32(desired)
	h.Status.CurrentMetrics = []autoscalingv2.MetricStatus{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricStatus{
		Metric: autoscalingv2.MetricIdentifier{Name: "s0-prometheus"}, Current: autoscalingv2.MetricValueStatus{AverageValue: each},
	}}}
	h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{
		{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionTrue, Reason: "ValidMetricFound", LastTransitionTime: metav1.NewTime(Start().Add(-time.Hour))},
		{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionTrue, Reason: "ReadyForNewScale"},
	}
	if int(math.Ceil(load)) < desired {
		h.Status.Conditions[1].Reason = "ScaleDownStabilized"
		h.Status.Conditions[1].Message = "recent recommendations were higher than current one, applying the highest recent recommendation"
	}
	return h
}

func pod(namespace, name string, number int, ready bool, at time.Time) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: fmt.Sprintf("%s-predictor-%d", name, number), Labels: map[string]string{kserve.ServiceLabel: name},
		CreationTimestamp: metav1.NewTime(Start().Add(-time.Hour)),
	}}
	p.Spec.NodeName = "somewhere"
	p.Spec.Containers = []corev1.Container{{
		Name:      "kserve-container",
		Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}},
	}}
	status, since := corev1.ConditionTrue, metav1.NewTime(Start().Add(-time.Hour+32*time.Second))
	running := corev1.ContainerStatus{Name: "kserve-container", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, Ready: ready}
	if !ready {
		status, p.CreationTimestamp = corev1.ConditionFalse, metav1.NewTime(at.Add(-18*time.Second))
	}
	p.Status = corev1.PodStatus{
		Phase:             corev1.PodRunning,
		Conditions:        []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: status, LastTransitionTime: since}},
		ContainerStatuses: []corev1.ContainerStatus{running},
	}
	return p
}

// number is that of a service.
func (w World) number(service string) int {
	for n := range w.Services + w.Promised {
		if namespace, name := w.name(n); namespace+"/"+name == service {
			return n
		}
	}
	return 0
}

// Count is what a Prometheus would have counted of a service in the looks of a time.
func (w World) Count(_ context.Context, of web.Subject, from, to time.Time) (*web.Counted, error) {
	c := &web.Counted{Quantile: 0.9, Whole: kept(w.number(of.Service))}
	n := w.number(of.Service)
	for at := from; !at.After(to); at = at.Add(15 * time.Second) {
		i := int(at.Sub(Start()) / Every)
		if i < 0 {
			continue
		}
		l := load(n, i)
		desired, ready := replicas(n, i)
		short := l / float64(max(1, ready))
		c.At = append(c.At, at.Unix())
		c.Arrivals, c.Running = append(c.Arrivals, new(l*0.8)), append(c.Running, new(l))
		c.Waiting, c.Pods = append(c.Waiting, new(max(0, l-float64(ready)))), append(c.Pods, new(float64(desired)))
		c.Kept = append(c.Kept, new(min(1, kept(n).All+.04*math.Sin(float64(i)/9))))
		c.TTFT, c.TPOT = append(c.TTFT, new(0.3+0.5*max(0, short-0.8)*float64(desired))), append(c.TPOT, new(0.025+0.01*short))
	}
	return c, nil
}

// Try is an answer of five targets, the first of which is set.
func Try(_ context.Context, q web.Question, done func()) (web.Answer, error) {
	a := web.Answer{
		Now: "1", Pointer: "/spec/predictor/autoScaling/metrics/0/external/target/value", Command: "flyball simulate -f service.yaml --sweep target=" + q.Values,
		Verdict: []string{"of 5 values of target that were tried target=3 is the cheapest that keeps 90 %: 93.00±0.50 % at 60.00±1.00 GPU-hours"},
	}
	for i, attainment := range []float64{0.999, 0.98, 0.93, 0.84, 0.7} {
		done()
		t := web.Tried{
			Value: fmt.Sprint(i + 1), Attainment: attainment, AttainmentHalf: 0.005, GPUHours: 100 - 20*float64(i), GPUHoursHalf: 1,
			Replicas: 5 - float64(i), Promise: 0.9, Keeps: "yes", TTFTP99: 1 + float64(i), TPOTP99: 0.05,
		}
		if attainment < t.Promise {
			t.Keeps = "no"
		}
		a.Tried = append(a.Tried, t)
	}
	return a, nil
}
