package promised

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/law"
)

const scaled = `
metadata: {name: llama, namespace: demo, uid: so-1, creationTimestamp: "2026-01-02T00:00:00Z"}
spec:
  scaleTargetRef: {name: llama}
  minReplicaCount: 1
  maxReplicaCount: 8
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleUp: {stabilizationWindowSeconds: 0, tolerance: "0"}
        scaleDown: {tolerance: "0"}
  triggers:
    - type: external-push
      metadata: {scalerAddress: "flyball-scaler.flyball-system:9443", objectives: "ttft:p90:3s, tpot:p90:100ms"}
`

// object is the ScaledObject above after replacements "old", "new", ….
func object(t *testing.T, replace ...string) client.Object {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(scaled)
	if len(replace) > 0 && text == scaled {
		t.Fatalf("%q is not in the ScaledObject", replace[0])
	}
	var o map[string]any
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return kubetest.Untyped(t, kserve.ScaledObjectKind, o)
}

func namespace(enabled string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "demo", Labels: map[string]string{autoscaler.OptIn: enabled}}}
}

func workload(name string, replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "demo", UID: types.UID("uid-of-" + name)},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}},
		Status:     appsv1.DeploymentStatus{Replicas: replicas, ReadyReplicas: replicas},
	}
}

// predictor is the Deployment of InferenceService llama.
func predictor() *appsv1.Deployment {
	d := workload("llama-predictor", 2)
	d.Labels = map[string]string{kserve.ServiceLabel: "llama"}
	return d
}

// inferenceService is the guide's after replacements; bare is without its metrics.
func inferenceService(t *testing.T, bare bool, replace ...string) client.Object {
	t.Helper()
	o, err := kservetest.Service(replace...)
	if err != nil {
		t.Fatal(err)
	}
	s := &kserve.InferenceService{}
	if err := kserve.Decode(o, s); err != nil {
		t.Fatal(err)
	}
	if bare {
		s.Spec.Predictor.AutoScaling = nil
	}
	return kubetest.Untyped(t, kserve.InferenceServiceKind, s)
}

func pod(name, app string, ready bool) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: "demo", Labels: map[string]string{"app": app}, CreationTimestamp: metav1.Unix(100, 0),
	}}
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	p.Status.StartTime = &metav1.Time{Time: time.Unix(110, 0)}
	p.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.Unix(170, 0)},
	}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Unix(120, 0)}}}}
	return p
}

// cluster is a scaler's view of one.
type view struct {
	*Services
	objects client.Client
	events  *events.FakeRecorder
}

func newView(t *testing.T, objects ...client.Object) view {
	t.Helper()
	recorder := events.NewFakeRecorder(100)
	yes := func() bool { return true }
	c := kubetest.Client(t, objects...)
	return view{New(Settings{Most: 2}, c, recorder, yes, yes), c, recorder}
}

// reconcile looks at ScaledObjects, and returns what was said.
func (c view) reconcile(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if _, err := c.Reconcile(t.Context(), ctrl.Request{NamespacedName: key(name)}); err != nil {
			t.Fatal(err)
		}
	}
	said := ""
	for len(c.events.Events) > 0 {
		said += <-c.events.Events + "\n"
	}
	return said
}

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "demo", Name: name}
}

