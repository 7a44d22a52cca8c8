package lint_test

import (
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/lint"
)

const scaledPredictor = `---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: mine, namespace: demo}
spec:
  scaleTargetRef: {name: llama-predictor}
  triggers: [{type: cron, metadata: {desiredReplicas: "3"}}]
`

// Each rule on owners, counts and forms beyond its example.
func TestOwnerRules(t *testing.T) {
	gpus := func(n int) func(*lint.Options) { return func(o *lint.Options) { o.GPUs = n } }
	noMetrics := []string{"    autoScaling:\n", "    other:\n"}
	for rule, cases := range map[string][]variant{
		"no-autoscaler": {
			{false, "no-room", noMetrics, scaledPredictor, nil},
			{true, "no-room", noMetrics, "", nil},
		},
		"class-drops-metrics": {
			{true, "no-room", []string{external, "autoscalerClass: hpa"}, "", nil},
			{true, "no-room", []string{"    serving.kserve.io/" + external + "\n", ""}, "", nil},
			{false, "no-room", []string{external, "autoscalerClass: keda"}, "", nil},
		},
		"class-change": {
			{true, "class-change", []string{"autoscalerClass: keda", "autoscalerClass: hpa", external, "autoscalerClass: keda"}, "", nil},
			{false, "class-change", []string{"autoscalerClass: keda", "autoscalerClass: hpa"}, "", nil},
		},
		"leftover-autoscaler": {
			{true, "leftover-autoscaler", []string{"autoscalerClass: keda", "autoscalerClass: hpa"}, "", nil},
			{true, "no-room", []string{external, "autoscalerClass: none"}, scaledPredictor, nil},
			{false, "no-room", nil, scaledPredictor, nil},
			{false, "leftover-autoscaler", []string{"autoscalerClass: keda", external, "  ownerReferences:", "  labels: {app.kubernetes.io/managed-by: flyball}\n  ownerReferences:"}, "", nil},
		},
		"two-autoscalers": {
			{true, "no-room", nil, scaledPredictor, nil},
			{true, "no-room", append(noMetrics, external, "autoscalerClass: hpa"), scaledPredictor, nil},
			{false, "no-room", append(noMetrics, "deploymentMode: Standard", "deploymentMode: Serverless", external, "autoscalerClass: hpa"), scaledPredictor, nil},
			{false, "query-syntax", nil, hpa, nil},
			{false, "no-room", noMetrics, scaledPredictor, nil},
			{false, "cut-at-shutdown", []string{"namespace: demo", "namespace: a"}, hpa, nil},
			{false, "class-change", nil, "", nil},
			{true, "query-syntax", []string{"    name: llama\n", "    kind: StatefulSet\n    name: llama\n"}, strings.NewReplacer("keda-hpa-llama", "mine", "Deployment", "StatefulSet").Replace(hpa), nil},
		},
		"behavior-dropped": {{true, "behavior-dropped", []string{external, "autoscalerClass: hpa"}, "", nil}},
		"no-room": {
			{true, "no-room", []string{"maxReplicas: 8", "maxReplicas: 1"}, "", nil},
			{true, "no-room", []string{"maxReplicas: 8", "maxReplicas: 0"}, "", nil},
			{true, "query-syntax", []string{"maxReplicaCount: 8", "maxReplicaCount: 1"}, "", nil},
			{false, "query-syntax", []string{"  maxReplicaCount: 8\n", ""}, "", nil},
			{false, "no-autoscaler", []string{external, "autoscalerClass: none"}, "", nil},
		},
		"bounds": {
			{true, "no-room", []string{"minReplicas: 1", "minReplicas: 9"}, "", nil},
			{true, "no-room", []string{"minReplicas: 1", "minReplicas: -1"}, "", nil},
			{true, "no-room", []string{"maxReplicas: 8", "maxReplicas: -8"}, "", nil},
			{false, "no-room", []string{"maxReplicas: 8", "maxReplicas: 0", "minReplicas: 1", "minReplicas: 4"}, "", nil},
		},
		"max-above-gpus": {
			{true, "query-syntax", nil, "", gpus(7)},
			{true, "cut-at-shutdown", nil, "", gpus(15)},
			{false, "cut-at-shutdown", nil, "", gpus(16)},
			{false, "cut-at-shutdown", nil, "", nil},
		},
		"name-too-long": {
			{true, "query-syntax", []string{"metadata:\n  name: llama", "metadata:\n  name: a-scaled-object-whose-name-has-as-many-as-55-characters"}, "", nil},
			{true, "zero-is-one", []string{"name: llama", "name: a-service-whose-name-is-as-long-as-49-characters1"}, "", nil},
			{false, "zero-is-one", []string{"name: llama", "name: a-service-whose-name-has-only-48-characters-in-i"}, "", nil},
			{false, "query-syntax", []string{"metadata:\n  name: llama", "metadata:\n  name: a-scaled-object-whose-name-has-only-54-characters-in-i"}, "", nil},
		},
		"placeholder": {
			{true, "query-syntax", []string{"namespace: demo", "namespace: ${NAMESPACE}"}, "", nil},
			{false, "query-syntax", query("sum(x) < 4 > 2"), "", nil},
		},
		"metadata-not-text": {{true, "query-syntax", []string{`"false"`, "false"}, "", nil}},
		"unknown-field": {
			{true, "query-syntax", []string{"minReplicaCount", "minReplicas"}, "", nil},
			{true, "no-room", []string{"autoScaling:", "autoscaling:"}, "", nil},
			{true, "no-room", []string{"spec:\n", "spec:\n  autoScaling: {}\n"}, "", nil},
			{true, "cut-at-shutdown", []string{"minReplicas", "minReplicaCount"}, "", nil},
			{false, "cut-at-shutdown", nil, "", nil},
		},
	} {
		t.Run(rule, func(t *testing.T) { tryCases(t, rule, cases) })
	}
}

