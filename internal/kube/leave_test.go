//go:build e2e

package kube

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/leave"
	"github.com/flyball-dev/flyball/internal/lossless"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// TestDrain runs the opt-in parts of config/drain against a real API server.
func TestDrain(t *testing.T) {
	a := startAPIServer(t)
	a.InstallCRDs(t, kubetest.KServe)
	folder, authority := kubetest.Serving(t)
	webhook := kubetest.FreeAddress(t)
	asked := a.controllerWith(t, Settings{
		DeletionCost: true, DrainWebhook: leave.WebhookSettings{Address: webhook, Certificates: folder},
	}, "config/drain/cost/policy.yaml", "config/drain/cost/role.yaml")
	for _, o := range kubetest.Objects(t, "config/drain/webhook/webhook.yaml") {
		call(t, o, "https://"+webhook, authority)
		a.Create(t, o)
	}
	t.Run("the shipped runtime is accepted", func(t *testing.T) { testLosslessAccepted(t, a) })
	t.Run("the webhook changes who asks", func(t *testing.T) { testDrainWebhook(t, a) })
	t.Run("the controller may write the deletion cost only", func(t *testing.T) { testCostPolicy(t, a) })
	t.Run("the least busy pod leaves first", func(t *testing.T) { testDeletionCost(t, a, asked) })
}

// call puts an address in the place of a Service, which nothing serves here.
func call(t *testing.T, o *unstructured.Unstructured, address string, authority []byte) {
	t.Helper()
	hooks, _, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil || len(hooks) != 2 {
		t.Fatalf("%d webhooks, %v, want 2", len(hooks), err)
	}
	for _, h := range hooks {
		hook, ok := h.(map[string]any)
		if !ok {
			t.Fatalf("webhook %v is no mapping", h)
		}
		path, _, err := unstructured.NestedString(hook, "clientConfig", "service", "path")
		if err != nil {
			t.Fatal(err)
		}
		hook["clientConfig"] = map[string]any{"url": address + path, "caBundle": base64.StdEncoding.EncodeToString(authority)}
	}
	if err := unstructured.SetNestedSlice(o.Object, hooks, "webhooks"); err != nil {
		t.Fatal(err)
	}
}

func testLosslessAccepted(t *testing.T, a *apiServer) {
	a.Namespace(t, "demo")
	for _, name := range []string{"runtime", "service"} {
		for _, o := range kubetest.Objects(t, "examples/lossless/"+name+".yaml") {
			if err := a.Admin.Create(t.Context(), o, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
				t.Errorf("creating %s %s: %v", o.GetKind(), o.GetName(), err)
			}
		}
	}
}

// pod is one of a service's; labels are pairs.
func (a *apiServer) pod(t *testing.T, namespace string, labels ...string) *corev1.Pod {
	t.Helper()
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "llama-", Labels: map[string]string{}}, Spec: corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64(30)), // KServe writes it
		Containers: []corev1.Container{{
			Name: vllm.ServingContainer, Image: "vllm/vllm-openai:v0.23.0", Args: []string{"--model=/mnt/models", "--port=8080"},
		}},
	}}
	for i := 0; i+1 < len(labels); i += 2 {
		p.Labels[labels[i]] = labels[i+1]
	}
	a.Create(t, p)
	return p
}

func testDrainWebhook(t *testing.T, a *apiServer) {
	a.Namespace(t, "plain")
	a.Create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "drained", Labels: map[string]string{lossless.Label: "enabled"}}})
	changed := func(namespace string, labels ...string) bool {
		t.Helper()
		return *a.pod(t, namespace, labels...).Spec.TerminationGracePeriodSeconds == 300
	}
	kubetest.Eventually(t, "a pod that asks is changed", true, func() bool { return changed("plain", kserve.ServiceLabel, "llama", lossless.Label, "enabled") })
	kubetest.Eventually(t, "a pod of a namespace that asks is changed", true, func() bool { return changed("drained", kserve.ServiceLabel, "llama") })
	for name, tc := range map[string]struct {
		namespace string
		labels    []string
		want      bool
	}{
		"asks in both ways": {"drained", []string{kserve.ServiceLabel, "llama", lossless.Label, "enabled", kserve.ComponentLabel, "predictor"}, true},
		"does not ask":      {"plain", []string{kserve.ServiceLabel, "llama"}, false},
		"does not want":     {"drained", []string{kserve.ServiceLabel, "llama", lossless.Label, "disabled"}, false},
		"no service":        {"drained", []string{lossless.Label, "enabled"}, false},
		"a transformer":     {"drained", []string{kserve.ServiceLabel, "llama", kserve.ComponentLabel, "transformer"}, false},
	} {
		if got := changed(tc.namespace, tc.labels...); got != tc.want {
			t.Errorf("%s: changed = %v, want %v", name, got, tc.want)
		}
	}
	p := a.pod(t, "plain", kserve.ServiceLabel, "llama", lossless.Label, "enabled")
	if c := p.Spec.Containers[0]; c.Args[2] != "--shutdown-timeout=30" || c.Lifecycle == nil || c.Lifecycle.PreStop.Exec.Command[2] != lossless.Script {
		t.Errorf("changed to %+v", c)
	}
}

