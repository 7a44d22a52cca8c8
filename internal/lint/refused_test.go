package lint_test

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/lint"
	"github.com/flyball-dev/flyball/internal/policy"
)

// A deployed service: an InferenceService of class external, and the Deployment that
// KServe makes of it, with these containers.
func deployed(containers string) (service, deployment string) {
	service = `apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: demo
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: external}
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 8
    autoScaling:
      metrics:
      - type: External
        external:
          metric: {backend: prometheus, serverAddress: "http://p:9090", query: 'sum(vllm:num_requests_running{namespace="demo",isvc_name="llama"})'}
          target: {type: Value, value: "16"}
`
	return service, `apiVersion: apps/v1
kind: Deployment
metadata: {name: llama-predictor, namespace: demo}
spec: {template: {spec: {terminationGracePeriodSeconds: 300, containers: ` + containers + `}}}
`
}

const (
	sidecar = `{name: istio-proxy, image: proxyv2, args: [--max-num-seqs=1, --served-model-name=proxy], ports: [{containerPort: 15001}]}`
	engine  = `{name: vllm, image: "vllm/vllm-openai:v0.32.0", args: [--model=m, --served-model-name=llama, --max-num-seqs=16, --shutdown-timeout=200], resources: {limits: {GPU: 1}}}`
)

// A podCase is what all should make of a Deployment's containers.
type podCase struct {
	containers string
	gpu        string // the resource that the engine has
	refused    string
	gpus       int
}

// INV-5: the controller, lint and simulate find the same container, and the same words
// where none can be told.
func TestContainersAlike(t *testing.T) {
	for name, c := range map[string]podCase{
		"alone":             {engine, "nvidia.com/gpu", "", 1},
		"leading sidecar":   {sidecar + ", " + engine, "nvidia.com/gpu", "", 1},
		"MIG":               {sidecar + ", " + engine, "nvidia.com/mig-1g.10gb", "a share of a GPU, nvidia.com/mig-1g.10gb, is not simulated", 1},
		"two without a GPU": {sidecar + ", " + engine, "cpu", "which of the containers istio-proxy and vllm serves is not told", 0},
	} {
		t.Run(name, func(t *testing.T) {
			service, deployment := deployed("[" + strings.ReplaceAll(c.containers, "GPU", c.gpu) + "]")
			c.controller(t, service, deployment)
			found := lint.Lint(read(t, service, deployment), lint.Options{GPUs: 7})
			c.lint(t, found)
			c.simulate(t, found, service, deployment)
		})
	}
}

// told tells whether it is known which container serves.
func (c podCase) told() bool { return !strings.HasPrefix(c.refused, "which") }

func (c podCase) controller(t *testing.T, service, deployment string) {
	t.Helper()
	var of kserve.InferenceService
	var d appsv1.Deployment
	if err := errors.Join(yaml.Unmarshal([]byte(service), &of), yaml.Unmarshal([]byte(deployment), &d)); err != nil {
		t.Fatal(err)
	}
	b := explain.Snapshot{InferenceService: of, Deployment: &d}.Backend()
	if models := strings.Join(b.Models, " "); c.told() && models != "llama" || !c.told() && !strings.Contains(b.Stuck, c.refused) {
		t.Errorf("Backend() serves %q, stuck %q; want llama, or %q", models, b.Stuck, c.refused)
	}
}

func (c podCase) lint(t *testing.T, found []lint.Finding) {
	t.Helper()
	if said(found, c.refused) != (c.refused != "") || said(found, "8 replicas with 1 GPU each, of 7") != (c.gpus > 0) {
		t.Errorf("Lint = %v, want %q and no room for 8 GPUs: %v", found, c.refused, c.gpus > 0)
	}
	if saturates := said(found, "target 16 of at most 16 running requests"); saturates != c.told() {
		t.Errorf("Lint = %v: saturates %v, want %v", found, saturates, c.told())
	}
}

func (c podCase) simulate(t *testing.T, found []lint.Finding, manifests ...string) {
	t.Helper()
	plan, err := policy.Read(read(t, manifests...), policy.Options{})
	if c.refused != "" {
		if refused := policy.All(err); len(refused) != 1 || !strings.Contains(refused[0].What, c.refused) || !said(found, refused[0].What) {
			t.Errorf("policy.Read refuses %v, lint says %v: want %q of both", err, found, c.refused)
		}
		return
	}
	if err != nil || plan.Engine.MaxNumSeqs != 16 || plan.GPUs != c.gpus {
		t.Errorf("policy.Read = %d seats, %d GPUs, %v, want 16 and %d", plan.Engine.MaxNumSeqs, plan.GPUs, err, c.gpus)
	}
}

