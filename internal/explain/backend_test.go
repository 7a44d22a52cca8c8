package explain

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// routed is the service of scaling with two pods of which one is ready.
func routed(t *testing.T) Snapshot {
	t.Helper()
	s := scaling(t)
	s.InferenceService.Status.URL = "http://Llama-demo.example.com"
	s.InferenceService.Status.Address.URL = "http://llama.demo.svc.cluster.local/v1"
	s.Deployment.Spec.Template.Spec.Containers = []corev1.Container{{
		Name: vllm.ServingContainer, Args: []string{"--model=m"}, Ports: []corev1.ContainerPort{{ContainerPort: 8000}},
	}}
	s.setReplicas(2, 1)
	s.Pods = []corev1.Pod{pod("b", readyAt("10.0.0.2")), pod("a", func(*corev1.PodStatus) {})}
	for i := range s.Pods {
		s.Pods[i].Spec = s.Deployment.Spec.Template.Spec
	}
	return s
}

func readyAt(ip string) func(*corev1.PodStatus) {
	return func(s *corev1.PodStatus) {
		s.Phase, s.PodIP = corev1.PodRunning, ip
		s.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
}

func (s *Snapshot) asleepInGuideMode() {
	s.sleep(demand.Demand{})
	s.Pods = nil
}

func crashLoop(s *corev1.PodStatus) {
	s.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 40s"},
	}}}
}

func overQuota(s *Snapshot) {
	s.notCreated(`pods "llama-predictor-5d9c7-x" is forbidden: exceeded quota: gpus, requested: pods=1, used: pods=0, limited: pods=0`)
}

// notCreated is what a ReplicaSet says when the API server has not taken its pod.
func (s *Snapshot) notCreated(why string) {
	s.Deployment.Status.Conditions = []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentReplicaFailure, Status: "True", Reason: "FailedCreate", Message: why,
	}}
}

func TestBackend(t *testing.T) {
	s := routed(t)
	want := Backend{
		Namespace: "demo", Name: "llama", Models: []string{"m"}, Created: s.InferenceService.CreationTimestamp.UTC(), Pods: []Server{{"b", "10.0.0.2:8000"}}, Starting: 1,
		Hosts: []string{
			"llama-demo.example.com", "llama-predictor.demo", "llama-predictor.demo.svc", "llama-predictor.demo.svc.cluster.local",
			"llama.demo", "llama.demo.svc", "llama.demo.svc.cluster.local",
		},
	}
	if diff := cmp.Diff(want, s.Backend()); diff != "" {
		t.Errorf("Backend(): -want +got\n%s", diff)
	}
	s.InferenceService.Spec.Predictor.AutoScaling.Metrics[0].External.Metric.Query = "sum(vllm:num_requests_running)"
	if got := s.Backend().Target; got != 1 {
		t.Errorf("Backend().Target = %d of a metric of requests, want 1", got)
	}
}

