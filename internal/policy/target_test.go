package policy

import (
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/manifest"
)

// What scales has one target, wherever it stands, and another may take its place.
func TestTarget(t *testing.T) {
	const scaledObject = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: a, namespace: demo}
spec:
  scaleTargetRef: {name: a}
`
	const trigger = `  - type: prometheus
    metadata: {serverAddress: "http://p:9090", query: 'sum(vllm:num_requests_running{pod=~"a-.*"})', threshold: "4"}
`
	for name, c := range map[string]struct{ manifest, path, want string }{
		"threshold": {scaledObject + "  triggers:\n" + trigger, "spec.triggers[0].metadata.threshold", "12.5"},
		"formula": {scaledObject + `  advanced:
    scalingModifiers: {formula: "x / 2", target: "3"}
  triggers:
` + strings.Replace(trigger, "type: prometheus", "type: prometheus\n    name: x", 1), "spec.advanced.scalingModifiers.target", "12.5"},
		"hpa": {`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a, namespace: demo}
spec:
  scaleTargetRef: {kind: Deployment, name: a, apiVersion: apps/v1}
  maxReplicas: 3
  metrics:
  - type: Pods
    pods:
      metric: {name: "vllm:num_requests_running"}
      target: {type: AverageValue, averageValue: 2}
`, "spec.metrics[0].pods.target.averageValue", "7"},
	} {
		docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(c.manifest)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(docs, Options{Target: c.want}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := docs[0].At(c.path).Text(); got != c.want {
			t.Errorf("%s: %s is %q, want %s", name, c.path, got, c.want)
		}
	}
	two := scaledObject + "  triggers:\n" + trigger + strings.Replace(trigger, `"4"`, `"5"`, 1)
	docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(two)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(docs, Options{Target: "3"}); err == nil || !strings.Contains(err.Error(), "has 2 targets, and it is not known which of them decides: f.yaml:9: spec.triggers[0].metadata.threshold, ") {
		t.Errorf("two triggers: %v", err)
	}
}