func said(found []lint.Finding, words string) bool {
	for _, f := range found {
		if words != "" && strings.Contains(f.Found, words) {
			return true
		}
	}
	return false
}

// INV-5: whatever the controller refuses, lint and simulate refuse in its words.
func TestRefusedAlike(t *testing.T) {
	service, _ := deployed("[]")
	for name, edit := range map[string][]string{
		"a minimum of 0 with cpu": {"minReplicas: 1", "minReplicas: 0", "type: External", "type: Resource",
			"external:", "resource:", "metric: {", "name: cpu # {", `target: {type: Value, value: "16"}`, "target: {type: Utilization, averageUtilization: 80}"},
		"bounds":      {"minReplicas: 1", "minReplicas: 9"},
		"negative":    {"minReplicas: 1", "minReplicas: -1"},
		"name":        {"name: llama\n", "name: a-name-of-which-keda-makes-more-than-63-of-them\n"},
		"mode":        {"Mode: Standard", "Mode: Knative"},
		"transformer": {"  predictor:\n", "  transformer: {autoScaling: {}}\n  predictor:\n"},
		"workers":     {"    minReplicas", "    workerSpec: {pipelineParallelSize: 2}\n    minReplicas"},
		"backend":     {"backend: prometheus", "backend: datadog"},
		"no server":   {`serverAddress: "http://p:9090", `, ""},
		"no query":    {`'sum(vllm:num_requests_running{namespace="demo",isvc_name="llama"})'`, "''"},
		"tiny":        {`"16"`, `"0.0001"`},
		"zero":        {`"16"`, `"0"`},
		"no number":   {`"16"`, `"many"`},
		"no target":   {`, value: "16"`, ""},
		"two words":   {"autoscalerClass: external", `autoscalerClass: external, flyball.dev/metric-type: "Value,Value"`},
		"other word":  {"autoscalerClass: external", `autoscalerClass: external, flyball.dev/metric-type: Mean`},
		"pod metric":  {"type: External", "type: PodMetric", "external:", "podmetric:", "{backend: prometheus, serverAddress: \"http://p:9090\", ", "{backend: opentelemetry, "},
	} {
		t.Run(name, func(t *testing.T) {
			text := service
			for i := 0; i < len(edit); i += 2 {
				if !strings.Contains(text, edit[i]) {
					t.Fatalf("no %q", edit[i])
				}
				text = strings.ReplaceAll(text, edit[i], edit[i+1])
			}
			var of kserve.InferenceService
			if err := yaml.Unmarshal([]byte(text), &of); err != nil {
				t.Fatal(err)
			}
			_, _, err := kserve.Map(&of)
			var refused *kserve.Refusal
			if !errors.As(err, &refused) {
				t.Fatalf("Map = %v, want a refusal", err)
			}
			found := lint.Lint(read(t, text), lint.Options{})
			if !said(found, refused.What) {
				t.Errorf("Map refuses %q, lint says %v", refused.What, found)
			}
			_, err = policy.Read(read(t, text), policy.Options{})
			words := ""
			for _, r := range policy.All(err) {
				words += r.What + "\n"
			}
			if !strings.Contains(words, refused.What) {
				t.Errorf("Map refuses %q, policy.Read = %v with %q", refused.What, err, words)
			}
		})
	}
}

// INV-5: of a ScaledObject of the user's as well.
func TestWakeAlike(t *testing.T) {
	text := `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: a, namespace: demo}
spec:
  scaleTargetRef: {name: a}
  minReplicaCount: 0
  maxReplicaCount: 8
  triggers: [{type: cpu, metricType: AverageValue, metadata: {value: 500m}}]
`
	_, err := policy.Read(read(t, text), policy.Options{})
	if found := lint.Lint(read(t, text), lint.Options{}); !said(found, kserve.NoWake) || err == nil || !strings.Contains(err.Error(), kserve.NoWake) {
		t.Errorf("Lint = %v, policy.Read = %v; want %q", found, err, kserve.NoWake)
	}
}