// INV-1 to INV-3: what is refused, why, by which kind, and what to do.
func TestRefused(t *testing.T) {
	llama, first := workload("llama", 2), "2026-01-01"
	for what, c := range map[string]struct {
		objects []client.Object
		cause   autoscaler.Cause
		says    string
	}{
		"not opted in":  {[]client.Object{namespace(""), llama, object(t)}, autoscaler.Forbidden, "Warning NamespaceNotEnabled objectives are not enabled in namespace demo; an administrator can enable them with: kubectl label namespace demo flyball.dev/objectives=enabled"},
		"no target":     {[]client.Object{namespace(autoscaler.Enabled), object(t)}, autoscaler.Waiting, "Warning TargetMissing spec.scaleTargetRef: there is no Deployment llama in namespace demo"},
		"a kind":        {[]client.Object{namespace(autoscaler.Enabled), llama, object(t, "{name: llama}", "{kind: Rollout, name: llama}")}, autoscaler.Wrong, "TargetUnsupported spec.scaleTargetRef.kind: objectives are kept for a Deployment or a StatefulSet, and Rollout is neither"},
		"an objective":  {[]client.Object{namespace(autoscaler.Enabled), llama, object(t, "ttft:", "tfft:")}, autoscaler.Wrong, `InvalidObjectives spec.triggers[0].metadata.objectives: "tfft" cannot be promised; did you mean ttft?`},
		"bounds":        {[]client.Object{namespace(autoscaler.Enabled), llama, object(t, "maxReplicaCount: 8", "maxReplicaCount: 0")}, autoscaler.Wrong, "InvalidObjectives spec.maxReplicaCount: 0 replicas at most and 1 at least"},
		"nothing wakes": {[]client.Object{namespace(autoscaler.Enabled), llama, object(t, "minReplicaCount: 1", "minReplicaCount: 0")}, autoscaler.Wrong, "NothingWakes spec.minReplicaCount: at 0 nothing wakes Deployment llama"},
		"another first": {
			[]client.Object{namespace(autoscaler.Enabled), llama, object(t), object(t, "name: llama, namespace", "name: older, namespace", "so-1", "so-2", "2026-01-02", first)}, autoscaler.Taken,
			"TargetTaken Deployment llama has its objectives from ScaledObject older, which was first; delete one of the two: kubectl delete scaledobject llama -n demo",
		},
		"guide mode": {
			[]client.Object{namespace(autoscaler.Enabled), predictor(), inferenceService(t, false), object(t, "{name: llama}", "{name: llama-predictor}")}, autoscaler.Taken,
			"AnotherAutoscaler InferenceService llama has spec.predictor.autoScaling.metrics, by which it is scaled; remove them to scale it by objectives",
		},
		"KServe's HPA": {
			[]client.Object{namespace(autoscaler.Enabled), predictor(), inferenceService(t, true, "Class: external", "Class: hpa"), object(t, "{name: llama}", "{name: llama-predictor}")}, autoscaler.Taken,
			"AnotherAutoscaler InferenceService llama is of autoscaler class hpa, so that KServe scales it; for objectives: kubectl annotate inferenceservice llama -n demo --overwrite serving.kserve.io/autoscalerClass=external",
		},
	} {
		t.Run(what, func(t *testing.T) {
			v := newView(t, c.objects...)
			said := v.reconcile(t, "llama", "llama") // the second time nothing is new
			_, err := v.Look(key("llama"))
			r := (*autoscaler.Refusal)(nil)
			if !errors.As(err, &r) || r.Cause != c.cause || strings.Count(said, c.says) != 1 || !strings.Contains(said, r.Text) {
				t.Errorf("Look = %v, said %s, want cause %d and once %s", err, said, c.cause, c.says)
			}
			if all, err := v.All(t.Context()); len(all) > 0 || err != nil {
				t.Errorf("All = %v, %v, want none", all, err)
			}
		})
	}
	if _, err := newView(t).Look(key("none")); !unknown(err) {
		t.Errorf("of one that there is not: %v", err)
	}
}

// unknown tells whether there is no such service.
func unknown(err error) bool {
	r, ok := errors.AsType[*autoscaler.Refusal](err)
	return ok && r.Cause == autoscaler.Unknown
}

// What lies between the number and the replicas is told, and accepted.
func TestBeside(t *testing.T) {
	for what, c := range map[string]struct {
		replace   []string
		says      string
		tolerance float64
	}{
		"tolerance": {[]string{`scaleUp: {stabilizationWindowSeconds: 0, tolerance: "0"}`, "scaleUp: {}"}, "Warning ToleranceMissing spec.advanced.horizontalPodAutoscalerConfig.behavior:", .1},
		"window":    {[]string{"stabilizationWindowSeconds: 0", "stabilizationWindowSeconds: 60"}, "Warning ScaleUpDelayed spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.stabilizationWindowSeconds: for 60 s", 0},
		"nothing":   {nil, "Normal ObjectivesAccepted ttft:p90:3s, tpot:p90:100ms is promised with 1 to 8 replicas of Deployment llama", 0},
	} {
		v := newView(t, namespace(autoscaler.Enabled), workload("llama", 2), object(t, c.replace...))
		said := v.reconcile(t, "llama", "llama")
		s, err := v.Look(key("llama"))
		if err != nil || strings.Count(said, c.says) != 1 || s.Tolerance != c.tolerance || what == "nothing" && strings.Contains(said, "Warning") {
			t.Errorf("%s: %+v, %v, said %s, want a tolerance of %v and once %s", what, s, err, said, c.tolerance, c.says)
		}
	}
}

// INV-2: who is in stays, and the next gets in when one leaves.
func TestRoom(t *testing.T) {
	objects := []client.Object{namespace(autoscaler.Enabled)}
	for i := range 3 {
		name := fmt.Sprint("llama-", i)
		objects = append(objects, workload(name, 1), object(t, "name: llama", "name: "+name, "so-1", "so-"+name))
	}
	v := newView(t, objects...)
	v.reconcile(t, "llama-0", "llama-1", "llama-2", "llama-0")
	if _, err := v.Look(key("llama-2")); err == nil || !strings.Contains(err.Error(), "namespace demo has 2 services with objectives, as many as it may") {
		t.Errorf("the third of two: %v", err)
	}
	if err := v.objects.Delete(t.Context(), objects[2]); err != nil {
		t.Fatal(err)
	}
	v.reconcile(t, "llama-0", "llama-2")
	if _, err := v.Look(key("llama-2")); err != nil {
		t.Errorf("when one has left: %v", err)
	}
}

