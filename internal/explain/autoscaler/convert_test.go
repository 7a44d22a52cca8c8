package autoscaler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
	"github.com/flyball-dev/flyball/internal/score"
)

// inCluster is the guide's service as the API server gives it.
func inCluster(t *testing.T, replace ...string) *unstructured.Unstructured {
	t.Helper()
	o, err := kservetest.Service(replace...)
	if err != nil {
		t.Fatal(err)
	}
	o.SetGroupVersionKind(kserve.InferenceServiceKind)
	o.SetResourceVersion("7")
	annotations := o.GetAnnotations()
	annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
	o.SetAnnotations(annotations)
	o.Object["status"] = map[string]any{"url": "http://llama"}
	return o
}

const guideMetrics = `    autoScaling:
      metrics:
      - external:
          authenticationRef:
            authModes: basic
            authenticationRef:
              name: prom-basic-auth
          metric:
            backend: prometheus
            query: |
              sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})
            serverAddress: http://prometheus-operated.cpaas-system.svc.cluster.local:9090
          target:
            type: Value
            value: "1"
        type: External
`

const guideToday = `apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  annotations:
    serving.kserve.io/autoscalerClass: external
    serving.kserve.io/deploymentMode: RawDeployment
  name: llama
  namespace: demo
spec:
  predictor:
` + guideMetrics + `    maxReplicas: 8
    minReplicas: 1
`

const promised = `apiVersion: flyball.dev/v1alpha1
kind: InferenceAutoscaler
metadata:
  name: llama
  namespace: demo
spec:
  engine: keda
  objectives:
  - metric: ttft
    quantile: 0.95
    target: 2s
  replicas:
    max: 8
    min: 1
  targetRef:
    apiVersion: serving.kserve.io/v1beta1
    kind: InferenceService
    name: llama
`

