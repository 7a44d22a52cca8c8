package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/score"
)

const (
	promisingObject = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: demo}
spec:
  scaleTargetRef: {name: llama}
  minReplicaCount: 1
  maxReplicaCount: 3
  triggers:
  - type: external-push
    metadata: {scalerAddress: "flyball-scaler.flyball-system:9443", objectives: "tpot:p95:100ms, ttft:p95:3s"}
`
	promisingAutoscaler = `
apiVersion: flyball.dev/v1alpha1
kind: InferenceAutoscaler
metadata: {name: chat, namespace: demo}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: llama}
  replicas: {max: 3}
  objectives:
  - {metric: tpot, quantile: 0.95, target: 100ms}
  - {metric: ttft, quantile: 0.95, target: 3s}
`
	cpuHPA = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cpu, namespace: demo}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: llama}
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 500m}}}]
`
	bareService = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: demo
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: external}
spec:
  predictor:
    containers:
    - name: kserve-container
      image: vllm/vllm-openai:v0.23.0
      args: [--model=Qwen/Qwen3-14B]
      resources: {limits: {nvidia.com/gpu: "1"}}
`
)

// together are manifests in one file.
func together(texts ...string) string { return strings.Join(texts, "---") }

// edited is a text after replacements "old", "new", ….
func edited(t *testing.T, text string, replace ...string) string {
	t.Helper()
	for i := 0; i < len(replace); i += 2 {
		text = replaced(t, text, replace[i], replace[i+1])
	}
	return text
}

// The law, the bounds and the promise are the scaler's, whoever states them.
func TestReadObjectives(t *testing.T) {
	predictor := edited(t, promisingAutoscaler, "apps/v1, kind: Deployment", "serving.kserve.io/v1beta1, kind: InferenceService")
	for name, c := range map[string]struct{ text, by string }{
		"a Deployment":      {promisingObject, "ScaledObject demo/chat"},
		"a StatefulSet":     {edited(t, promisingObject, "{name: llama}", "{name: llama, kind: StatefulSet}"), "ScaledObject demo/chat"},
		"polled":            {edited(t, promisingObject, "external-push", "external"), "ScaledObject demo/chat"},
		"an autoscaler":     {promisingAutoscaler, "InferenceAutoscaler demo/chat"},
		"a service":         {together(bareService, edited(t, promisingObject, "{name: llama}", "{name: llama-predictor}")), "ScaledObject demo/chat"},
		"a service's kind":  {together(predictor, bareService), "InferenceAutoscaler demo/chat"},
		"without KEDA":      {promisingAutoscaler + "  engine: native\n", "InferenceAutoscaler demo/chat"},
		"advice alone":      {promisingAutoscaler + "  engine: advise\n", "InferenceAutoscaler demo/chat"},
		"as a cluster has":  {together(promisingAutoscaler, edited(t, promisingObject, "namespace: demo", "namespace: demo, labels: {app.kubernetes.io/managed-by: flyball-scaler}")), "InferenceAutoscaler demo/chat"},
		"KEDA's own beside": {together(promisingObject, edited(t, cpuHPA, "name: cpu, namespace", "name: keda-hpa-chat, namespace")), "ScaledObject demo/chat"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := serviceOf(c.text)
			if err != nil {
				t.Fatal(err, hint.Of(err))
			}
			bounds := law.Bounds{Min: 1, Max: 3}
			want := promise.Law{Bounds: bounds, Promise: .95, TTFT: 3 * time.Second, TPOT: 100 * time.Millisecond}
			if got.Policy.Law != want || got.Policy.Bounds != bounds || got.Min != 1 || got.Max != 3 || got.Gateway {
				t.Errorf("Read: %+v within %d..%d, want %+v", got.Policy, got.Min, got.Max, want)
			}
			if got.Promise.String() != "ttft:p95:3s, tpot:p95:100ms" || got.PromisedBy != c.by || got.By != c.by {
				t.Errorf("Read: %s is promised by %s, scaled by %s; want %s", got.Promise, got.PromisedBy, got.By, c.by)
			}
		})
	}
}

// At zero the gateway in front of an InferenceService wakes it.
func TestReadObjectivesAtZero(t *testing.T) {
	asleep := edited(t, promisingObject, "{name: llama}", "{name: llama-predictor}", "minReplicaCount: 1", "minReplicaCount: 0")
	if got, err := serviceOf(together(bareService, asleep)); err != nil || !got.Gateway || got.Min != 0 {
		t.Errorf("Read: gateway %v, minimum %d, %v", got.Gateway, got.Min, err)
	}
}

// What KEDA waits before zero is left out, and a note says so.
func TestReadCooldown(t *testing.T) {
	const cooled = ": in a cluster KEDA keeps the last replica until "
	asleep := func(fields string) string {
		return together(bareService, edited(t, promisingObject, "{name: llama}", "{name: llama-predictor}", "minReplicaCount: 1", "minReplicaCount: 0"+fields))
	}
	stated := edited(t, promisingAutoscaler, "apps/v1, kind: Deployment", "serving.kserve.io/v1beta1, kind: InferenceService", "max: 3", "min: 0, max: 3")
	for name, c := range map[string]struct{ text, want string }{
		"KEDA's own": {asleep(""), "5m0s after none is wanted (cooldownPeriod): that"},
		"given":      {asleep("\n  cooldownPeriod: 0"), "0s after none is wanted (cooldownPeriod): that"},
		"initial": {asleep("\n  cooldownPeriod: 60\n  initialCooldownPeriod: 120"),
			"1m0s after none is wanted (cooldownPeriod), and 2m0s after the ScaledObject was created (initialCooldownPeriod): that"},
		"InferenceAutoscaler": {together(bareService, stated), "5m0s after none is wanted (cooldownPeriod): that"},
		"awake":               {edited(t, promisingObject, "minReplicaCount: 1", "minReplicaCount: 1\n  cooldownPeriod: 60"), ""},
	} {
		got, err := serviceOf(c.text)
		if err != nil {
			t.Fatal(name, err, hint.Of(err))
		}
		all := strings.Join(got.Notes, "\n")
		if strings.Contains(all, cooled) != (c.want != "") || c.want != "" && !strings.Contains(all, cooled+c.want) {
			t.Errorf("%s: notes %q, want one with %q", name, all, c.want)
		}
	}
}

// The flag's objectives take the place of the manifests', and a note says so.
func TestReadOtherObjectives(t *testing.T) {
	other := objective.Promise{{Metric: score.TTFT, Quantile: .99, Target: time.Second}}
	for name, c := range map[string]struct {
		given objective.Promise
		share float64
		note  bool
	}{
		"another":          {other, .99, true},
		"the same, sorted": {objective.Promise{{Metric: score.TTFT, Quantile: .95, Target: 3 * time.Second}, {Metric: score.TPOT, Quantile: .95, Target: 100 * time.Millisecond}}, .95, false},
		"none":             {nil, .95, false},
	} {
		docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(promisingObject)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(docs, Options{Objectives: c.given})
		if err != nil {
			t.Fatal(err)
		}
		const note = "ScaledObject demo/chat: ttft:p95:3s, tpot:p95:100ms: left out: --objective has ttft:p99:1s"
		l := got.Policy.Law.(promise.Law)
		if said := strings.Contains(strings.Join(got.Notes, "\n"), note); l.Promise != c.share || said != c.note || got.Promise.Share() != .95 {
			t.Errorf("%s: promises %v, of the manifest %v, notes %q", name, l.Promise, got.Promise, got.Notes)
		}
	}
}

// What Flyball scales itself waits for no sync of an HPA.
func TestReadNative(t *testing.T) {
	for engine, want := range map[string]bool{"keda": true, "native": false} {
		got, err := serviceOf(promisingAutoscaler + "  engine: " + engine + "\n")
		if err != nil {
			t.Fatal(err, hint.Of(err))
		}
		if all := strings.Join(got.Notes, "\n"); strings.Contains(all, "KEDA and its HPA are left out") != want {
			t.Errorf("engine %s: notes %q", engine, all)
		}
	}
}

// What only advises is in nobody's way, and says what is promised.
func TestReadAdviceBeside(t *testing.T) {
	got, err := serviceOf(together(promisingAutoscaler+"  engine: advise\n", cpuHPA))
	if err != nil {
		t.Fatal(err, hint.Of(err))
	}
	if _, ok := got.Policy.Law.(hpa.Law); !ok || got.Max != 5 || got.By != "HorizontalPodAutoscaler demo/cpu" || got.PromisedBy != "InferenceAutoscaler demo/chat" {
		t.Errorf("Read: %T up to %d by %s, promised by %s", got.Policy.Law, got.Max, got.By, got.PromisedBy)
	}
	if all := strings.Join(got.Notes, "\n"); !strings.Contains(all, "InferenceAutoscaler demo/chat: left out: its engine is advise") {
		t.Errorf("notes: %s", all)
	}
}

// INV-1: in the words of the scaler and of the status of an InferenceAutoscaler.
func TestReadRefusesObjectives(t *testing.T) {
	second := edited(t, promisingObject, "name: chat", "name: again")
	another := edited(t, promisingAutoscaler, "name: chat", "name: again")
	prometheus := "  - type: prometheus\n    metadata: {serverAddress: \"http://p:9090\", threshold: \"4\", query: sum(up)}\n"
	guided := edited(t, bareService, "  predictor:\n", "  predictor:\n    autoScaling: {metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}\n")
	onService := edited(t, promisingAutoscaler, "apps/v1, kind: Deployment", "serving.kserve.io/v1beta1, kind: InferenceService")
	for name, c := range map[string]struct{ text, want string }{
		"a metric": {edited(t, promisingObject, "ttft:", "tfft:"), `ScaledObject demo/chat: spec.triggers[0].metadata.objectives: "tfft" cannot be promised | did you mean ttft?`},
		"shares": {edited(t, promisingObject, "ttft:p95", "ttft:p90"), "ScaledObject demo/chat: spec.triggers[0].metadata.objectives: objectives tpot:p95:100ms and ttft:p90:3s promise different shares of the requests: " +
			"a service has one, that of the requests that meet all | give both one quantile"},
		"a key":        {edited(t, promisingObject, "objectives:", "objective:"), "ScaledObject demo/chat: spec.triggers[0].metadata.objective: there is no such setting | did you mean objectives?"},
		"a kind":       {edited(t, promisingObject, "{name: llama}", "{name: llama, kind: Rollout}"), "ScaledObject demo/chat: spec.scaleTargetRef.kind: objectives are kept for a Deployment or a StatefulSet, and Rollout is neither | name one of these"},
		"zero":         {edited(t, promisingObject, "minReplicaCount: 1", "minReplicaCount: 0"), "ScaledObject demo/chat: spec.minReplicaCount: at 0 nothing wakes Deployment llama, which no gateway sends requests to | set it to 1 or more"},
		"bounds":       {edited(t, promisingObject, "minReplicaCount: 1", "minReplicaCount: 9"), "ScaledObject demo/chat: spec.maxReplicaCount: 3 is below minReplicaCount 9 | set it to 9 or more"},
		"shared":       {promisingObject + prometheus, "ScaledObject demo/chat: spec.triggers[0]: objectives beside another trigger are not simulated | leave the other triggers out, or the objectives"},
		"Value":        {edited(t, promisingObject, "external-push", "external-push\n    metricType: Value"), "ScaledObject demo/chat: spec.triggers[0].metricType: objectives with Value are not simulated | leave it out, or set it to AverageValue"},
		"idle":         {edited(t, promisingObject, "minReplicaCount: 1", "minReplicaCount: 1\n  idleReplicaCount: 0"), "ScaledObject demo/chat: spec.idleReplicaCount: an idle count beside objectives is not simulated | remove it"},
		"a promise":    {edited(t, promisingAutoscaler, "0.95, target: 3s", "0.9, target: 3s"), "InferenceAutoscaler demo/chat: spec.objectives: objectives tpot:p95:100ms and ttft:p90:3s promise different shares of the requests: a service has one, that of the requests that meet all | give both one quantile"},
		"no field":     {edited(t, promisingAutoscaler, "replicas:", "replica:"), "InferenceAutoscaler demo/chat: spec.replicas: is required | give it"},
		"minimum":      {edited(t, promisingAutoscaler, "max: 3", "min: 0, max: 3"), "InferenceAutoscaler demo/chat: spec.replicas.min: at 0 nothing wakes Deployment llama, which no gateway sends requests to | set it to 1 or more"},
		"maximum":      {edited(t, promisingAutoscaler, "max: 3", "min: 5, max: 3"), "InferenceAutoscaler demo/chat: spec.replicas.max: 3 replicas at most and 5 at least | give at least 1, and no less than the minimum"},
		"second":       {together(promisingObject, second), "ScaledObject demo/again: spec.scaleTargetRef: Deployment llama has its objectives from ScaledObject chat, which was first | delete one of the two: kubectl delete scaledobject again -n demo"},
		"second kind":  {together(promisingAutoscaler, another), "InferenceAutoscaler demo/again: spec.targetRef: Deployment llama has its objectives from InferenceAutoscaler chat, which was first | delete one of the two: kubectl delete inferenceautoscaler again -n demo"},
		"rival":        {together(promisingAutoscaler, cpuHPA), "InferenceAutoscaler demo/chat: spec.targetRef: Deployment llama is already scaled by HorizontalPodAutoscaler cpu, so Flyball does nothing | remove that with: kubectl delete horizontalpodautoscaler cpu -n demo"},
		"not its own":  {together(promisingAutoscaler+"  engine: native\n", edited(t, promisingObject, "namespace: demo", "namespace: demo, labels: {app.kubernetes.io/managed-by: flyball-scaler}")), "InferenceAutoscaler demo/chat: spec.targetRef: Deployment llama is already scaled by ScaledObject chat, so Flyball does nothing"},
		"guide mode":   {together(guided, onService), "InferenceAutoscaler demo/chat: spec.targetRef: InferenceService llama has spec.predictor.autoScaling.metrics, by which it is scaled | remove them to scale it by objectives: "},
		"class none":   {together(edited(t, bareService, "autoscalerClass: external", "autoscalerClass: none"), onService), "InferenceAutoscaler demo/chat: spec.targetRef: InferenceService llama is of autoscaler class none, so that KServe sets its replicas back | for objectives: kubectl annotate"},
		"hours":        {promisingAutoscaler + "  schedules: [{name: day, start: 8 am, end: 0 18 * * *, min: 2}]\n", `InferenceAutoscaler demo/chat: spec.schedules[0].start: "8 am" is no cron expression | give minute, hour, `},
		"schedules":    {promisingAutoscaler + "  schedules: [{name: day, start: 0 8 * * *, end: 0 18 * * *, min: 2}]\n", "InferenceAutoscaler demo/chat: spec.schedules[0]: other bounds at certain hours are not simulated | leave it out: replicas.min and replicas.max are taken"},
		"advised name": {together(edited(t, promisingAutoscaler, "name: llama}", "name: other}")+"  engine: advise\n", promisingObject), "InferenceAutoscaler demo/chat: metadata.name: ScaledObject chat states objectives too, and decisions are recorded under that name | give the InferenceAutoscaler another one"},
	} {
		t.Run(name, func(t *testing.T) {
			docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(c.text)})
			if err != nil {
				t.Fatal(err)
			}
			_, refused := Check(docs, Options{})
			var all []string
			for _, r := range refused {
				all = append(all, r.Error()+" | "+r.Fix)
			}
			if !strings.Contains(strings.Join(all, "\n"), c.want) {
				t.Errorf("Check refuses\n%s\nwant %s", strings.Join(all, "\n"), c.want)
			}
			if _, err := Read(docs, Options{}); err == nil {
				t.Error("Read takes it")
			}
		})
	}
}

// Objectives have no target that could be another.
func TestTargetOfObjectives(t *testing.T) {
	for _, text := range []string{promisingObject, promisingAutoscaler} {
		docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(docs, Options{Target: "4"}); err == nil || err.Error() != "demo/llama is scaled by objectives, which have no target to try" {
			t.Errorf("Read = %v", err)
		}
	}
}
