package explain

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
)

const statusService = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: demo
  uid: isvc-uid
  creationTimestamp: "2026-01-02T03:04:05Z"
  annotations: {serving.kserve.io/autoscalerClass: external}
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 8
    autoScaling:
      metrics:
      - type: External
        external:
          authenticationRef: {authModes: basic, authenticationRef: {name: prom-basic-auth}}
          metric: {backend: prometheus, query: sum(x), serverAddress: "http://prometheus:9090"}
          target: {type: Value, value: '1'}
`

// scaling is the guide's service at rest in the middle of its bounds: everything is
// there and follows.
func scaling(t *testing.T) Snapshot {
	t.Helper()
	s := Snapshot{Auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}}}
	if err := yaml.Unmarshal([]byte(statusService), &s.InferenceService); err != nil {
		t.Fatal(err)
	}
	so, _, err := kserve.Map(&s.InferenceService)
	if err != nil {
		t.Fatal(err)
	}
	so.UID = "so-uid"
	s.ScaledObject = so
	s.ScaledObject.Status.Conditions = []kserve.Condition{{Type: "Ready", Status: "True"}}
	one := resource.MustParse("1")
	s.HPAs = []autoscalingv2.HorizontalPodAutoscaler{{
		ObjectMeta: metav1.ObjectMeta{
			Name: "keda-hpa-llama-predictor", Namespace: "demo",
			OwnerReferences: []metav1.OwnerReference{{Kind: "ScaledObject", Name: so.Name, Controller: new(true)}},
		},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: so.Name},
			MinReplicas:    new(int32(1)), MaxReplicas: 8,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ExternalMetricSourceType,
				External: &autoscalingv2.ExternalMetricSource{
					Metric: autoscalingv2.MetricIdentifier{Name: "s0-prometheus"},
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &one},
				},
			}},
		},
		Status: autoscalingv2.HorizontalPodAutoscalerStatus{CurrentMetrics: []autoscalingv2.MetricStatus{{
			Type: autoscalingv2.ExternalMetricSourceType,
			External: &autoscalingv2.ExternalMetricStatus{Current: autoscalingv2.MetricValueStatus{
				AverageValue: new(resource.MustParse("1250m")),
			}},
		}}},
	}}
	s.Deployment = &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
		Name: so.Name, Namespace: "demo", Labels: map[string]string{kserve.ServiceLabel: "llama"},
	}}
	s.setReplicas(3, 3)
	return s
}

func (s *Snapshot) setReplicas(wanted, ready int32) {
	s.Deployment.Spec.Replicas = &wanted
	s.Deployment.Status.Replicas, s.Deployment.Status.ReadyReplicas = wanted, ready
}

// sleep puts the service to zero, its query empty, behind gateways.
func (s *Snapshot) sleep(d demand.Demand) {
	s.InferenceService.Spec.Predictor.MinReplicas = new(int32(0))
	s.ScaledObject.Spec.MinReplicaCount = new(int32(0))
	s.setReplicas(0, 0)
	s.setTriggerError()
	s.Demand = &d
}

func (s *Snapshot) setHPA(kind autoscalingv2.HorizontalPodAutoscalerConditionType, status, reason, message string) {
	s.HPAs[0].Status.Conditions = append(s.HPAs[0].Status.Conditions, autoscalingv2.HorizontalPodAutoscalerCondition{
		Type: kind, Status: corev1.ConditionStatus(status), Reason: reason, Message: message,
	})
}

func (s *Snapshot) setTriggerError() {
	s.ScaledObject.Status.Conditions[0] = kserve.Condition{Type: "Ready", Status: "False", Reason: "TriggerError", Message: "Triggers defined in ScaledObject are not working correctly"}
}

func pod(name string, change func(*corev1.PodStatus)) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "demo", Labels: map[string]string{kserve.ServiceLabel: "llama"}}}
	change(&p.Status)
	return p
}

func unschedulable(message string) func(*corev1.PodStatus) {
	return func(s *corev1.PodStatus) {
		s.Phase = corev1.PodPending
		s.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message,
		}}
	}
}

// A reasonCase changes a service that scales with its metric, and says how that shows.
type reasonCase struct {
	name    string
	change  func(*Snapshot)
	reason  Reason
	message string // part of it
	fix     string
}

// INV-1: the first cause that is true is the reason, with the command that changes it.
func TestReasons(t *testing.T) {
	for _, c := range slices.Concat(notScaled(), cannotScale(), podsMissing(), scaled()) {
		t.Run(c.name, func(t *testing.T) {
			s := scaling(t)
			c.change(&s)
			r := Rows([]Snapshot{s})[0]
			if r.Reason != c.reason || !strings.Contains(r.Message, c.message) || r.Fix != c.fix {
				t.Errorf("row = %s: %s; fix: %s, want %s: …%s…; fix: %s", r.Reason, r.Message, r.Fix, c.reason, c.message, c.fix)
			}
		})
	}
}

func notScaled() []reasonCase {
	return []reasonCase{
		{"follows", func(*Snapshot) {}, Following, "scales with its metric", ""},
		{"is deleted", func(s *Snapshot) { s.InferenceService.DeletionTimestamp = &metav1.Time{} }, Deleting, "", ""},
		{"is stopped", func(s *Snapshot) {
			s.InferenceService.Annotations[kserve.StopAnnotation] = "True"
			s.ScaledObject, s.Deployment, s.HPAs = nil, nil, nil
		}, Stopped, kserve.StopAnnotation, "kubectl annotate inferenceservice llama -n demo serving.kserve.io/stop-"},
		{"is nobody's", func(s *Snapshot) {
			s.InferenceService.Annotations[kserve.ClassAnnotation] = "none"
			s.ScaledObject, s.HPAs = nil, nil
		}, Unscaled, "class none", ""},
		{"has two HPAs", func(s *Snapshot) {
			s.HPAs = append(s.HPAs, autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "mine"}})
		}, Contested, "keda-hpa-llama-predictor, mine", "kubectl delete hpa NAME -n demo, for each of them but the one to keep"},
		{"has no target", func(s *Snapshot) {
			s.InferenceService.Spec.Predictor.AutoScaling.Metrics[0].External.Target.Value = nil
		}, Refused, "spec.predictor.autoScaling.metrics[0].external.target.value", ""},
		{"waits for its old ScaledObject to go", func(s *Snapshot) { s.ScaledObject.DeletionTimestamp = &metav1.Time{} }, Starting, "is being deleted", ""},
		{"is scaled by a foreign ScaledObject", func(s *Snapshot) {
			s.Others = []kserve.ScaledObject{{ObjectMeta: metav1.ObjectMeta{Name: "theirs"}}}
			s.Others[0].Spec.ScaleTargetRef.Name = "llama-predictor"
			s.ScaledObject = nil
		}, Refused, "kubectl delete scaledobject theirs -n demo", ""},
		{"waits for KServe's HPA to go", func(s *Snapshot) {
			s.HPAs[0].OwnerReferences[0] = metav1.OwnerReference{Kind: "InferenceService", Name: "llama", Controller: new(true)}
		}, Starting, "waiting until KServe has removed its HorizontalPodAutoscaler", ""},
		{"has no KEDA", func(s *Snapshot) { s.ScaledObject, s.HPAs, s.NoKEDA = nil, nil, true }, NoKEDA, "install KEDA", ""},
		{"has no KEDA for KServe", func(s *Snapshot) {
			s.InferenceService.Annotations[kserve.ClassAnnotation] = "keda"
			s.ScaledObject, s.HPAs, s.NoKEDA = nil, nil, true
		}, NoKEDA, "not installed", "flyball doctor"},
		{"is refused by a webhook", func(s *Snapshot) {
			s.ScaledObject, s.HPAs = nil, nil
			s.Events = []corev1.Event{warningAbout("InferenceService", "isvc-uid", "admission webhook denied the request")}
		}, Refused, "admission webhook denied", "kubectl describe inferenceservice llama -n demo"},
		{"has no controller", func(s *Snapshot) { s.ScaledObject, s.HPAs = nil, nil }, Refused, "is the controller running?", "flyball doctor"},
		{"is paused", func(s *Snapshot) {
			s.ScaledObject.Annotations = map[string]string{"autoscaling.keda.sh/paused-replicas": "2"}
			s.HPAs = nil
		}, Paused, "paused-replicas=2", "kubectl annotate scaledobject llama-predictor -n demo autoscaling.keda.sh/paused-replicas-"},
		{"may not scale down", func(s *Snapshot) {
			s.ScaledObject.Annotations = map[string]string{"autoscaling.keda.sh/paused-scale-in": "true"}
		}, HeldOneWay, "scaling down is paused", "kubectl annotate scaledobject llama-predictor -n demo autoscaling.keda.sh/paused-scale-in-"},
		{"sleeps", func(s *Snapshot) {
			s.ScaledObject.Spec.MinReplicaCount = new(int32(0))
			s.setReplicas(0, 0)
			s.setTriggerError()
			s.setHPA(autoscalingv2.ScalingActive, "False", "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
		}, Asleep, "cannot wake by itself: no pod reports", "kubectl scale deployment llama-predictor -n demo --replicas=1"},
		{"sleeps with a metric of its own", func(s *Snapshot) {
			s.ScaledObject.Spec.MinReplicaCount = new(int32(0))
			s.setReplicas(0, 0)
		}, Asleep, "no work; no gateway reports", "kubectl scale deployment llama-predictor -n demo --replicas=1"},
		{"sleeps at KServe's hands", func(s *Snapshot) {
			s.InferenceService.Annotations[kserve.ClassAnnotation] = "keda"
			s.ScaledObject.Spec.MinReplicaCount = new(int32(0))
			s.setReplicas(0, 0)
			s.Demand = &demand.Demand{Gateways: 2}
		}, Asleep, "a gateway wakes only what Flyball scales", "kubectl scale deployment llama-predictor -n demo --replicas=1"},
		{"sleeps behind gateways", func(s *Snapshot) { s.sleep(demand.Demand{Gateways: 2}) }, Asleep, "wakes it (gateways reporting: 2)", ""},
		{"is about to be woken", func(s *Snapshot) {
			s.sleep(demand.Demand{Gateways: 2, Work: demand.Work{Held: 3}})
		}, Waking, "3 requests are held; the controller asks", ""},
		{"is woken", func(s *Snapshot) {
			s.sleep(demand.Demand{Gateways: 2, Work: demand.Work{Held: 3}})
			s.ScaledObject.Annotations = map[string]string{kserve.ForceActivation: "true"}
			s.ScaledObject.Spec.MinReplicaCount = new(int32(3))
		}, Waking, "KEDA is asked for 3 replicas", ""},
		{"was woken", func(s *Snapshot) { s.rouse() }, Waking, "KEDA is asked for 3 replicas, 1 are ready", ""},
		{"was woken without GPUs", func(s *Snapshot) {
			s.rouse()
			s.Pods = []corev1.Pod{pod("a", unschedulable("0/2 nodes are available: 2 Insufficient nvidia.com/gpu."))}
		}, NoGPU, "1 pod cannot be scheduled", ""},
	}
}

// rouse is a service that has left zero, which its HPA has not noticed.
func (s *Snapshot) rouse() {
	s.setReplicas(3, 1)
	s.setHPA(autoscalingv2.ScalingActive, "False", "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
	s.ScaledObject.Annotations = map[string]string{kserve.ForceActivation: "true"}
	s.ScaledObject.Spec.MinReplicaCount = new(int32(3))
}

func cannotScale() []reasonCase {
	return []reasonCase{
		{"has no TriggerAuthentication", func(s *Snapshot) { s.Auths = nil }, NoMetric, "TriggerAuthentication prom-basic-auth", ""},
		{"has a wrong password", func(s *Snapshot) {
			s.setHPA(autoscalingv2.ScalingActive, "False", "FailedGetExternalMetric", "unable to get external metric")
			s.Events = []corev1.Event{warningAbout("ScaledObject", "so-uid", "prometheus query api returned error. status: 401")}
		}, NoMetric, "prom-basic-auth-secret", ""},
		{"has no Prometheus", func(s *Snapshot) {
			s.setTriggerError()
			s.ScaledObject.Status.Conditions = append(s.ScaledObject.Status.Conditions, kserve.Condition{Type: "Fallback", Status: "True"})
			s.Events = []corev1.Event{warningAbout("ScaledObject", "so-uid", "connection refused")}
		}, NoMetric, "connection refused; KEDA's fallback", "kubectl describe scaledobject,hpa -n demo"},
		{"has KEDA's fallback in place of its metric", func(s *Snapshot) { // Ready is True
			s.setHPA(autoscalingv2.ScalingActive, "True", "ValidMetricFound", "")
			s.ScaledObject.Status.Conditions = append(s.ScaledObject.Status.Conditions, kserve.Condition{Type: "Fallback", Status: "True"})
		}, NoMetric, "KEDA cannot read its metric; KEDA's fallback", "kubectl describe scaledobject,hpa -n demo"},
		{"reads its metric again before KEDA has looked", func(s *Snapshot) {
			s.setTriggerError()
			s.setHPA(autoscalingv2.ScalingActive, "True", "ValidMetricFound", "")
			s.Events = []corev1.Event{warningAbout("ScaledObject", "so-uid", "error parsing prometheus metadata: <empty>")}
		}, Following, "", ""},
		{"has no HPA yet", func(s *Snapshot) { s.HPAs = nil }, NoHPA, "", ""},
		{"is selected twice", func(s *Snapshot) {
			s.setHPA(autoscalingv2.ScalingActive, "False", "AmbiguousSelector", "pods by selector are controlled by two HPAs")
		}, Broken, "AmbiguousSelector: pods by selector", "kubectl describe hpa keda-hpa-llama-predictor -n demo"},
	}
}

func podsMissing() []reasonCase {
	return []reasonCase{
		{"waits for GPUs", func(s *Snapshot) {
			s.setReplicas(4, 2)
			full := "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. preemption: 0/2 nodes are available"
			s.Pods = []corev1.Pod{pod("a", unschedulable(full)), pod("b", unschedulable(full))}
		}, NoGPU, "2 pods cannot be scheduled: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu", ""},
		{"fits no node", func(s *Snapshot) {
			s.Pods = []corev1.Pod{pod("a", unschedulable("0/2 nodes are available: 2 node(s) had untolerated taint(s)."))}
		}, Unplaced, "1 pod cannot be scheduled", ""},
		{"was evicted and runs again", func(s *Snapshot) {
			s.Pods = []corev1.Pod{pod("a", func(s *corev1.PodStatus) { unschedulable("gpu")(s); s.Phase = corev1.PodFailed })}
		}, Following, "", ""},
		{"exceeds a quota", func(s *Snapshot) {
			s.Deployment.Status.Conditions = []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentReplicaFailure, Status: "True", Message: "exceeded quota: gpus",
			}}
		}, Denied, "exceeded quota", "kubectl get resourcequota -n demo"},
		{"crashes", func(s *Snapshot) {
			s.Pods = []corev1.Pod{pod("a", func(s *corev1.PodStatus) {
				s.ContainerStatuses = []corev1.ContainerStatus{{
					Name:  "kserve-container",
					State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 40s"}},
				}}
			})}
		}, Crashing, "CrashLoopBackOff", "kubectl logs a -n demo -c kserve-container --previous"},
		{"crashes, so that its metric is empty", func(s *Snapshot) {
			s.setReplicas(4, 0)
			s.setTriggerError()
			s.Pods = []corev1.Pod{pod("llama-1", func(p *corev1.PodStatus) {
				p.ContainerStatuses = []corev1.ContainerStatus{{Name: "kserve-container", State: corev1.ContainerState{
					Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 5m0s"},
				}}}
			})}
		}, Crashing, "pod llama-1: CrashLoopBackOff: back-off 5m0s", "kubectl logs llama-1 -n demo -c kserve-container --previous"},
		{"could not be woken", func(s *Snapshot) {
			s.sleep(demand.Demand{Gateways: 2})
			kserve.Attempt{Failures: 2, Again: time.Unix(1_700_000_000, 0), Cause: "pod llama-1: CrashLoopBackOff: back-off 5m0s"}.Write(s.ScaledObject)
		}, WakeFailed, "no pod became ready after the last wake-up: pod llama-1: CrashLoopBackOff: back-off 5m0s; it stays at zero until 2023-11-14T22:13:20Z",
			"fix that; to allow the next wake-up at once: kubectl annotate scaledobject llama-predictor -n demo flyball.dev/wake-again-"},
		{"queues", func(s *Snapshot) {
			s.Demand = &demand.Demand{Work: demand.Work{Held: 145, InFlight: 4}, Gateways: 2}
			s.setReplicas(1, 1)
		}, Queueing, "145 requests are held, with 4 in flight on 1 ready replica", ""},
		{"queues, and more are asked for", func(s *Snapshot) {
			s.Demand = &demand.Demand{Work: demand.Work{Held: 9, InFlight: 4}, Gateways: 2}
			s.ScaledObject.Annotations = map[string]string{kserve.RaisedMinimum: "4"}
			s.ScaledObject.Spec.MinReplicaCount = new(int32(4))
			s.setReplicas(4, 1)
		}, Queueing, "KEDA is asked for at least 4 of 8 replicas", ""},
		{"queues at its maximum", func(s *Snapshot) {
			s.Demand = &demand.Demand{Work: demand.Work{Held: 9, InFlight: 64}, Gateways: 2}
			s.setReplicas(8, 8)
		}, Queueing, "it is at its maximum, 8", "raise spec.predictor.maxReplicas if there are GPUs for more"},
		{"starts", func(s *Snapshot) { s.setReplicas(4, 3) }, Starting, "1 pod not ready yet", ""},
	}
}

func scaled() []reasonCase {
	return []reasonCase{
		{"has no room", func(s *Snapshot) { s.ScaledObject.Spec.MaxReplicaCount = new(int32(1)) }, Fixed, "minimum is its maximum", "set spec.predictor.maxReplicas above the minimum"},
		{"is at its maximum", func(s *Snapshot) {
			s.setHPA(autoscalingv2.ScalingLimited, "True", "TooManyReplicas", "more than the maximum")
		}, AtMaximum, "more than the maximum", ""},
		{"is at its minimum", func(s *Snapshot) {
			s.setHPA(autoscalingv2.ScalingLimited, "True", "TooFewReplicas", "less than the minimum")
		}, AtMinimum, "less than the minimum", ""},
		{"is held", func(s *Snapshot) {
			s.setHPA(autoscalingv2.AbleToScale, "True", "ScaleDownStabilized", "recent recommendations were higher")
		}, Holding, "recent recommendations", ""},
	}
}

func warningAbout(kind, uid, message string) corev1.Event {
	return corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: kind + uid, Namespace: "demo"},
		InvolvedObject: corev1.ObjectReference{Kind: kind, Namespace: "demo", UID: types.UID(uid)},
		Type:           corev1.EventTypeWarning, Message: message,
	}
}

// MIN is the user's, also while held requests have raised that of the ScaledObject.
func TestRowHasTheUsersMinimum(t *testing.T) {
	s := scaling(t)
	s.ScaledObject.Spec.MinReplicaCount = new(int32(8))
	s.ScaledObject.Annotations = map[string]string{kserve.RaisedMinimum: "8"}
	if r := Rows([]Snapshot{s})[0]; r.Min != 1 || r.Max != 8 || r.Reason == Fixed {
		t.Errorf("Rows() = %d to %d, %s, want 1 to 8, not Fixed", r.Min, r.Max, r.Reason)
	}
}

func TestRow(t *testing.T) {
	want := Row{
		Namespace: "demo", Name: "llama", Mode: ModeGuide, Min: 1, Max: 8,
		Current: new(int32(3)), Desired: new(int32(3)), Ready: new(int32(3)),
		Metrics: []MetricNow{{"s0-prometheus", "1.25", "1"}}, Reason: Following, Message: "scales with its metric",
		Autoscaler: "hpa/keda-hpa-llama-predictor", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	first := scaling(t)
	first.InferenceService.Namespace = "aaa"
	rows := Rows([]Snapshot{scaling(t), first})
	if diff := cmp.Diff(want, rows[1]); diff != "" || rows[0].Namespace != "aaa" {
		t.Errorf("Rows: -want +got\n%s", diff)
	}
}

// TestShownValue: a metric is shown as it is, not as a float64 holds it.
func TestShownValue(t *testing.T) {
	for quantity, want := range map[string]string{
		"3667m": "3.667", "1": "1", "500m": "0.5", "1k": "1000", "0": "0", "9P": "9000000000000000", "-1500m": "-1.5",
		"-9223372036854775808m": unknownValue, "9223372036854775807m": unknownValue, // no pod
	} {
		q := resource.MustParse(quantity)
		if got := shownValue(autoscalingv2.MetricValueStatus{AverageValue: &q}, autoscalingv2.AverageValueMetricType); got != want {
			t.Errorf("shownValue(%s) = %s, want %s", quantity, got, want)
		}
	}
}
