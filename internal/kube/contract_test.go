//go:build e2e

package kube

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/apply"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// everyField is an InferenceService with every field that Flyball reads; those that
// Flyball refuses stand in refusedFields.
const everyField = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: demo
  annotations:
    serving.kserve.io/autoscalerClass: external
    serving.kserve.io/deploymentMode: Standard
    flyball.dev/metric-type: AverageValue,Value,AverageValue,AverageValue
spec:
  predictor:
    annotations: {serving.kserve.io/autoscalerClass: external}
    minReplicas: 2
    maxReplicas: 9
    autoScaling:
      behavior:
        scaleUp: {selectPolicy: Min, stabilizationWindowSeconds: 5, tolerance: "0.05", policies: [{type: Pods, value: 2, periodSeconds: 30}]}
        scaleDown: {selectPolicy: Disabled}
      metrics:
      - type: External
        external:
          authenticationRef: {authModes: basic, authenticationRef: {name: prom-basic-auth}}
          metric: {backend: prometheus, query: x, serverAddress: "http://x", namespace: demo}
          target: {type: Value, value: 500m}
      - type: External
        external:
          metric: {backend: graphite, query: x, serverAddress: "http://x"}
          target: {type: AverageValue, averageValue: "2k"}
      - type: Resource
        resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}
      - type: Resource
        resource: {name: memory, target: {type: AverageValue, averageValue: 2Gi}}
`

const refusedFields = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: refused, namespace: demo}
spec:
  predictor: {workerSpec: {pipelineParallelSize: 2}}
  transformer: {autoScaling: {metrics: []}}
  explainer: {autoScaling: {metrics: []}}
`

const everyAuthentication = `
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: prom-basic-auth, namespace: demo}
spec: {secretTargetRef: [{parameter: username, name: prom-basic-auth-secret, key: username}]}
`

func read(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestContract: every field that Flyball applies or reads is in the custom resources
// that the pinned KServe and KEDA ship, which else drop it without a word.
func TestContract(t *testing.T) {
	a := startAPIServer(t)
	a.InstallCRDs(t, kubetest.KServe)
	a.InstallCRDs(t, kubetest.KEDA)
	a.Namespace(t, "demo")
	strict := client.WithFieldValidation(a.Admin, "Strict")
	service := read(t, everyField)
	for _, o := range []*unstructured.Unstructured{service, read(t, refusedFields), read(t, everyAuthentication)} {
		if err := strict.Create(t.Context(), o); err != nil {
			t.Errorf("creating %s %s strictly: %v", o.GetKind(), o.GetName(), err)
		}
	}
	applied := contractScaledObject(t, strict, service)
	conditions := []any{map[string]any{"type": "Ready", "status": "True", "reason": "r", "message": "m"}}
	applied.Object["status"] = map[string]any{"conditions": conditions, "hpaName": "keda-hpa-llama-predictor"}
	service.Object["status"] = map[string]any{
		"conditions": conditions, "deploymentMode": "Standard",
		"url": "http://llama-demo.example.com", "address": map[string]any{"url": "http://llama.demo.svc.cluster.local"},
		"components": map[string]any{"predictor": map[string]any{"url": "http://llama-predictor-demo.example.com"}},
	}
	for _, o := range []*unstructured.Unstructured{applied, service} {
		if err := strict.Status().Update(t.Context(), o); err != nil {
			t.Errorf("writing the status of %s strictly: %v", o.GetKind(), err)
		}
	}
}

// contractScaledObject maps the service and returns what the API server kept of it.
func contractScaledObject(t *testing.T, strict client.Client, service *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	s := &kserve.InferenceService{}
	if err := kserve.Decode(service, s); err != nil {
		t.Fatal(err)
	}
	so, warning, err := kserve.Map(s)
	if err != nil || warning != "" || len(so.Spec.Triggers) != 4 || so.Spec.Fallback == nil {
		t.Fatalf("Map() = %v, %q, %v, want four triggers and a fallback", so, warning, err)
	}
	applied, err := apply.Encode(so)
	if err != nil {
		t.Fatal(err)
	}
	sent := applied.DeepCopy()
	if err := strict.Create(t.Context(), applied); err != nil {
		t.Fatalf("creating the ScaledObject strictly: %v", err)
	}
	if !subset(sent.Object["spec"], applied.Object["spec"]) {
		t.Errorf("the API server kept %v of %v", applied.Object["spec"], sent.Object["spec"])
	}
	return applied
}

// subset says whether all of want is in got.
func subset(want, got any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for k := range w {
			ok = ok && subset(w[k], g[k])
		}
		return ok
	case []any:
		g, ok := got.([]any)
		ok = ok && len(g) == len(w)
		for i := range w {
			ok = ok && subset(w[i], g[i])
		}
		return ok
	case float64:
		g, ok := got.(int64)
		return ok && float64(g) == w || want == got
	}
	return want == got
}
