package simulate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// scaledBy is a ScaledObject with one query.
func scaledBy(query string) string {
	return fmt.Sprintf(`
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llama-predictor, namespace: demo}
spec:
  scaleTargetRef: {name: llama-predictor}
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
  - type: prometheus
    metadata: {serverAddress: "http://prometheus:9090", threshold: "4", query: '%s'}
`, query)
}

func inputsOf(tb testing.TB, text string) (Inputs, Load) {
	tb.Helper()
	docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(text)})
	if err != nil {
		tb.Fatal(err)
	}
	plan, err := policy.Read(docs, policy.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	profiles, err := plant.Profiles()
	if err != nil {
		tb.Fatal(err)
	}
	w, err := workload.Find("poisson:rate=4,duration=5m,input=800,output=150", nil)
	if err != nil {
		tb.Fatal(err)
	}
	objective := score.Objective{Metric: score.TTFT, Quantile: .9, Target: 3 * time.Second}
	return Inputs{Plan: &plan, Profiles: profiles}, Load{Workload: w, Objectives: []score.Objective{objective}}
}

func compare(tb testing.TB, in Inputs, l Load) (*Comparison, error) {
	tb.Helper()
	f, err := in.Scenario(l)
	if err != nil {
		tb.Fatal(err)
	}
	return in.Compare(tb.Context(), f)
}

// INV-1.
func TestSameRows(t *testing.T) {
	rows := func() []Row {
		in, load := inputsOf(t, scaledBy(`sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`))
		in.Laws = []string{"hpa", "static:n=2"}
		c, err := compare(t, in, load)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(t.Context(), 2, func() {}); err != nil {
			t.Fatal(err)
		}
		return c.Rows()
	}
	many := rows()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if diff := cmp.Diff(many, rows()); diff != "" {
		t.Errorf("on one core other rows (-many +one):\n%s", diff)
	}
	if many[0].Excess == nil || many[2].Excess != nil {
		t.Errorf("excess %v of a law and %v of hindsight", many[0].Excess, many[2].Excess)
	}
}

// INV-2: what a query without a namespace reads more of.
func TestNeighbours(t *testing.T) {
	for query, want := range map[string]string{
		`sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`: "",
		`sum(vllm:num_requests_running{isvc_name="llama"})`:                  "reads other services too, here one of the same load with {isvc_name=\"llama\",",
		`sum(vllm:num_requests_running{isvc_name="alpaca"})`:                 "reads no series of this service",
	} {
		in, load := inputsOf(t, scaledBy(query))
		c, err := compare(t, in, load)
		if err != nil {
			t.Fatal(err)
		}
		notes, err := c.Notes()
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(notes, "\n")
		if !strings.Contains(all, want) || want == "" && strings.Contains(all, " reads ") {
			t.Errorf("%s: want a note %q in\n%s", query, want, all)
		}
	}
}

// What the engine's arguments switch off is off.
func TestSwitches(t *testing.T) {
	in, load := inputsOf(t, scaledBy("sum(vllm:num_requests_running{namespace=\"demo\"})")+`---
apiVersion: apps/v1
kind: Deployment
metadata: {name: llama-predictor, namespace: demo}
spec:
  selector: {matchLabels: {app: llama}}
  template:
    metadata: {labels: {app: llama}}
    spec:
      containers:
      - name: kserve-container
        image: vllm/vllm-openai:v0.23.0
        args: [--model=Qwen/Qwen3-14B, --no-async-scheduling, --no-enable-prefix-caching]
        resources: {limits: {nvidia.com/gpu: "1"}}
`)
	c, err := compare(t, in, load)
	if err != nil {
		t.Fatal(err)
	}
	if e := c.Setup.Fleet.Engine; e.AsyncScheduling || e.PrefixCaching {
		t.Errorf("asynchronous scheduling %v and prefix caching %v, both are switched off", e.AsyncScheduling, e.PrefixCaching)
	}
}

// INV-3: also where the query stands in a manifest.
func TestUnknownMetric(t *testing.T) {
	in, load := inputsOf(t, scaledBy(`sum(nv_inference_count{isvc_name="llama"})`))
	c, err := compare(t, in, load)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context(), 1, func() {}); err == nil || !strings.Contains(err.Error(), "nv_inference_count, which a simulated vLLM does not have") {
		t.Errorf("Run = %v", err)
	}
}