func yamlOf(t *testing.T, all []any) string {
	t.Helper()
	var texts []string
	for _, one := range all {
		text, err := yaml.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return strings.Join(texts, "---\n")
}

// INV-9, and what is taken and added.
func TestConvert(t *testing.T) {
	service := inCluster(t)
	before := service.DeepCopy()
	c, err := Convert(service, nil, objectivesOf(t, "ttft:p95:2s"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, service); diff != "" {
		t.Errorf("what was given has changed: %s", diff)
	}
	for _, part := range []struct{ want, got string }{
		{guideToday, yamlOf(t, c.Today)},
		{strings.Replace(guideToday, guideMetrics, "", 1) + "---\n" + promised, yamlOf(t, c.Objective)},
		{`kubectl label namespace demo flyball.dev/objectives=enabled
kubectl patch inferenceservice llama -n demo --type=json -p '[{"op":"remove","path":"/spec/predictor/autoScaling"}]'
kubectl apply -f llama-objectives.yaml`, strings.Join(c.Over, "\n")},
		{"kubectl delete inferenceautoscaler llama -n demo", c.Back[0]},
	} {
		if diff := cmp.Diff(part.want, part.got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	v := view(t)
	v.InferenceAutoscaler = c.Objective[1].(*v1alpha1.InferenceAutoscaler)
	if err := kserve.Decode(&unstructured.Unstructured{Object: c.Objective[0].(map[string]any)}, v.InferenceService); err != nil {
		t.Fatal(err)
	}
	if out := v.Verdict(address); out.Apply == nil {
		t.Errorf("the manifests with objectives are refused: %+v", out.Notices)
	}
	c.goesBack(t)
}

// goesBack wants the last patch to give the service the metrics of today.
func (c Conversion) goesBack(t *testing.T) {
	t.Helper()
	text, ok := strings.CutPrefix(c.Back[len(c.Back)-1], "kubectl patch inferenceservice llama -n demo --type=merge -p '")
	var patch map[string]any
	if err := yaml.Unmarshal([]byte(strings.TrimSuffix(text, "'")), &patch); err != nil || !ok {
		t.Fatalf("Back = %q, %v", c.Back, err)
	}
	was, _, _ := unstructured.NestedMap(c.Today[0].(map[string]any), "spec", "predictor", "autoScaling")
	is, _, _ := unstructured.NestedMap(patch, "spec", "predictor", "autoScaling")
	if diff := cmp.Diff(was, is); diff != "" || len(was) == 0 {
		t.Errorf("the way back: -was +is\n%s", diff)
	}
}

// advises is an InferenceAutoscaler on a service, with a status.
func advises(t *testing.T, name, service string, engine v1alpha1.Engine) v1alpha1.InferenceAutoscaler {
	t.Helper()
	a := Unstated{Namespace: "demo", Name: name, Target: v1alpha1.TargetRef{Kind: "InferenceService", Name: service}, Min: 2, Max: 5}.Propose(objectivesOf(t, "tpot:p99:80ms"))
	a.UID, a.Spec.Engine, a.Status.Promised = "u2", engine, "99%"
	return *a
}

// INV-9, of one that advises: it is handed over with what it states, unless that is given.
func TestConvertHandsOver(t *testing.T) {
	all := []v1alpha1.InferenceAutoscaler{advises(t, "llama", "other", v1alpha1.KEDA), advises(t, "advice", "llama", v1alpha1.Advise)}
	for _, tc := range []struct{ given, states string }{{"", "tpot:p99:80ms"}, {"ttft:p95:2s", "ttft:p95:2s"}} {
		var given []score.Objective
		if tc.given != "" {
			given = objectivesOf(t, tc.given)
		}
		c, err := Convert(inCluster(t), all, given)
		if err != nil {
			t.Fatal(err)
		}
		a := c.Objective[1].(*v1alpha1.InferenceAutoscaler)
		got := fmt.Sprint(a.Name, " ", a.UID, a.Spec.Engine, " ", *a.Spec.Replicas.Min, "..", a.Spec.Replicas.Max)
		if want := "advice keda 2..5"; got != want {
			t.Errorf("Convert hands %s over, want %s", got, want)
		}
		if diff := cmp.Diff(objectivesIn(objectivesOf(t, tc.states)), a.Spec.Objectives); diff != "" {
			t.Errorf("it states: -want +got\n%s", diff)
		}
		const back = `kubectl patch inferenceautoscaler advice -n demo --type=merge -p '{"spec":{"engine":"advise","objectives":[{"metric":"tpot","quantile":0.99,"target":"80ms"}]}}'`
		if c.Back[0] != back || len(c.Today) != 2 {
			t.Errorf("Back = %q of %d manifests, want %s", c.Back, len(c.Today), back)
		}
		c.goesBack(t)
	}
	c, err := Convert(inCluster(t), all[:1], nil)
	if err != nil || c.Objective[1].(*v1alpha1.InferenceAutoscaler).Name != "llama-2" || c.File != "llama-2-objectives.yaml" {
		t.Errorf("beside one of its name: %+v, %v", c, err)
	}
}

func TestConvertRefuses(t *testing.T) {
	for want, replace := range map[string][]string{
		"InferenceService llama is of autoscaler class hpa, not in guide mode":                                                  {"autoscalerClass: external", "autoscalerClass: hpa"},
		"InferenceService llama has no spec.predictor.autoScaling.metrics, so that it is not in guide mode":                     {"metrics:", "others:"},
		"InferenceService llama is not scaled in guide mode: spec.predictor.maxReplicas: maxReplicas 8 is below minReplicas 11": {"minReplicas: 1", "minReplicas: 11"},
	} {
		if _, err := Convert(inCluster(t, replace...), nil, nil); err == nil || err.Error() != want || len(hint.Of(err)) != 1 {
			t.Errorf("Convert = %v, %q, want %q and what to do", err, hint.Of(err), want)
		}
	}
	_, err := Convert(inCluster(t), []v1alpha1.InferenceAutoscaler{advises(t, "advice", "llama", v1alpha1.Advise), advises(t, "first", "llama", v1alpha1.KEDA)}, nil)
	if err == nil || err.Error() != "InferenceAutoscaler first states objectives for InferenceService llama already" || !strings.Contains(hint.Of(err)[0], "kubectl patch inferenceservice llama") {
		t.Errorf("beside one that scales: %v, %q", err, hint.Of(err))
	}
	c, err := Convert(inCluster(t, "minReplicas: 1", "minReplicas: 0"), nil, nil)
	if err != nil || *c.Objective[1].(*v1alpha1.InferenceAutoscaler).Spec.Replicas.Min != 0 {
		t.Errorf("with a minimum of 0: %+v, %v, want it kept", c, err)
	}
}
