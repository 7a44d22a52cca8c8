package overview

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/snapshot"
)

// inCluster has a service in guide mode, one that an InferenceAutoscaler scales, and a
// StatefulSet and a Deployment with triggers, of which the latter is refused.
func inCluster(t *testing.T, more ...client.Object) client.Reader {
	t.Helper()
	guide, promised := kubetest.Service(t), kubetest.Service(t)
	guide.Name, guide.UID = "guide", "u-guide"
	promised.Name, promised.UID, promised.Spec.Predictor.AutoScaling = "llama", "u-llama", nil
	promised.Labels = map[string]string{"team": "search"}
	a := &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "chat", UID: "a-1"}}
	a.Spec = v1alpha1.Spec{
		TargetRef: v1alpha1.TargetRef{APIVersion: "serving.kserve.io/v1beta1", Kind: "InferenceService", Name: "llama"},
		Replicas:  v1alpha1.Replicas{Min: new(int32(1)), Max: 8}, Engine: v1alpha1.KEDA,
		Objectives: []v1alpha1.Objective{{Metric: v1alpha1.TTFT, Quantile: .9, Target: "3s"}},
	}
	a.Status = v1alpha1.Status{DesiredReplicas: new(int32(3)), Conditions: []metav1.Condition{
		{Type: v1alpha1.Ready, Status: metav1.ConditionTrue, Reason: "Following", Message: "they follow"},
	}}
	owned, refused := autoscaler.Map(a, autoscaler.Bounds{Min: 1, Max: 8}, "flyball-scaler.flyball-system:9443")
	if refused != nil {
		t.Fatal(refused)
	}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "vllm"}}
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "set", Labels: map[string]string{"team": "search"}}}
	set.Spec.Selector, set.Spec.Replicas, set.Status.ReadyReplicas = selector, new(int32(2)), 2
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "vllm"}}
	d.Spec.Selector, d.Status.Replicas = selector, 1
	objects := append(more, kubetest.Untyped(t, kserve.InferenceServiceKind, guide), kubetest.Untyped(t, kserve.InferenceServiceKind, promised),
		kubetest.Untyped(t, kserve.ScaledObjectKind, owned), a, set, d,
		trigger(t, "of-set", "StatefulSet", "set", "ttft:p90:3s"), trigger(t, "of-vllm", "Deployment", "vllm", "tfft:p90:3s"),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "demo", Labels: map[string]string{autoscaler.OptIn: autoscaler.Enabled}}})
	return kubetest.Client(t, objects...)
}

func trigger(t *testing.T, name, kind, target, objectives string) client.Object {
	t.Helper()
	so := &kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name, UID: types.UID("so-" + name)}}
	so.Spec = kserve.ScaledObjectSpec{
		ScaleTargetRef: kserve.ScaleTarget{Kind: kind, Name: target}, MinReplicaCount: new(int32(1)), MaxReplicaCount: new(int32(4)),
		Triggers: []kserve.Trigger{{Type: "external-push", Metadata: map[string]string{"scalerAddress": "flyball-scaler.flyball-system:9443", "objectives": objectives}}},
	}
	return kubetest.Untyped(t, kserve.ScaledObjectKind, so)
}

// shown is what an overview says in short.
func shown(o Overview) string {
	text := ""
	for _, r := range o.Rows {
		text += fmt.Sprintf("%s %s %s %s: %s\n", r.Name, r.Mode, r.Target, strings.Join(r.Objectives, ","), r.Reason)
	}
	for _, u := range o.Unread {
		text += u.What + ": " + u.Why + "\n"
	}
	return text
}

func choice(t *testing.T, namespace, selector string) Choice {
	t.Helper()
	of, err := labels.Parse(selector)
	if err != nil {
		t.Fatal(err)
	}
	return Choice{Namespace: namespace, Labels: of}
}

// refusing is a cluster in which some kinds may not be read, or do not exist, and which counts
// what it is asked.
type refusing struct {
	client.Reader
	errs  map[string]error // by the kind
	asked int
}

func (r *refusing) refuse(o any) error {
	r.asked++
	name := fmt.Sprintf("%T", o)
	if u, ok := o.(interface {
		GetKind() string
	}); ok {
		name = u.GetKind()
	}
	for kind, err := range r.errs {
		if strings.Contains(name, kind) {
			return err
		}
	}
	return nil
}

func (r *refusing) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	if err := r.refuse(into); err != nil {
		return err
	}
	return r.Reader.List(ctx, into, opts...)
}

func (r *refusing) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	if err := r.refuse(into); err != nil {
		return err
	}
	return r.Reader.Get(ctx, key, into, opts...)
}

const (
	guideRow = "guide guide  : Refused\n"
	llamaRow = "llama objective Deployment/llama-predictor ttft:p90:3s: Following\n"
	setRow   = "set objective StatefulSet/set ttft:p90:3s: WaitingForKEDA\n"
	vllmRow  = "vllm objective Deployment/vllm tfft:p90:3s: InvalidObjectives\n"
)