// testCostPolicy is what RBAC alone would let through.
func testCostPolicy(t *testing.T, a *apiServer) {
	controller, err := cluster.NewClient(a.As("flyball-controller"))
	if err != nil {
		t.Fatal(err)
	}
	a.Namespace(t, "costs")
	p := a.pod(t, "costs", kserve.ServiceLabel, "llama")
	p.Annotations = map[string]string{"user": "1"}
	if err := a.Admin.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	other := a.pod(t, "costs")
	patch := func(p *corev1.Pod, kind types.PatchType, body string) error {
		return controller.Patch(t.Context(), p.DeepCopy(), client.RawPatch(kind, []byte(body)))
	}
	const cost = `"controller.kubernetes.io/pod-deletion-cost":"7"`
	tries := 0
	kubetest.Eventually(t, "the policy is in force", true, func() bool {
		tries++ // what changes nothing is allowed, and an earlier try may have been let through
		return patch(p, types.MergePatchType, fmt.Sprintf(`{"metadata":{"labels":{"try":"%d"}}}`, tries)) != nil
	})
	if err := patch(p, types.MergePatchType, `{"metadata":{"annotations":{`+cost+`}}}`); err != nil {
		t.Errorf("the deletion cost: %v", err)
	}
	if err := patch(p, types.MergePatchType, `{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":null}}}`); err != nil {
		t.Errorf("no deletion cost: %v", err)
	}
	for _, body := range []string{
		`{"metadata":{"labels":{"x":"1"}}}`,
		`{"metadata":{"labels":{"` + kserve.ServiceLabel + `":null}}}`,
		`{"metadata":{"annotations":{"x":"1"}}}`,
		`{"metadata":{"annotations":{"user":null}}}`,
		`{"metadata":{"annotations":{"user":"2",` + cost + `}}}`,
		`{"metadata":{"annotations":null}}`,
		`{"metadata":{"finalizers":["x/y"],"annotations":{` + cost + `}}}`,
		`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"x","uid":"x"}]}}`,
		`{"spec":{"activeDeadlineSeconds":1}}`,
	} {
		refusedByPolicy(t, body, patch(p, types.MergePatchType, body))
	}
	image := fmt.Sprintf(`{"metadata":{"annotations":{%s}},"spec":{"containers":[{"name":%q,"image":"evil"}]}}`, cost, vllm.ServingContainer)
	refusedByPolicy(t, "another image", patch(p, types.StrategicMergePatchType, image))
	refusedByPolicy(t, "the deletion cost of another pod", patch(other, types.MergePatchType, `{"metadata":{"annotations":{`+cost+`}}}`))
	if err := a.Admin.Patch(t.Context(), p, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"1"}}}`))); err != nil {
		t.Errorf("another user: %v, want no matter of the policy's", err)
	}
	testOtherVerbs(t, controller, p)
}

func refusedByPolicy(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "flyball-controller may only change") {
		t.Errorf("%s: %v, want a refusal by the policy", what, err)
	}
}

func testOtherVerbs(t *testing.T, controller client.Client, p *corev1.Pod) {
	fresh := p.DeepCopy()
	fresh.ResourceVersion, fresh.UID, fresh.Name = "", "", "made"
	for what, act := range map[string]func() error{
		"create": func() error { return controller.Create(t.Context(), fresh) },
		"update": func() error { return controller.Update(t.Context(), p.DeepCopy()) },
		"delete": func() error { return controller.Delete(t.Context(), p.DeepCopy()) },
		"evict":  func() error { return controller.SubResource("eviction").Create(t.Context(), p, &policyv1.Eviction{}) },
		"status": func() error {
			return controller.Status().Patch(t.Context(), p.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"status":{"phase":"Failed"}}`)))
		},
	} {
		if act() == nil {
			t.Errorf("%s: allowed", what)
		}
	}
}

// testDeletionCost goes the whole way: report, ranking, patch.
func testDeletionCost(t *testing.T, a *apiServer, asked *requests) {
	a.service(t, "ranked")
	var pods []*corev1.Pod
	for range 2 {
		p := a.pod(t, "ranked", kserve.ServiceLabel, "llama", kserve.ComponentLabel, "predictor")
		p.Status = corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		}
		if err := a.Admin.Status().Update(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		pods = append(pods, p)
	}
	g := a.reporter(t, "gateway", asked)
	g.mu.Lock()
	g.last.Services = []demand.Item{{Namespace: "ranked", Name: "llama", Work: demand.Work{InFlight: 3}, Pods: []demand.PodWork{{Name: pods[1].Name, InFlight: 3, WorkTokens: 900}}}}
	g.mu.Unlock()
	kubetest.Eventually(t, "a report is taken", http.StatusNoContent, func() int { return g.send(t) })
	kubetest.Eventually(t, "the cost of the busy pod", strconv.Itoa(10<<14), func() string {
		if err := a.Admin.Get(t.Context(), client.ObjectKeyFromObject(pods[1]), pods[1]); err != nil {
			t.Fatal(err)
		}
		return pods[1].Annotations[corev1.PodDeletionCost]
	})
	if err := a.Admin.Get(t.Context(), client.ObjectKeyFromObject(pods[0]), pods[0]); err != nil || len(pods[0].Annotations) > 0 {
		t.Errorf("the idle pod has annotations %v, %v, want none", pods[0].Annotations, err)
	}
	for _, act := range []string{"/pods list", "/pods watch", "/pods patch"} {
		if !asked.Used(act) {
			t.Errorf("the right %q is not used", act)
		}
	}
	if refused := asked.Forbidden(); len(refused) > 0 {
		t.Errorf("forbidden: %q", refused)
	}
}
