package overview

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

func runs(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}}}
}

func deployment(name, image string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name}}
	d.Spec.Template, d.Status.ReadyReplicas = runs(image), 2
	return d
}

func hpa(namespace, name, kind, target string) *autoscalingv2.HorizontalPodAutoscaler {
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: kind, Name: target}
	h.Spec.MinReplicas, h.Spec.MaxReplicas = new(int32(2)), 6
	return h
}

// scaled has, beside what inCluster has, workloads that guide mode, an HPA and KEDA scale.
func scaled(t *testing.T, more ...client.Object) client.Reader {
	t.Helper()
	const engine = "vllm/vllm-openai:v0.23.0"
	byKEDA := &kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "theirs"}}
	byKEDA.Spec = kserve.ScaledObjectSpec{ScaleTargetRef: kserve.ScaleTarget{Name: "by-keda"}, MaxReplicaCount: new(int32(7)), Triggers: []kserve.Trigger{{Type: "prometheus"}}}
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "by-hpa"}}
	set.Spec.Template = runs(engine)
	return inCluster(t, append(more,
		deployment("guide-predictor", engine), deployment("by-keda", engine), kubetest.Untyped(t, kserve.ScaledObjectKind, byKEDA),
		hpa("demo", "keda-hpa-theirs", "Deployment", "by-keda"),
		set, hpa("chat", "mine", "StatefulSet", "by-hpa"), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "chat"}},
		deployment("web", "nginx"), hpa("demo", "web", "Deployment", "web"), hpa("demo", "gone", "Deployment", "gone"), hpa("demo", "odd", "ReplicaSet", "odd"),
		deployment("llama-predictor", engine), hpa("demo", "keda-hpa-chat", "Deployment", "llama-predictor"),
		hpa("demo", "keda-hpa-of-set", "StatefulSet", "set"),
	)...)
}

// INV-4.
func TestFindUnstated(t *testing.T) {
	none := &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "any"}}
	denied := apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, "", nil)
	const (
		set   = "chat/by-hpa StatefulSet by HorizontalPodAutoscaler mine 2-6 disabled\n"
		keda  = "demo/by-keda Deployment by ScaledObject theirs 0-7\n"
		guide = "demo/guide InferenceService by guide mode 1-8\n"
		says  = "services without an InferenceAutoscaler are not shown\n"
	)
	for what, c := range map[string]struct {
		namespace string
		errs      map[string]error
		want      string
	}{
		"all":                 {"", nil, set + keda + guide},
		"a namespace":         {"demo", nil, keda + guide},
		"no KServe":           {"chat", map[string]error{"InferenceService": none}, set},
		"no KEDA":             {"chat", map[string]error{"ScaledObject": none}, set},
		"ScaledObjects":       {"", map[string]error{"ScaledObject": denied}, says},
		"HPAs":                {"", map[string]error{"HorizontalPodAutoscaler": denied}, says},
		"InferenceServices":   {"", map[string]error{"InferenceService": denied}, says},
		"Deployments":         {"", map[string]error{"Deployment": denied}, says},
		"InferenceAutoscaler": {"", map[string]error{"InferenceAutoscaler": denied}, says},
		"namespaces": {"chat", map[string]error{"Namespace": denied},
			"chat/by-hpa StatefulSet by HorizontalPodAutoscaler mine 2-6\nwhether objectives are enabled is not known\n"},
	} {
		all, unread, err := FindUnstated(t.Context(), &refusing{Reader: scaled(t), errs: c.errs}, c.namespace)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		got := ""
		for _, u := range all {
			got += fmt.Sprintf("%s/%s %s by %s %d-%d", u.Namespace, u.Name, u.Target.Kind, u.By, u.Min, u.Max)
			if u.Disabled {
				got += " disabled"
			}
			got += "\n"
		}
		for _, u := range unread {
			got += u.What + "\n"
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", what, diff)
		}
	}
	slow := &refusing{Reader: scaled(t), errs: map[string]error{"HorizontalPodAutoscaler": apierrors.NewTimeoutError("slow", 1)}}
	if _, _, err := FindUnstated(t.Context(), slow, ""); err == nil {
		t.Error("what could not be read is left out, want an error")
	}
}

// INV-3, of this reading too, and what has the name of a target already gets no second one.
func TestFindUnstatedOnce(t *testing.T) {
	asked := func(more ...client.Object) int {
		api := &refusing{Reader: scaled(t, more...)}
		all, _, err := FindUnstated(t.Context(), api, "")
		if err != nil || len(all) != 3+len(more)/2 {
			t.Fatalf("%d found, %v", len(all), err)
		}
		return api.asked
	}
	var more []client.Object
	for i := range 20 {
		name := fmt.Sprint("d-", i)
		more = append(more, deployment(name, "vllm/vllm-openai"), hpa("demo", name, "Deployment", name))
	}
	if few, many := asked(), asked(more...); few != many {
		t.Errorf("with 20 more services it asks %d times, want %d", many, few)
	}
	all, _, err := FindUnstated(t.Context(), scaled(t, deployment("chat", "vllm/vllm-openai"), hpa("demo", "chat", "Deployment", "chat")), "demo")
	if err != nil || len(all) != 3 || all[1].Target.Name != "chat" || all[1].Name != "chat-2" {
		t.Errorf("found %+v, %v, want chat to be called chat-2 beside the InferenceAutoscaler chat", all, err)
	}
}
