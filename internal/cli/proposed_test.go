package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// For what an HPA scales an InferenceAutoscaler is proposed: in the table, in full with -o yaml,
// and alone, to be applied, with -o manifests.
func TestAdviseProposes(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "vllm"}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "vllm/vllm-openai:v0.23.0"}}
	d.Status.ReadyReplicas = 2
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "mine"}}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "vllm"}
	h.Spec.MinReplicas, h.Spec.MaxReplicas = new(int32(2)), 6
	api := kubetest.Client(t, d, h, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "chat"}},
		advised("demo", "llama", v1alpha1.KEDA, condition(metav1.ConditionTrue, "Following", "the replicas follow")))
	const why = "Deployment vllm is scaled by HorizontalPodAutoscaler mine, between 2 and 6: an InferenceAutoscaler is proposed"
	const spec = `
  engine: advise
  objectives:
  - metric: ttft
    quantile: 0.95
    target: 2s
  replicas:
    max: 6
    min: 2
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: vllm
`
	for _, c := range []struct {
		options  adviseOptions
		out, err string
	}{
		{adviseOptions{all: true, output: "table"}, `
NAMESPACE  NAME   ENGINE  READY  ADVISED  EXPECTED  HOURS  REPLICA-HOURS  TIME  ATTAINED  WHY
chat       vllm   -       2      -        -         -      -              -     -         ` + why + `
demo       llama  keda    4      3        96%       -      -              -     -         the replicas follow
`, "hint: to see what Flyball would do for those without an ENGINE, and change nothing: flyball advise -A --objective ttft:p95:2s -o manifests > advise.yaml, " +
			"state your objectives there, and kubectl apply -f advise.yaml\n" +
			"hint: objectives are not enabled in namespace chat; an administrator can enable them with: kubectl label namespace chat flyball.dev/objectives=enabled\n"},
		{adviseOptions{all: true, output: "manifests"}, `
---
# ` + why + `.
# It changes nothing. State the objectives that you promise.
apiVersion: flyball.dev/v1alpha1
kind: InferenceAutoscaler
metadata:
  name: vllm
  namespace: chat
spec:` + spec, ""},
		{adviseOptions{namespace: "chat", name: "vllm", output: "yaml"}, `
- manifest:
    apiVersion: flyball.dev/v1alpha1
    kind: InferenceAutoscaler
    metadata:
      name: vllm
      namespace: chat
    spec:` + strings.TrimSuffix(strings.ReplaceAll(spec, "\n", "\n    "), "    ") + `  name: vllm
  namespace: chat
  ready: 2
  why: '` + strings.Replace(why, ": an", ":\n    an", 1) + `'
`, ""},
		{adviseOptions{namespace: "demo", output: "manifests"}, "", ""},
	} {
		var out, errOut bytes.Buffer
		c.options.objectives = []string{"ttft:p95:2s"}
		err := c.options.promise()
		if err == nil {
			err = showAdvice(t.Context(), &terminal.Streams{Out: &out, Err: &errOut}, api, c.options)
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{strings.TrimPrefix(c.out, "\n"), c.err}, []string{out.String(), errOut.String()}); diff != "" {
			t.Errorf("-o %s: -want +got\n%s", c.options.output, diff)
		}
	}
}

func TestAdviseObjectives(t *testing.T) {
	for text, want := range map[string]string{
		"e2e:p90:3s":   `--objective: "e2e" cannot be promised`,
		"ttft:p100:3s": "--objective: ttft:p100:3s promises every request",
		"ttft:90:3s":   `--objective: objective "ttft:90:3s": the quantile`,
	} {
		o := adviseOptions{objectives: []string{text}}
		if err := o.promise(); err == nil || !strings.HasPrefix(err.Error(), want) || len(hint.Of(err)) != 1 {
			t.Errorf("--objective %s: %v, %q, want %q and what to do", text, err, hint.Of(err), want)
		}
	}
	var o adviseOptions
	if err := o.promise(); err != nil || o.proposed.String() != "ttft:p90:3s, tpot:p90:100ms" {
		t.Errorf("without --objective: %v, %v", o.proposed, err)
	}
}
