package policy

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/manifest"
)

var update = flag.Bool("update", false, "write the golden files")

// dump writes a value with all that is not zero, one line each.
func dump(b *strings.Builder, indent string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		dump(b, indent, v.Elem())
	case reflect.Struct:
		b.WriteString("\n")
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "Pod" && !v.Field(i).IsZero() {
				fmt.Fprintf(b, "%s%s:", indent, f.Name)
				dump(b, indent+"  ", v.Field(i))
			}
		}
	case reflect.Slice:
		b.WriteString("\n")
		for i := range v.Len() {
			fmt.Fprintf(b, "%s-", indent)
			dump(b, indent+"  ", v.Index(i))
		}
	default:
		fmt.Fprintf(b, " %v\n", v)
	}
}

func dumped(t *testing.T, p Service) string {
	t.Helper()
	var b strings.Builder
	dump(&b, "", reflect.ValueOf(p))
	fmt.Fprintf(&b, "law: %s\nneeds: %v\n", p.Policy.Law.Name(), p.Policy.Law.Needs())
	return strings.TrimSpace(b.String()) + "\n"
}

func text(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func serviceOf(text string) (Service, error) {
	return readFiles([]manifest.File{{Name: "f.yaml", Text: []byte(text)}}, "")
}

func readFiles(files []manifest.File, name string) (Service, error) {
	docs, err := manifest.ReadAll(files)
	if err != nil {
		return Service{}, err
	}
	return Read(docs, Options{Name: name})
}

func TestRead(t *testing.T) {
	for _, name := range []string{"external", "keda-class", "hpa-class", "none-class", "scaledobject", "hpa", "deployment"} {
		t.Run(name, func(t *testing.T) {
			p, err := serviceOf(text(t, name))
			if err != nil {
				t.Fatal(err, hint.Of(err))
			}
			checkGolden(t, name, dumped(t, p))
		})
	}
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got; go test -update writes it:\n%s", diff)
	}
}

// The guide's own files, in the order of the folder: the last state is 07-service.yaml's.
func TestReadGuide(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "..", "examples", "guide", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var files []manifest.File
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, manifest.File{Name: filepath.Base(name), Text: text})
	}
	p, err := readFiles(files, "")
	if err != nil {
		t.Fatal(err, hint.Of(err))
	}
	if p.Min != 1 || p.Max != 8 || p.Engine.ModelName() != "Qwen/Qwen3-14B" || p.GPUs != 1 {
		t.Errorf("%+v", p)
	}
	checkGolden(t, "guide", dumped(t, p))
}

// INV-2: whatever is changed in a manifest changes the plan.
func TestReadFollowsTheManifest(t *testing.T) {
	given := text(t, "external")
	p, err := serviceOf(given)
	if err != nil {
		t.Fatal(err)
	}
	before := dumped(t, p)
	for _, change := range [][2]string{
		{"value: '1'", "value: '4'"},
		{"maxReplicas: 8", "maxReplicas: 2"},
		{"minReplicas: 0", "minReplicas: 1"},
		{`,namespace="demo"`, ``},
		{"stabilizationWindowSeconds: 45", "stabilizationWindowSeconds: 300"},
		{"value: 1, periodSeconds: 60", "value: 2, periodSeconds: 60"},
		{`--max_num_seqs, "64"`, `--max_num_seqs, "32"`},
		{"terminationGracePeriodSeconds: 300", "terminationGracePeriodSeconds: 60"},
		{"autoscalerClass: external", "autoscalerClass: external\n    flyball.dev/metric-type: Value"},
	} {
		p, err := serviceOf(replaced(t, given, change[0], change[1]))
		if err != nil {
			t.Errorf("%s: %v", change[1], err)
			continue
		}
		if dumped(t, p) == before {
			t.Errorf("%s → %s: the plan is the same", change[0], change[1])
		}
	}
}

func replaced(t *testing.T, text, old, with string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in the manifest", old)
	}
	return strings.Replace(text, old, with, 1)
}

const cronTrigger = "- {type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: '5'}}\n        "