func TestBackendOfPods(t *testing.T) {
	for name, tc := range map[string]struct {
		change   func(*Snapshot)
		pods     string
		starting int
		stuck    string
	}{
		"one of two is ready":  {func(*Snapshot) {}, "b", 1, ""},
		"it terminates":        {func(s *Snapshot) { s.Pods[0].DeletionTimestamp = &metav1.Time{} }, "", 2, ""},
		"it is not ready":      {func(s *Snapshot) { s.Pods[0].Status.Conditions[0].Status = corev1.ConditionFalse }, "", 2, ""},
		"it has ended":         {func(s *Snapshot) { s.Pods[0].Status.Phase = corev1.PodFailed }, "", 2, ""},
		"IPv6":                 {func(s *Snapshot) { s.Pods[0].Status.PodIP = "fd00::1" }, "b", 1, ""},
		"a transformer's pod":  {func(s *Snapshot) { s.Pods[0].Labels[kserve.ComponentLabel] = "transformer" }, "", 2, ""},
		"a predictor's pod":    {func(s *Snapshot) { s.Pods[0].Labels[kserve.ComponentLabel] = "predictor" }, "b", 1, ""},
		"asleep":               {(*Snapshot).asleepInGuideMode, "", 0, ""},
		"asleep and paused":    {func(s *Snapshot) { s.asleepInGuideMode(); s.pause() }, "", 0, "paused"},
		"paused, not asleep":   {func(s *Snapshot) { s.Pods = nil; s.pause() }, "", 2, ""},
		"asleep, no KEDA":      {func(s *Snapshot) { s.asleepInGuideMode(); s.NoKEDA = true }, "", 0, "KEDA is not installed"},
		"asleep, class keda":   {func(s *Snapshot) { s.asleepInGuideMode(); s.class("keda") }, "", 0, "its class is keda"},
		"asleep, class none":   {func(s *Snapshot) { s.asleepInGuideMode(); s.class("none") }, "", 0, "its class is none"},
		"asleep, no metrics":   {func(s *Snapshot) { s.asleepInGuideMode(); s.InferenceService.Spec.Predictor.AutoScaling = nil }, "", 0, "no autoScaling.metrics"},
		"asleep, objectives":   {func(s *Snapshot) { s.asleepInGuideMode(); s.promise(objective.Push) }, "", 0, ""},
		"asleep, native":       {func(s *Snapshot) { s.asleepInGuideMode(); s.promise("prometheus"); s.Native, s.NoKEDA = true, true }, "", 0, ""},
		"native, class none":   {func(s *Snapshot) { s.asleepInGuideMode(); s.class("none"); s.Native = true }, "", 0, "its class is none"},
		"asleep, by another":   {func(s *Snapshot) { s.asleepInGuideMode(); s.promise("prometheus") }, "", 0, "no ScaledObject that states objectives"},
		"asleep, refused":      {func(s *Snapshot) { s.asleepInGuideMode(); s.InferenceService.Spec.Predictor.MaxReplicas = -1 }, "", 0, "spec.predictor.maxReplicas"},
		"stopped":              {func(s *Snapshot) { s.annotate(kserve.StopAnnotation, "true"); s.Deployment, s.Pods = nil, nil }, "", 0, "stopped by its annotation"},
		"stopped, pods remain": {func(s *Snapshot) { s.annotate(kserve.StopAnnotation, "true"); s.Deployment = nil }, "b", 0, ""},
		"being deleted":        {func(s *Snapshot) { s.InferenceService.DeletionTimestamp, s.Pods = &metav1.Time{}, nil }, "", 0, "being deleted"},
		"no Deployment yet":    {func(s *Snapshot) { s.Deployment, s.Pods = nil, nil }, "", 0, ""},
		"over its quota":       {func(s *Snapshot) { s.Pods = nil; overQuota(s) }, "", 0, "exceeded quota"},
		"a webhook denies it": {func(s *Snapshot) {
			s.Pods = nil
			s.notCreated(`admission webhook "policy.example.com" denied the request: no GPUs for demo`)
		}, "", 0, "no GPUs for demo"},
		"a webhook does not answer": {func(s *Snapshot) {
			s.Pods = nil
			s.notCreated(`Internal error occurred: failed calling webhook "inferenceservice.kserve-webhook-server.pod-mutator": ` +
				`failed to call webhook: Post "https://kserve-webhook-server-service.kserve.svc:9443/mutate-pods?timeout=10s": context deadline exceeded`)
		}, "", 2, ""},
		"partly over it":                     {overQuota, "b", 1, ""},
		"one starts, the quota forbids more": {func(s *Snapshot) { s.Pods = s.Pods[1:]; overQuota(s) }, "", 2, ""},
		"all crash":                          {func(s *Snapshot) { s.Pods = []corev1.Pod{pod("a", crashLoop), pod("b", crashLoop)} }, "", 0, "CrashLoopBackOff"},
		"one crashes":                        {func(s *Snapshot) { s.Pods = []corev1.Pod{pod("a", crashLoop), s.Pods[1]} }, "", 2, ""},
		"Knative":                            {func(s *Snapshot) { s.InferenceService.Status.DeploymentMode = "Knative" }, "", 0, "deployment mode is Knative"},
		"a transformer":                      {func(s *Snapshot) { s.InferenceService.Spec.Transformer = &kserve.Component{} }, "", 0, "has a transformer"},
	} {
		s := routed(t)
		tc.change(&s)
		b := s.Backend()
		var names []string
		for _, p := range b.Pods {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != tc.pods || b.Starting != tc.starting || !strings.Contains(b.Stuck, tc.stuck) || tc.stuck == "" && b.Stuck != "" {
			t.Errorf("%s: pods %q, starting %d, stuck %q, want %q, %d, %q", name, got, b.Starting, b.Stuck, tc.pods, tc.starting, tc.stuck)
		}
	}
}

func (s *Snapshot) pause() {
	s.ScaledObject.Annotations = map[string]string{kserve.Paused: "true"}
}

func (s *Snapshot) class(name string) { s.annotate(kserve.ClassAnnotation, name) }

func (s *Snapshot) annotate(key, value string) { s.InferenceService.Annotations[key] = value }

// TestBackendDuringARename: the names are those of the pods that are ready, and those that
// pods will have.

// promise takes the metrics away, and has a ScaledObject of another name with a trigger that
// may state objectives.
func (s *Snapshot) promise(kind string) {
	s.InferenceService.Spec.Predictor.AutoScaling, s.ScaledObject = nil, nil
	so := kserve.ScaledObject{}
	so.Spec.ScaleTargetRef.Name = "llama-predictor"
	so.Spec.Triggers = []kserve.Trigger{{Type: kind, Metadata: map[string]string{
		objective.AddressKey: "flyball-scaler.flyball-system:9443", objective.Key: "ttft:p90:3s",
	}}}
	s.Others = []kserve.ScaledObject{so}
}

func TestBackendDuringARename(t *testing.T) {
	s := routed(t)
	s.Pods = append(s.Pods, pod("c", readyAt("10.0.0.3")))
	old := s.Pods[0].Spec.DeepCopy()
	old.Containers[0].Args = []string{"--model=m", "--served-model-name", "old", "both"}
	young := old.DeepCopy()
	young.Containers[0].Args = []string{"--model=m", "--served-model-name", "new", "both"}
	s.Deployment.Spec.Template.Spec = *young
	s.Pods[0].Spec, s.Pods[1].Spec, s.Pods[2].Spec = *old, *young, *young
	b := s.Backend()
	if diff := cmp.Diff([]string{"both", "new", "old"}, b.Models); diff != "" {
		t.Errorf("Models: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"new": {"c"}, "old": {"b"}}, b.Only); diff != "" {
		t.Errorf("Only: -want +got\n%s", diff)
	}
	s.Pods = s.Pods[:1]
	if diff := cmp.Diff(map[string][]string{"new": nil}, s.Backend().Only, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Only, before a new pod is ready: -want +got\n%s", diff)
	}
}