// INV-1, INV-2, and that each service has one row.
func TestRead(t *testing.T) {
	none := &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "any"}}
	denied := func(what string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: what}, "", nil)
	}
	for what, c := range map[string]struct {
		namespace, selector string
		errs                map[string]error
		want                string
	}{
		"a namespace":       {"demo", "", nil, guideRow + llamaRow + setRow + vllmRow},
		"all":               {"", "", nil, guideRow + llamaRow + setRow + vllmRow},
		"labels":            {"", "team=search", nil, llamaRow + setRow},
		"another namespace": {"other", "", nil, ""},
		"no InferenceAutoscaler": {"", "", map[string]error{"InferenceAutoscaler": none},
			guideRow + "llama external  : Unscaled\nllama-predictor objective Deployment/llama-predictor ttft:p90:3s: TargetMissing\n" + setRow + vllmRow},
		"StatefulSets denied": {"demo", "", map[string]error{"StatefulSet": denied("statefulsets")},
			guideRow + llamaRow + setRow + vllmRow + "replicas of StatefulSets are not shown: statefulsets is forbidden: <nil>\nwhether ScaledObjects are refused is not known: reading StatefulSet demo/set: statefulsets is forbidden: <nil>\n"},
		"namespaces denied": {"demo", "", map[string]error{"Namespace": denied("namespaces")},
			guideRow + llamaRow + setRow + "vllm objective Deployment/vllm tfft:p90:3s: WaitingForKEDA\n" + "whether ScaledObjects are refused is not known: reading namespace demo: namespaces is forbidden: <nil>\n"},
		"no KServe": {"", "", map[string]error{"InferenceService": none},
			llamaRow + setRow + vllmRow},
	} {
		got, err := Read(t.Context(), &refusing{Reader: inCluster(t), errs: c.errs}, choice(t, c.namespace, c.selector))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if diff := cmp.Diff(c.want, shown(got)); diff != "" {
			t.Errorf("%s: -want +got\n%s", what, diff)
		}
	}
}

// Where nothing states objectives, InferenceServices that cannot be read are an error.
func TestReadNothing(t *testing.T) {
	none := &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "any"}}
	for _, err := range []error{none, apierrors.NewForbidden(schema.GroupResource{}, "", nil), apierrors.NewTimeoutError("slow", 1)} {
		api := &refusing{Reader: kubetest.Client(t), errs: map[string]error{"InferenceService": err}}
		if got, failed := Read(t.Context(), api, choice(t, "", "")); failed == nil {
			t.Errorf("Read = %v where InferenceServices: %v, want an error", shown(got), err)
		}
	}
}

// podsAndHPA is the cluster with pods of a StatefulSet and others, and an HPA, and its services.
func podsAndHPA(t *testing.T) (client.Reader, []explain.Snapshot) {
	t.Helper()
	ready := corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	pod := func(name, app string) client.Object {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name, Labels: map[string]string{"app": app}}, Status: ready}
	}
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "of-set"}}
	hpa.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "StatefulSet", Name: "set"}
	api := inCluster(t, pod("set-0", "vllm"), pod("other", "other"), hpa)
	services, err := snapshot.ReadAll(t.Context(), api, "")
	if err != nil {
		t.Fatal(err)
	}
	return api, services
}

// INV-5. What is known of an InferenceService is not read again.
func TestStated(t *testing.T) {
	api, services := podsAndHPA(t)
	all, unread, err := Stated(t.Context(), api, "", services, true)
	if err != nil || len(all) != 3 || len(unread) > 0 {
		t.Fatalf("Stated = %+v, %v, %v, want three", all, unread, err)
	}
	for _, s := range all {
		pods, hpas := 1, map[string]int{"set": 1}[s.Service()]
		if s.Service() == "llama" {
			pods = 0
		}
		if got := s.Seen; len(got.Pods) != pods || len(got.HPAs) != hpas || pods > 0 && got.Deployment == nil {
			t.Errorf("of %s %+v is seen, want %d pods and %d HPAs", s.Service(), got, pods, hpas)
		}
	}
}

// INV-1 and INV-5.
func TestStatedWithoutPods(t *testing.T) {
	api, services := podsAndHPA(t)
	denied := &refusing{Reader: api, errs: map[string]error{"PodList": apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", nil)}}
	if all, unread, err := Stated(t.Context(), denied, "", services, true); err != nil || len(all) != 3 || len(unread) != 1 || unread[0].What != "pods are not shown" {
		t.Errorf("without the right to list pods: %+v, %v", unread, err)
	}
}

// INV-3.
func TestReadAsksOnce(t *testing.T) {
	asked := func(more ...client.Object) int {
		api := &refusing{Reader: inCluster(t, more...)}
		if _, err := Read(t.Context(), api, choice(t, "", "")); err != nil {
			t.Fatal(err)
		}
		return api.asked
	}
	var more []client.Object
	for i := range 20 {
		more = append(more, trigger(t, fmt.Sprint("more-", i), "Deployment", fmt.Sprint("d-", i), "ttft:p90:3s"))
	}
	if few, many := asked(), asked(more...); few != many {
		t.Errorf("with 20 more services it asks %d times, want %d", many, few)
	}
}