// A ScaledObject whose trigger states objectives is right beside a service of class external
// without metrics, and a second autoscaler beside one with; what is wrong with objectives is
// said in the words in which the scaler refuses it.
func TestObjectives(t *testing.T) {
	read1 := func(id string) string { r, _ := lint.Find(id); return r.Good() }
	scaled := strings.NewReplacer("name: llama\n  minReplicaCount", "name: llama-predictor\n  minReplicaCount").Replace(read1("objective-window"))
	const service = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: demo
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: external}
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 8
    model: {modelFormat: {name: huggingface}, storageUri: "hf://Qwen/Qwen3-14B"}
`
	bad := func(id string) string { r, _ := lint.Find(id); return r.Bad() }
	llm, unnamed := bad("objective-llm"), bad("objective-class")
	likePredictor := strings.NewReplacer("name: llama", "name: llama-predictor", "VERSION", "v0.11.0").Replace(serving)
	guide := strings.Replace(service, "    model:", `    autoScaling: {metrics: [{type: External, external: {metric: {backend: prometheus, serverAddress: "http://p:9090",
      query: 'sum(vllm:num_requests_running{namespace="demo",isvc_name="llama"})'}, target: {type: Value, value: "16"},
      authenticationRef: {authenticationRef: {name: prometheus}, authModes: basic}}}]}
    model:`, 1)
	for name, c := range map[string]struct {
		manifests []string
		want      string // rule and what it found; "" where it must be silent
	}{
		"beside class external":          {[]string{service, scaled}, ""},
		"beside class external, metrics": {[]string{guide, scaled}, "two-autoscalers: spec.scaleTargetRef: InferenceService llama has spec.predictor.autoScaling.metrics, by which it is scaled"},
		"unknown key":                    {[]string{strings.Replace(scaled, "objectives:", "objective:", 1)}, "refused: spec.triggers[0].metadata.objective: there is no such setting"},
		"two shares":                     {[]string{strings.Replace(scaled, "tpot:p90", "tpot:p99", 1)}, "refused: spec.triggers[0].metadata.objectives: objectives ttft:p90:3s and tpot:p99:100ms promise different shares"},
		"asleep, a Deployment":           {[]string{strings.NewReplacer("llama-predictor", "llama", "minReplicaCount: 1", "minReplicaCount: 0").Replace(scaled)}, "zero-no-wake: spec.minReplicaCount: at 0 nothing wakes Deployment llama, which no gateway sends requests to"},
		"asleep by KEDA's default":       {[]string{strings.NewReplacer("llama-predictor", "llama", "  minReplicaCount: 1\n", "").Replace(scaled)}, "zero-no-wake: spec.minReplicaCount: at 0 nothing wakes Deployment llama"},
		"asleep, an InferenceService":    {[]string{service, strings.Replace(scaled, "minReplicaCount: 1", "minReplicaCount: 0", 1)}, ""},
		"asleep, perhaps one's":          {[]string{strings.Replace(scaled, "minReplicaCount: 1", "minReplicaCount: 0", 1)}, ""},
		"asleep, a Deployment like one":  {[]string{strings.Replace(scaled, "minReplicaCount: 1", "minReplicaCount: 0", 1), likePredictor}, "zero-no-wake: spec.minReplicaCount: at 0 nothing wakes Deployment llama-predictor"},
		"later KServe's shape":           {[]string{strings.Replace(llm, "tpot:p90", "tpot:p99", 1)}, "refused: spec.scaling.keda.triggers[0].metadata.objectives: objectives ttft:p90:3s and tpot:p99:100ms promise different shares"},
		"another's in later KServe":      {[]string{strings.NewReplacer("objectives: ttft:p90:3s, tpot:p90:100ms", "hosts: llama", "flyball-scaler.flyball-system", "scaler.other").Replace(llm)}, ""},
		"polled, in an InferenceService": {[]string{strings.Replace(unnamed, "external-push", "external", 1)}, `objective-class: spec.predictor.autoScaling.metrics[0].external.metric.backend: "external" is none of prometheus, graphite`},
		"another scaler's":               {[]string{strings.NewReplacer("objectives: ttft:p90:3s, tpot:p90:100ms", "hosts: llama", "flyball-scaler.flyball-system", "scaler.other").Replace(scaled)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var found []string
			for _, f := range lint.Lint(read(t, c.manifests...), lint.Default()) {
				if f.Severity == lint.Error {
					found = append(found, f.Rule+": "+f.Found)
				}
			}
			text := strings.Join(found, "\n")
			if c.want == "" && text != "" || !strings.Contains(text, c.want) {
				t.Errorf("Lint() = %s, want %q", text, c.want)
			}
		})
	}
}