// A cron trigger is one more trigger of the ScaledObject, once the begin is known.
func TestReadCron(t *testing.T) {
	docs, err := manifest.ReadAll([]manifest.File{{Name: "f.yaml", Text: []byte(replaced(t, text(t, "scaledobject"), "- type: prometheus\n          name: running", cronTrigger+"- type: prometheus\n          name: running"))}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(docs, Options{Begin: new(7 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	first := got.Policy.Law.(keda.Law).Triggers[0]
	if c := first.Clock; c == nil || c.Replicas != 5 || c.On || len(c.Turns) != 14 || c.Turns[0] != time.Hour || first.Threshold != 1 {
		t.Errorf("Read: %+v, want 5 from 1 h on", first)
	}
}

// INV-1: a refusal has its place.
func TestReadRefuses(t *testing.T) {
	const two = "\n---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: other, namespace: demo}\n" +
		"spec:\n  scaleTargetRef: {name: llama-predictor}\n  triggers: []\n"
	for _, c := range []struct{ file, old, with, want string }{
		{"external", "minReplicas: 0", "minReplcas: 0", "f.yaml:24: InferenceService demo/llama: spec.predictor.minReplcas: there is no such field | did you mean minReplicas?"},
		{"keda-class", "autoScaling:", "autoscaling:", "f.yaml:11: InferenceService llama: spec.predictor.autoscaling: there is no such field | did you mean autoScaling?"},
		{"external", "value: '1'", "value: '0'", "f.yaml:35: InferenceService demo/llama: spec.predictor.autoScaling.metrics[0].external.target.value: the target 0 is not positive | give a number above 0"},
		{"external", "backend: prometheus", "backend: graphite", `f.yaml:29: InferenceService demo/llama: spec.predictor.autoScaling.metrics[0]: "graphite" is not simulated | use prometheus or cpu, or simulate a law by name with --law`},
		{"external", "maxReplicas: 8", `maxReplicas: "8"`, `f.yaml:25: InferenceService demo/llama: spec.predictor.maxReplicas: "8" is not a whole number | write a whole number`},
		{"external", "autoscalerClass: external", "autoscalerClas: external", "f.yaml:21: InferenceService demo/llama: metadata.annotations[serving.kserve.io/autoscalerClas]: there is no such annotation | did you mean serving.kserve.io/autoscalerClass?"},
		{"external", "deploymentMode: Standard", "deploymentMode: Knative", `f.yaml:20: InferenceService demo/llama: metadata.annotations[serving.kserve.io/deploymentMode]: mode "Knative" has no Deployment to scale | create the service with RawDeployment (now called Standard)`},
		{"external", "deploymentMode: Standard", "stop: 'true'", "f.yaml:20: InferenceService demo/llama: metadata.annotations[serving.kserve.io/stop]: a stopped service has nothing to simulate | remove it"},
		{"external", `-tp, "2"`, `-tp, "4"`, "f.yaml:43: InferenceService demo/llama: spec.predictor.model.args[2]: --tensor-parallel-size is 4, and a replica has 2 GPUs | set both to the same number"},
		{"external", "--max-num-seqs=256", "--pipeline-parallel-size=2", "f.yaml:9: ServingRuntime demo/vllm: spec.containers[0].args[3]: --pipeline-parallel-size 2 is not simulated: a replica of several engines or nodes is not simulated | set it to 1, or go on as if it were not there: --ignore-argument pipeline-parallel-size"},
		{"external", "hf://Qwen/Qwen3-14B", "hf://Qwen/Qwen3-14B" + two, "f.yaml:50: ScaledObject demo/other: spec.scaleTargetRef: two autoscalers of one Deployment: ScaledObject demo/llama-predictor, which Flyball makes, and this one | remove one of the two"},
		{"external", "kind: ServingRuntime", "kind: LimitRange", "f.yaml:2: LimitRange demo/vllm: kind: whether it changes how a service scales is not known here | leave it out if it has no part in scaling"},
		{"external", "v1beta1", "v1alpha2", `f.yaml:14: InferenceService demo/llama: apiVersion: version "v1alpha2" of InferenceService is not read | write serving.kserve.io/v1beta1`},
		{"external", "minReplicas: 0", "minReplicas: 0\n    minReplicas: 1", "reading f.yaml: unmarshal errors:\n  line 25: mapping key \"minReplicas\" already defined at line 24 | it must be YAML or JSON as kubectl takes it"},
		{"external", "minReplicas: 0", "minReplicas: {{ .min }}", "reading f.yaml: invalid map key: map[string]interface {}{\".min\":interface {}(nil)} | it looks like a template; render it first: helm template …, and give what that prints with -f -"},
		{"scaledobject", "type: prometheus", "type: kafka", `f.yaml:32: ScaledObject serving/chat: spec.triggers[0].type: "kafka" is not simulated | use prometheus or cpu, or simulate a law by name with --law`},
		{"scaledobject", "- type: prometheus\n          name: running", cronTrigger + "- type: prometheus\n          name: running", "f.yaml:32: ScaledObject serving/chat: spec.triggers[0].metadata.start: whether a workload has these hours is not known | tell flyball simulate when it begins, in UTC: --begin 'mon 08:00'"},
		{"scaledobject", "- type: prometheus\n          name: running", strings.Replace(cronTrigger, "start", "starts", 1) + "- type: prometheus\n          name: running", "f.yaml:32: ScaledObject serving/chat: spec.triggers[0].metadata.starts: KEDA's cron trigger has no such setting | did you mean start?"},
		{"scaledobject", `threshold: "2.5"`, "threshold: 2.5", `f.yaml:39: ScaledObject serving/chat: spec.triggers[1].metadata.threshold: "2.5" is not text | quote it: '2.5'`},
		{"scaledobject", `threshold: "2.5"`, `thresold: "2.5"`, "f.yaml:39: ScaledObject serving/chat: spec.triggers[1].metadata.thresold: KEDA's prometheus trigger has no such setting | did you mean threshold?"},
		{"scaledobject", `threshold: "2.5"`, `threshold: "500m"`, `f.yaml:39: ScaledObject serving/chat: spec.triggers[1].metadata.threshold: KEDA cannot read "500m" | write a plain number such as '4' or '0.5'`},
		{"scaledobject", "running + 2 * waiting", "running + 2 * queued", "f.yaml:21: ScaledObject serving/chat: spec.advanced.scalingModifiers.formula: unknown name queued (1:21) | correct it; the names in it must be those of triggers"},
		{"scaledobject", "running + 2 * waiting", "running + now().Unix()", "f.yaml:21: ScaledObject serving/chat: spec.advanced.scalingModifiers.formula: unknown name now (1:17) | correct it; the names in it must be those of triggers"},
		{"scaledobject", `paused: "false"`, `paused: "true"`, "f.yaml:9: ScaledObject serving/chat: metadata.annotations[autoscaling.keda.sh/paused]: a paused autoscaler does not scale | remove it"},
		{"scaledobject", "idleReplicaCount: 0", "idleReplicaCount: 2", "f.yaml:15: ScaledObject serving/chat: spec.idleReplicaCount: it must be less than minReplicaCount | set it below minReplicaCount"},
		{"scaledobject", "behavior: currentReplicasIfHigher", "behavior: keep", `f.yaml:18: ScaledObject serving/chat: spec.fallback.behavior: "keep" is none of static, currentReplicas, currentReplicasIfHigher, currentReplicasIfLower, scalingModifiers | use one of these`},
		{"scaledobject", "{name: chat-vllm}", "{name: chat-vllm, kind: StatefulSet}", `f.yaml:11: ScaledObject serving/chat: spec.scaleTargetRef.kind: "StatefulSet" is not simulated | simulate a Deployment, or a law by name with --law`},
		{"scaledobject", ", --tensor-parallel-size=4", "", "f.yaml:48: Deployment serving/chat-vllm: spec.template.spec: a replica has 4 GPUs, and without --tensor-parallel-size vLLM uses one of them | add --tensor-parallel-size=4, or ask for one GPU"},
		{"scaledobject", "vllm-openai", "vllm-openai:v0.6.3", "f.yaml:52: Deployment serving/chat-vllm: spec.template.spec.containers[0].image: vLLM 0.6 of image vllm/vllm-openai:v0.6.3 has another scheduler, which is not simulated | take an image of vLLM 0.8 or later"},
		{"hpa", "minReplicas: 2", "minReplicas: 0", "f.yaml:32: HorizontalPodAutoscaler serving/chat: spec.minReplicas: to scale to 0 an HPA needs the gate HPAScaleToZero, which Kubernetes 1.36 has off | set it to 1, or use KEDA"},
		{"hpa", "name: cpu", "name: memory", "f.yaml:38: HorizontalPodAutoscaler serving/chat: spec.metrics[0].resource.name: the memory of a vLLM does not follow its load, and is not simulated | remove it, or use a Prometheus query"},
		{"hpa", "vllm_num_requests_running", "requests_per_second", `f.yaml:40: HorizontalPodAutoscaler serving/chat: spec.metrics[1].pods.metric.name: what an adapter makes of "requests_per_second" is in no manifest | use vllm:num_requests_running, vllm:num_requests_waiting or vllm:kv_cache_usage_perc, or a ScaledObject with a query`},
		{"hpa", "type: Pods", "type: Object", "f.yaml:39: HorizontalPodAutoscaler serving/chat: spec.metrics[1].type: Object is not simulated | use Resource, Pods or External, or a ScaledObject with a query"},
		{"keda-class", `value: "4"`, `value: 500m`, `f.yaml:19: InferenceService llama: spec.predictor.autoScaling.metrics[0].external.target.value: KEDA cannot read "500m" | write a plain number such as '4' or '0.5'`},
		{"keda-class", "type: External", "type: PodMetric", "f.yaml:13: InferenceService llama: spec.predictor.autoScaling.metrics[0].type: PodMetric is not simulated | use an External metric with a Prometheus query"},
		{"hpa-class", "RawDeployment", "''", "f.yaml:6: InferenceService demo/llama: metadata.annotations[serving.kserve.io/deploymentMode]: without it KServe's own setting counts, which as shipped is Knative, and Knative is simulated only by name: --law kpa | set it to Standard"},
		{"none-class", "autoscalerClass: none", "autoscalerClass: never", `f.yaml:6: InferenceService demo/llama: metadata.annotations[serving.kserve.io/autoscalerClass]: KServe knows no class "never" | use external, keda, hpa or none`},
	} {
		_, err := serviceOf(replaced(t, text(t, c.file), c.old, c.with))
		if err == nil {
			t.Errorf("%s: %q is taken", c.file, c.with)
			continue
		}
		if got := err.Error() + " | " + strings.Join(hint.Of(err), "; "); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.file, c.with, got, c.want)
		}
	}
}

func TestReadChooses(t *testing.T) {
	one := text(t, "external")
	files := []manifest.File{
		{Name: "a.yaml", Text: []byte(one)},
		{Name: "b.yaml", Text: []byte(strings.NewReplacer("name: llama", "name: qwen", "maxReplicas: 8", "maxReplicas: 3").Replace(one))},
		{Name: "c.yaml", Text: []byte(text(t, "hpa"))},
	}
	for name, want := range map[string]int{"llama": 8, "demo/qwen": 3, "serving/chat": 10, "qwen-predictor": 3, "router": 1} {
		p, err := readFiles(files, name)
		if err != nil || p.Max != want {
			t.Errorf("%s: maximum %d, %v; want %d", name, p.Max, err, want)
		}
	}
	for name, want := range map[string]string{
		"":     "3 services in the manifests, and one is simulated at a time",
		"mist": `no service "mist" in the manifests`,
	} {
		if _, err := readFiles(files, name); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
	if _, err := readFiles([]manifest.File{{Name: "n.yaml", Text: []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}")}}, ""); err == nil {
		t.Error("a namespace is simulated")
	}
}

// What kubectl get prints: the object that a controller made is not a second autoscaler.
func TestReadOfACluster(t *testing.T) {
	given := text(t, "scaledobject") + `
  - apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata:
      name: keda-hpa-chat
      namespace: serving
      ownerReferences: [{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: chat, uid: u, controller: true}]
    spec: {scaleTargetRef: {kind: Deployment, name: chat-vllm}, maxReplicas: 12}
`
	p, err := serviceOf(given)
	if err != nil {
		t.Fatal(err, hint.Of(err))
	}
	if want := "HorizontalPodAutoscaler serving/keda-hpa-chat: left out: ScaledObject serving/chat makes it"; p.Notes[0] != want {
		t.Errorf("%q, want %q", p.Notes[0], want)
	}
}
