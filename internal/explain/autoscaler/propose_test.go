package autoscaler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

func objectivesOf(t *testing.T, text string) objective.Promise {
	t.Helper()
	p, refused := objective.Parse(text)
	if refused != nil {
		t.Fatal(refused)
	}
	return p
}

func hpa(name string, least *int32, most int32) *autoscalingv2.HorizontalPodAutoscaler {
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "demo"}}
	h.Spec.MinReplicas, h.Spec.MaxReplicas = least, most
	return h
}

// The worked example of Propose, and INV-8.
func TestPropose(t *testing.T) {
	u := UnstatedWorkload("demo", objective.Workload{Kind: "Deployment", Name: "vllm"}, nil, hpa("mine", new(int32(2)), 6))
	u.Call(func(string) bool { return false })
	text, err := yaml.Marshal(u.Propose(objectivesOf(t, "tpot:p95:100ms, ttft:p95:1.5s")))
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: flyball.dev/v1alpha1
kind: InferenceAutoscaler
metadata:
  name: vllm
  namespace: demo
spec:
  engine: advise
  objectives:
  - metric: ttft
    quantile: 0.95
    target: 1.5s
  - metric: tpot
    quantile: 0.95
    target: 100ms
  replicas:
    max: 6
    min: 2
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: vllm
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("Propose: -want +got\n%s", diff)
	}
	proposed := u.Propose(objectivesOf(t, "ttft:p90:3s"))
	b, refused := BoundsAt(proposed, time.Unix(0, 0))
	if refused != nil {
		t.Fatal(refused)
	}
	if so, refused := Map(proposed, b, address); refused != nil || *so.Spec.MinReplicaCount != 2 || *so.Spec.MaxReplicaCount != 6 {
		t.Errorf("what is proposed maps to %+v, %v", so, refused)
	}
}

// The bounds are those of the present autoscaler, as its own kind means them; nothing but a
// gateway wakes what is at 0.
func TestUnstated(t *testing.T) {
	to := func(name string, least, most *int32) *kserve.ScaledObject {
		so := scaledObject(name, "")
		so.Spec.MinReplicaCount, so.Spec.MaxReplicaCount = least, most
		return so
	}
	snapshot := func(bare bool, class string) explain.Snapshot {
		s := explain.Snapshot{InferenceService: *service(t, bare)}
		s.InferenceService.Annotations[kserve.ClassAnnotation] = class
		return s
	}
	external := snapshot(true, "external")
	external.HPAs = []autoscalingv2.HorizontalPodAutoscaler{*hpa("keda-hpa-theirs", nil, 9)}
	alone := external
	external.Others = []kserve.ScaledObject{*to("theirs", nil, new(int32(9)))}
	guide := snapshot(false, "external")
	none := snapshot(true, "none")
	nobody := snapshot(true, "external")
	byKServe := snapshot(false, "keda")
	byKServe.HPAs = []autoscalingv2.HorizontalPodAutoscaler{*hpa("keda-hpa-llama-predictor", new(int32(3)), 5)}
	for what, c := range map[string]struct {
		of   func() (Unstated, bool)
		want string // by what, its bounds, those proposed
	}{
		"guide mode":   {func() (Unstated, bool) { return UnstatedService(guide) }, "guide mode 1-8 1-8"},
		"class keda":   {func() (Unstated, bool) { return UnstatedService(byKServe) }, "KServe, by its autoscaler class keda 3-5 3-5"},
		"class none":   {func() (Unstated, bool) { return UnstatedService(none) }, ""},
		"nobody":       {func() (Unstated, bool) { return UnstatedService(nobody) }, ""},
		"ScaledObject": {func() (Unstated, bool) { return UnstatedService(external) }, "ScaledObject theirs 0-9 0-9"},
		"HPA":          {func() (Unstated, bool) { return UnstatedService(alone) }, "HorizontalPodAutoscaler keda-hpa-theirs 1-9 1-9"},
		"Deployment": {func() (Unstated, bool) {
			return UnstatedWorkload("demo", objective.Workload{Kind: "Deployment", Name: "vllm"}, to("theirs", nil, nil), nil), true
		}, "ScaledObject theirs 0-100 1-100"},
	} {
		u, ok := c.of()
		got := ""
		if ok {
			u.Call(func(string) bool { return false })
			a := u.Propose(nil)
			got = strings.Join([]string{u.By, bounds(u.Min, u.Max), bounds(*a.Spec.Replicas.Min, a.Spec.Replicas.Max)}, " ")
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

func bounds(lo, hi int32) string { return fmt.Sprintf("%d-%d", lo, hi) }

// A name is one that the API server takes, and nobody has.
func TestCall(t *testing.T) {
	long := strings.Repeat("a", 51)
	for target, c := range map[string]struct{ taken, want string }{
		"llama":         {"", "llama"},
		"gemma":         {"gemma gemma-2", "gemma-3"},
		long + "-b-c-d": {"", long + "-b"},
		long + "---d":   {"", long},
		long + "bcdefg": {long + "bcd", long + "b-2"},
	} {
		u := Unstated{Namespace: "demo"}
		u.Target.Name = target
		u.Call(func(name string) bool { return strings.Contains(" "+c.taken+" ", " "+name+" ") })
		if u.Name != c.want || len(u.Name) > kserve.MaxScaledObjectName {
			t.Errorf("%s, where %q are taken: %s, want %s", target, c.taken, u.Name, c.want)
		}
	}
}
