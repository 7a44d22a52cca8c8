package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/drain"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// What the webhook adds to pods that ask for it is part of what the manifests say.
func TestLossless(t *testing.T) {
	const service = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: demo
  labels: {LABEL}
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: none}
spec:
  predictor:
    labels: {PREDICTOR}
    minReplicas: 1
    containers:
    - name: kserve-container
      image: vllm/vllm-openai:v0.23.0
      args: [--model=Qwen/Qwen3-14B, --port=8080]
      resources: {limits: {nvidia.com/gpu: "1"}}
`
	const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: llama-predictor, namespace: demo}
spec:
  selector: {matchLabels: {app: llama}}
  template:
    metadata: {labels: {app: llama, LABEL}}
    spec:
      containers:
      - name: kserve-container
        image: vllm/vllm-openai:v0.23.0
        args: [--model=Qwen/Qwen3-14B]
        resources: {limits: {nvidia.com/gpu: "1"}}
`
	const enabled, disabled = "flyball.dev/drain: enabled", "flyball.dev/drain: disabled"
	namespace := func(label string) string {
		return "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo, labels: {" + label + "}}\n---\n"
	}
	of := func(label, predictor string) string {
		return strings.NewReplacer("LABEL", label, "PREDICTOR", predictor).Replace(service)
	}
	pods := func(label string) string { return strings.ReplaceAll(deployment, "LABEL", label) }
	const isvc = "serving.kserve.io/inferenceservice: llama"
	lossless, cut := drain.Config{Settle: 15 * time.Second, Quiet: 2 * time.Second, Bound: 290 * time.Second}, drain.Config{}
	for name, test := range map[string]struct {
		text string
		want drain.Config
		note string
	}{
		"nobody asks":            {of("", ""), cut, ""},
		"the service":            {of(enabled, ""), lossless, "taken to add --shutdown-timeout, preStop, terminationGracePeriodSeconds"},
		"the predictor":          {of("", enabled), lossless, "taken to add"},
		"the predictor, not":     {of(enabled, disabled), cut, ""},
		"the namespace":          {namespace(enabled) + of("", ""), lossless, "taken to add"},
		"the namespace, later":   {namespace(enabled) + namespace("") + of("", ""), cut, ""},
		"but not the service":    {namespace(enabled) + of(disabled, ""), cut, ""},
		"another namespace":      {strings.Replace(namespace(enabled), "demo", "other", 1) + of("", ""), cut, ""},
		"an older vLLM":          {strings.Replace(of(enabled, ""), "v0.23.0", "v0.17.0", 1), drain.Config{Settle: 15 * time.Second, Quiet: 2 * time.Second, Bound: 260 * time.Second}, "may end with a loss: no --shutdown-timeout"},
		"pods of a service":      {pods(isvc + ", " + enabled), lossless, "taken to add"},
		"pods of a transformer":  {pods(isvc + ", component: transformer, " + enabled), cut, ""},
		"pods of a Deployment":   {pods(enabled), cut, ""},
		"the namespace, of pods": {namespace(enabled) + pods(isvc), lossless, "taken to add"},
	} {
		docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(test.text)})
		if err != nil {
			t.Fatal(err)
		}
		s, err := Read(docs, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		notes := strings.Join(s.Notes, "\n")
		if diff := cmp.Diff(test.want, s.Drain); diff != "" || !strings.Contains(notes, test.note) || test.note == "" && strings.Contains(notes, "flyball.dev/drain") {
			t.Errorf("%s: want a note %q, notes\n%s\n-want +got\n%s", name, test.note, notes, diff)
		}
	}
}