// INV-5, and one walk gives what a look at each gives.
func TestFleet(t *testing.T) {
	objects := []client.Object{
		namespace(autoscaler.Enabled), workload("llama", 3), workload("other", 1), predictor(), inferenceService(t, true),
		object(t), object(t, "name: llama", "name: other", "so-1", "so-2"), object(t, "{name: llama}", "{name: llama-predictor}", "name: llama, namespace", "name: service, namespace", "so-1", "so-3"),
		pod("b", "llama", true), pod("a", "llama", false), pod("c", "other", true), pod("d", "stranger", true),
	}
	v := newView(t, objects...)
	v.Most = 3
	v.reconcile(t, "llama", "other", "service")
	all, err := v.All(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatalf("All = %v, %v, want three", all, err)
	}
	one := func(name string, ready bool) law.Pod {
		return law.Pod{Name: name, Phase: law.PodRunning, Ready: ready, CreatedAt: 100 * time.Second, StartedAt: 110 * time.Second, RunsAt: 120 * time.Second, ChangedAt: 170 * time.Second}
	}
	want := law.Fleet{Desired: 3, Ready: 3, Starting: 1, Pods: []law.Pod{one("a", false), one("b", true)}}
	if diff := cmp.Diff(want, all[0].Fleet); diff != "" || all[0].Name != "llama" {
		t.Errorf("%s: -want +got\n%s", all[0].Name, diff)
	}
	for _, l := range all {
		if again, ok := v.One(t.Context(), l.NamespacedName); !ok || !cmp.Equal(again.Fleet, l.Fleet) {
			t.Errorf("One(%v) = %+v, %v, want %+v", l.NamespacedName, again.Fleet, ok, l.Fleet)
		}
	}
	checkDemanded(t, v, all)
	if n, err := v.Current(t.Context(), all[0].Service); n != 3 || err != nil {
		t.Errorf("Current = %d, %v", n, err)
	}
}

// checkDemanded wants gateways to see the last of TestFleet's services, and not the first.
func checkDemanded(t *testing.T, v view, all []Live) {
	t.Helper()
	if d, ok := all[2].Demanded(); !ok || d != (demand.Service{Namespace: "demo", Name: "llama"}) {
		t.Errorf("the InferenceService's service is demanded as %v, %v", d, ok)
	}
	if _, ok := all[0].Demanded(); ok {
		t.Error("gateways do not see what a plain Deployment gets")
	}
	if keys := v.Of(demand.Service{Namespace: "demo", Name: "llama"}); len(keys) != 1 || keys[0] != key("service") {
		t.Errorf("Of = %v", keys)
	}
}

// INV-4: a target that was deleted and made again is another one, until it has been looked at.
func TestAnotherTarget(t *testing.T) {
	v := newView(t, namespace(autoscaler.Enabled), workload("llama", 2), object(t))
	v.reconcile(t, "llama")
	before, _ := v.Look(key("llama"))
	if err := v.objects.Delete(t.Context(), workload("llama", 2)); err != nil {
		t.Fatal(err)
	}
	again := workload("llama", 1)
	again.UID = "another"
	if err := v.objects.Create(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if all, err := v.All(t.Context()); len(all) > 0 || err != nil {
		t.Errorf("All = %v, %v, want none before it has been looked at", all, err)
	}
	if _, ok := v.One(t.Context(), key("llama")); ok {
		t.Error("One finds the one before")
	}
	v.reconcile(t, "llama")
	if now, err := v.Look(key("llama")); err != nil || now.UID == before.UID {
		t.Errorf("Look = %+v, %v, want another UID than %s", now, err, before.UID)
	}
}

// INV-6, and what is deleted, or states objectives no more, is no service.
func TestGone(t *testing.T) {
	v := newView(t, namespace(autoscaler.Enabled), workload("llama", 2), object(t))
	leads, changed := false, 0
	v.Leads = func() bool { return leads }
	v.Changed = func(of types.NamespacedName) { // who is told may look at once
		if _, err := v.Look(of); of != key("llama") || (changed < 2) != (err == nil) {
			t.Errorf("changed %d times before, %v: %v", changed, of, err)
		}
		changed++
	}
	if said := v.reconcile(t, "llama"); said != "" {
		t.Errorf("one that does not lead says %s", said)
	}
	leads = true
	if said := v.reconcile(t, "llama"); !strings.Contains(said, "ObjectivesAccepted") {
		t.Errorf("the next that leads says %q", said)
	}
	if err := v.objects.Delete(t.Context(), object(t)); err != nil {
		t.Fatal(err)
	}
	v.reconcile(t, "llama")
	if _, err := v.Look(key("llama")); !unknown(err) {
		t.Errorf("when it is deleted: %v", err)
	}
	if changed != 3 {
		t.Errorf("%d looks were told, want 3", changed)
	}
}