// waiting is a law that does not decide before it may.
type waiting struct{ until chan struct{} }

func (w waiting) Name() string            { return "waiting" }
func (w waiting) Needs() []reading.Signal { return nil }
func (w waiting) Step(_ law.State, in law.Input) (law.State, law.Output) {
	<-w.until
	return nil, in.Start(time.Hour)
}

// wakes is a service of class external that may be at zero, with a query and these
// further metrics.
func wakes(further string) string {
	return `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: demo
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: external}
spec:
  predictor:
    minReplicas: 0
    maxReplicas: 4
    containers:
    - name: kserve-container
      image: vllm/vllm-openai:v0.23.0
      args: [--model=Qwen/Qwen3-14B]
      resources: {requests: {cpu: "1"}, limits: {nvidia.com/gpu: "1"}}
    autoScaling:
      metrics:
      - type: External
        external:
          metric: {backend: prometheus, serverAddress: "http://prometheus:9090", query: 'sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})'}
          target: {type: Value, value: "8"}
` + further
}

// A service at zero is woken by what its gateways hold, whatever metrics it has besides:
// as the notes say, and as the controller does.
func TestWakesWithCPU(t *testing.T) {
	for name, further := range map[string]string{
		"a query": "",
		"a query and cpu": `
      - type: Resource
        resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}
`,
	} {
		in, load := inputsOf(t, wakes(further))
		c, err := compare(t, in, load)
		if err != nil {
			t.Fatal(err)
		}
		notes, err := c.Notes()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(t.Context(), 1, func() {}); err != nil {
			t.Fatal(err)
		}
		r := c.Contenders[0].Results[0]
		if r.Aborted > 0 || r.AverageReplicas == 0 || !strings.Contains(strings.Join(notes, "\n"), "to hold its requests and to wake it") {
			t.Errorf("%s: %d of %d requests aborted, %v replicas on average; want all answered, as the notes say:\n%s",
				name, r.Aborted, r.Requests, r.AverageReplicas, strings.Join(notes, "\n"))
		}
	}
}

// A run that does not end is not waited for, and what had ended is kept.
func TestInterrupted(t *testing.T) {
	in, load := inputsOf(t, scaledBy(`sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`))
	in.Laws = []string{"static:n=2"}
	c, err := compare(t, in, load)
	if err != nil {
		t.Fatal(err)
	}
	stuck := make(chan struct{})
	defer close(stuck)
	c.Contenders = append(c.Contenders, &Contender{Name: "stuck", Policy: decide.Policy{Law: waiting{stuck}}})
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err = c.Run(ctx, 1, func() {
		if n++; n == 2 {
			cancel()
		}
	})
	if !errors.Is(err, ErrInterrupted) || err.Error() != "interrupted after 2 of 3 runs" {
		t.Errorf("Run = %v", err)
	}
	var names []string
	for _, r := range c.Rows() {
		names = append(names, r.Law)
	}
	if diff := cmp.Diff([]string{"demo/llama-predictor", "static:n=2"}, names); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func resultsOf(attained ...float64) []score.Result {
	var all []score.Result
	for i, a := range attained {
		all = append(all, score.Result{
			Attainment: a, GPUHours: float64(i + 1), AverageReplicas: 1, AverageReady: 1, Cost: 2, Duration: 73 * time.Hour, Reaction: time.Duration(i) * time.Minute,
			Requests: 100, Aborted: 4 * i, Aborts: []score.Abort{{Why: "expired", Requests: 4 * i}},
			Objectives: []score.Served{{Share: a, AtQuantile: score.Endless}},
		})
	}
	return all
}

// Two laws, of which one keeps the promise, one does not, and static, which knows the
// future: the figures by hand.
func TestRows(t *testing.T) {
	c := &Comparison{Contenders: []*Contender{
		{Name: "good", Results: resultsOf(.95, .97)}, {Name: "bad", Results: resultsOf(.5, .5)}, {Name: "static:n=1", Results: resultsOf(1)},
	}}
	c.Setup.Terms.Objectives = []score.Objective{{Metric: score.TTFT, Quantile: .8, Target: time.Second}}
	rows := c.Rows()
	for i, want := range []struct {
		keeps    Answer
		excess   bool
		reaction bool
	}{{Yes, true, true}, {No, false, true}, {Yes, false, false}} {
		r := rows[i]
		if r.Keeps != want.keeps || (r.Excess != nil) != want.excess || (r.Reaction != nil) != want.reaction || r.Promise != .8 || math.Abs(r.CostPerMonth-20) > 1e-9 {
			t.Errorf("%s: %+v", r.Law, r)
		}
	}
	if o := rows[0].Objectives[0]; o.Objective != "ttft:p80:1s" || math.Abs(o.Share-.96) > 1e-9 || o.AtQuantile != nil || rows[0].Aborts["expired"] != 2 {
		t.Errorf("objectives %+v, aborts %v", rows[0].Objectives, rows[0].Aborts)
	}
	if *rows[0].Reaction != 60 {
		t.Errorf("reaction %v, want that of the seed that acted: 60 s", *rows[0].Reaction)
	}
}

func TestVerdict(t *testing.T) {
	c := &Comparison{Contenders: []*Contender{
		{Name: "good", Results: resultsOf(.95, .97)}, {Name: "bad", Results: resultsOf(.5, .5)}, {Name: "static:n=1", Results: resultsOf(1)},
	}}
	c.Setup.Terms.Objectives = []score.Objective{{Metric: score.TTFT, Quantile: .8, Target: time.Second}}
	if got := c.Verdict(); len(got) != 1 || got[0].Text != "the cheapest of the 1 of 2 laws that keep 80 % is good, at 1.50 GPU-hours" {
		t.Errorf("Verdict() = %q", got)
	}
	c.Contenders = c.Contenders[:1]
	if alone := c.Rows()[0]; alone.Excess != nil {
		t.Errorf("a lone law has an excess of %v", *alone.Excess)
	}
	c.Contenders[0].Results = resultsOf(.5, .5)
	if got, want := c.Verdict(), (Verdict{No, "good keeps 80 %: no (50.00 %), ttft:p80:1s is met by 50.00 %, 2 of 100 requests were expired"}); len(got) != 1 || got[0] != want {
		t.Errorf("Verdict() = %q, want %q", got, want)
	}
	c.Contenders[0].Results = resultsOf(.7, .99)
	if got := c.Verdict(); len(got) != 1 || !strings.HasPrefix(got[0].Text, "good keeps 80 %: unsure (84.50±") {
		t.Errorf("Verdict() = %q", got)
	}
}

// Both are up and down by seed, and the change is the same in each.
func TestChange(t *testing.T) {
	before, after := resultsOf(.9, .5, .7), resultsOf(.95, .55, .75)
	for i := range after {
		after[i].GPUHours--
	}
	c := &Comparison{Contenders: []*Contender{{Name: "x", Results: before, own: true}, {Name: "hpa"}}}
	c.Against(&Comparison{Contenders: []*Contender{{Name: "x", Results: after, own: true}}}, "a.yaml", "b.yaml")
	got := c.Change()
	if math.Abs(got.Attainment.Mean-.05) > 1e-9 || got.Attainment.CI95 > 1e-9 || got.GPUHours.Mean != -1 || got.GPUHours.CI95 != 0 {
		t.Errorf("Change() = %+v", got)
	}
	if want := "b.yaml attains more than a.yaml and takes fewer GPU-hours, as far as the seeds tell"; got.Verdict() != want {
		t.Errorf("Verdict() = %q, want %q", got.Verdict(), want)
	}
}

// Objectives in manifests are kept by the law that flyball names, and say by what all is judged.
func TestObjectives(t *testing.T) {
	const promising = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: demo}
spec:
  scaleTargetRef: {name: llama}
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
  - type: external-push
    metadata: {scalerAddress: "flyball-scaler.flyball-system:9443", objectives: "ttft:p95:2s"}
`
	in, load := inputsOf(t, promising)
	in.Promise = Promise{in.Plan.Promise, in.Plan.PromisedBy}
	load.Objectives, in.Laws = in.Promise.Objectives, []string{"flyball", "hpa"}
	c, err := compare(t, in, load)
	if err != nil {
		t.Fatal(err)
	}
	notes, err := c.Notes()
	if err != nil {
		t.Fatal(err)
	}
	const want = "demo/llama: scaled by Flyball's own law, which promises ttft:p95:2s for ScaledObject demo/chat, between 1 and 4 replicas; engine as qwen3-14b-h100"
	if c.StatedBy() != "ScaledObject demo/chat" || notes[0] != want {
		t.Errorf("stated by %q; notes %q, want %q", c.StatedBy(), notes[0], want)
	}
	if err := c.Run(t.Context(), 2, func() {}); err != nil {
		t.Fatal(err)
	}
	rows := c.Rows()
	rows[1].Law, rows[1].Excess, rows[0].Excess = rows[0].Law, nil, nil
	if diff := cmp.Diff(rows[1], rows[0]); diff != "" || rows[0].Promise != .95 || rows[2].Promise != .95 {
		t.Errorf("promises %v and %v; as --law flyball (-), as the manifest (+):\n%s", rows[0].Promise, rows[2].Promise, diff)
	}
	c.Setup.Terms.Objectives = []score.Objective{{Metric: score.TTFT, Quantile: .9, Target: 2 * time.Second}}
	if c.StatedBy() != "" {
		t.Errorf("other objectives are stated by %q", c.StatedBy())
	}
}

// What never was ready, or never read a value, is not judged.
func TestFaults(t *testing.T) {
	asleep := resultsOf(0)
	asleep[0].AverageReady = 0
	c := &Comparison{Contenders: []*Contender{
		{Name: "good", Results: resultsOf(.95)}, {Name: "asleep", Results: asleep},
		{Name: "blind", Results: resultsOf(1), blind: 1, unread: []string{"a"}}, {Name: "half", Results: resultsOf(1), unread: []string{"b"}},
	}}
	c.Setup.Terms.Objectives = []score.Objective{{Metric: score.TTFT, Quantile: .8, Target: time.Second}}
	faults, warnings, whole := c.Faults()
	if len(faults) != 2 || faults[1].Error() != "blind: it never read a value: nothing answered a" || whole || !cmp.Equal(warnings, []string{"half: nothing ever answered b"}) {
		t.Errorf("Faults() = %v, %q, %v", faults, warnings, whole)
	}
	rows := c.Rows()
	if rows[1].Fault != "no replica was ever ready, and every request failed" || rows[2].Keeps != Unsure || rows[2].Excess != nil || rows[0].Fault != "" {
		t.Errorf("rows %+v", rows)
	}
	if got := c.Verdict(); len(got) != 1 || !strings.HasPrefix(got[0].Text, "the cheapest of the 2 of 2 laws that keep 80 % is good") {
		t.Errorf("Verdict() = %q", got)
	}
	c.Contenders[2].own = true
	if _, _, whole := c.Faults(); !whole {
		t.Error("what the manifests say read nothing, and it is only a warning")
	}
}

// Episodes go on with what the law remembers; they and the days are portions of the rows.
func TestEpisodes(t *testing.T) {
	profiles, err := plant.Profiles()
	if err != nil {
		t.Fatal(err)
	}
	w, err := workload.Find("poisson:rate=2,duration=10m", nil)
	if err != nil {
		t.Fatal(err)
	}
	in := Inputs{Laws: []string{"flyball"}, Profiles: profiles}
	f, err := in.Scenario(Load{Workload: w, Objectives: []score.Objective{{Metric: score.TTFT, Quantile: .9, Target: 3 * time.Second}}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := in.Compare(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	c.Episodes, c.Setup.Days = 2, true
	if err := c.Run(t.Context(), 2, func() {}); err != nil {
		t.Fatal(err)
	}
	rows := c.Rows()
	var names []string
	for _, p := range rows[0].Portions {
		names = append(names, p.Portion)
		if p.Seeds < 2 {
			t.Errorf("%s has %d results", p.Portion, p.Seeds)
		}
	}
	if diff := cmp.Diff([]string{"episode 1", "day 1", "episode 2"}, names); diff != "" {
		t.Errorf("portions (-want +got):\n%s", diff)
	}
	if one := c.Contenders[0]; one.Past.Now < 15*time.Minute || one.Past.State.Name != "flyball" {
		t.Errorf("past: %s at %v", one.Past.State.Name, one.Past.Now)
	}
}
