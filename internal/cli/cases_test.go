package cli

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/lint"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// quiet are rules that say the same of most of the cases.
func quiet(f lint.Finding) bool {
	return f.Rule == "no-credentials" || f.Rule == "short-grace" || f.Rule == "cut-at-shutdown" && strings.HasPrefix(f.Found, "no --shutdown")
}

// A verdict is what lint and simulate should say of one of testdata/cases, and what they
// said before (ae49fab).
type verdict struct {
	lint    []string // of each finding the rule and what was found
	refused string   // by simulate; "" if it runs
	before  was
}

// was is what was said before: the rules that lint found but for the quiet ones, and whether
// simulate refused it. The same as now was right already, or is another's test to tell.
type was struct {
	rules   string
	refused bool
	same    string // why it is as it was
}

// one is a verdict of a refusal that lint and simulate give in the same words.
func one(rule, found string, before was) verdict {
	return verdict{[]string{rule + ": " + found}, found, before}
}

func cases() map[string]verdict {
	const metric = "spec.predictor.autoScaling.metrics[0].external."
	return map[string]verdict{
		"alone":                {before: was{same: "TestCaseAlone"}}, // the labels of the query say enough
		"withdep":              {before: was{same: "its table is that of alone"}},
		"batching-div":         {before: was{rules: "target-no-batching"}}, // sum/8 with 1 is a target of 8
		"formula-unknown-name": one("formula", "spec.advanced.scalingModifiers.formula: unknown name runn (1:7)", was{refused: true}),
		"formula-no-target":    one("formula", `spec.advanced.scalingModifiers.target: "" is none`, was{refused: true}),
		"idle-eq-min":          one("bounds", "spec.idleReplicaCount: it must be less than minReplicaCount", was{refused: true}),
		"utilization":          one("target-invalid", "spec.triggers[0].metricType: a query has no Utilization", was{refused: true}),
		"meta-typo": {
			[]string{"null-is-zero: ignoreNullValues is not set, so it is true", "unknown-setting: spec.triggers[0].metadata.ignoreNullValue: KEDA's prometheus trigger has no such setting"},
			"spec.triggers[0].metadata.ignoreNullValue: KEDA's prometheus trigger has no such setting",
			was{rules: "null-is-zero", refused: true},
		},
		"paused-replicas": one("paused", "metadata.annotations[autoscaling.keda.sh/paused-replicas]: a paused autoscaler does not scale", was{refused: true}),
		"sat-formula":     {before: was{rules: "target-saturates"}}, // beside a formula KEDA does not use the thresholds
		"sat-avg-value":   {lint: []string{"target-saturates: target 20 of at most 16 running requests (--max-num-seqs) in a pod"}},
		"sat-abbrev":      {lint: []string{"target-saturates: target 20 of at most 16 running requests (--max-num-seqs) in a pod"}},
		"hook-sleep":      {lint: []string{"cut-at-shutdown: its preStop hook and --shutdown-timeout leave 15s, but an answer may take 1m0s"}},
		"hook-sleep-down": {lint: []string{
			"short-stabilization: 15s, but a replica takes 2m0s to start",
			"cut-at-shutdown: its preStop hook and --shutdown-timeout leave 15s, but an answer may take 1m0s",
		}, before: was{rules: "short-stabilization"}},
		"underscore": {
			[]string{"query-unknown-metric: vLLM exports no vllm_num_requests_running: its names have a colon, vllm:num_requests_running"},
			"asks for vllm_num_requests_running, which a simulated vLLM does not have",
			was{refused: true},
		},
		"removed-low": one("query-removed-metric", "spec.triggers[0].metadata.query: vLLM does not export vllm:gpu_cache_usage_perc any more; it is vllm:kv_cache_usage_perc now", was{rules: "query-removed-metric"}),
		"removed-swapped": {
			[]string{
				"query-no-service: vllm:num_requests_swapped is read from every service",
				"query-removed-metric: spec.triggers[0].metadata.query: vLLM does not export vllm:num_requests_swapped any more, and nothing took its place",
			},
			"spec.triggers[0].metadata.query: vLLM does not export vllm:num_requests_swapped any more, and nothing took its place",
			was{"query-no-service query-removed-metric", true, "as documented"},
		},
		"hpa-min0": {
			[]string{
				"cpu-for-gpu: class hpa without metrics is an HPA on 80 % CPU",
				"not-simulated: spec.predictor: a percentage of the cpu request, and what is requested is not in the manifests",
				"zero-is-one: it is 1 in the HPA that KServe makes",
			},
			"spec.predictor: a percentage of the cpu request, and what is requested is not in the manifests",
			was{rules: "cpu-for-gpu", refused: true},
		},
		"refused-backend": {
			[]string{
				"trigger-incomplete: " + metric + `metric.backend: backend "datadog" is unknown`,
				"wrong-type: " + metric + `metric.backend: "datadog" is none of prometheus, graphite`,
			},
			metric + `metric.backend: "datadog" is none of prometheus, graphite`,
			was{refused: true},
		},
		"refused-noserver":   one("trigger-incomplete", metric+"metric.serverAddress: it is missing", was{}),
		"refused-serverless": one("refused", `metadata.annotations[serving.kserve.io/deploymentMode]: mode "Serverless" has no Deployment to scale`, was{refused: true}),
		"refused-tiny": {
			[]string{
				"target-invalid: " + metric + "target.value: KEDA rounds the target 0.0001 to thousandths, to 0",
				"target-no-batching: target 0.0001: each running request asks for a replica",
			},
			metric + "target.value: KEDA rounds the target 0.0001 to thousandths, to 0",
			was{rules: "target-no-batching", refused: true},
		},
		"refused-workerspec":  one("refused", "spec.predictor.workerSpec: a multi-node service cannot be scaled by replicas", was{refused: true}),
		"refused-minabovemax": one("bounds", "spec.predictor.maxReplicas: maxReplicas 2 is below minReplicas 5", was{"bounds", true, "right already"}),
		"refused-longname": {
			[]string{
				"name-too-long: metadata.name: its 47 characters make KEDA's name keda-hpa-a-very-long-name-of-a-model-that-goes-on-and-on-predictor longer than 63",
				`query-wrong-service: vllm:num_requests_running is read where isvc_name="a", but this scales a-very-long-name-of-a-model-that-goes-on-and-on`,
			},
			"metadata.name: its 47 characters make KEDA's name keda-hpa-a-very-long-name-of-a-model-that-goes-on-and-on-predictor longer than 63",
			was{"name-too-long query-wrong-service", true, "right already"},
		},
	}
}

// changed tells whether lint or simulate says another thing now.
func (v verdict) changed() bool {
	var rules []string
	for _, f := range v.lint {
		rule, _, _ := strings.Cut(f, ":")
		rules = append(rules, rule)
	}
	return strings.Join(rules, " ") != v.before.rules || (v.refused != "") != v.before.refused
}

// Lint finds in each of the cases what a cluster, the controller or simulate refuse, and
// simulate refuses it in the same words.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.yaml")
	if err != nil || len(files) != len(cases()) {
		t.Fatalf("%d cases, %v, want %d", len(files), err, len(cases()))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			want := cases()[name]
			if want.changed() == (want.before.same != "") {
				t.Errorf("changed since before: %v, but %q", want.changed(), want.before.same)
			}
			if diff := cmp.Diff(want.lint, linted(t, file)); diff != "" {
				t.Errorf("lint: -want +got\n%s", diff)
			}
			code, _, errOut := runs("simulate", "-f", file, "--workload", "poisson:rate=1,duration=1m", "--seeds", "1")
			if refused := code == 2; refused != (want.refused != "") || !strings.Contains(errOut, want.refused) {
				t.Errorf("simulate: exit %d, stderr %s\nwant %q", code, errOut, want.refused)
			}
		})
	}
}

// linted are the findings that tell a case from the others.
func linted(t *testing.T, file string) []string {
	t.Helper()
	var found []lint.Finding
	code, out, errOut := runs("lint", "-f", file, "-o", "json")
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("lint: exit %d, stderr %s: %v", code, errOut, err)
	}
	isError := func(f lint.Finding) bool { return f.Severity == lint.Error }
	if failed := slices.ContainsFunc(found, isError); failed != (code == 1) {
		t.Errorf("lint: exit %d, with an error: %v", code, failed)
	}
	var all []string
	for _, f := range slices.DeleteFunc(found, quiet) {
		all = append(all, f.Rule+": "+f.Found)
	}
	return all
}

// simulated is what simulate makes of a case.
func simulated(t *testing.T, name, workload string) (simulate.Row, string) {
	t.Helper()
	code, out, errOut := runs("simulate", "-f", "testdata/cases/"+name+".yaml", "--workload", workload, "--seeds", "1", "-o", "json")
	var all struct{ Results []simulate.Row }
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all.Results) != 1 {
		t.Fatalf("simulate %s: exit %d, %v, %s", name, code, err, errOut)
	}
	return all.Results[0], errOut
}

// A query that names the service by its labels says enough of one whose Deployment is not
// given.
func TestCaseAlone(t *testing.T) {
	const load = "poisson:rate=4,duration=10m"
	with, _ := simulated(t, "withdep", load)
	alone, notes := simulated(t, "alone", load)
	// The Deployment's vLLM 0.11 schedules otherwise, which moves the third digit.
	if math.Abs(with.AverageReplicas/alone.AverageReplicas-1) > .01 || with.AverageReplicas <= 1 {
		t.Errorf("%v replicas on average, and %v without the Deployment: want about the same, above 1", with.AverageReplicas, alone.AverageReplicas)
	}
	if want := `its model_name is taken from the query, "m"`; !strings.Contains(notes, want) {
		t.Errorf("notes %s, want %s", notes, want)
	}
}

// A hook that only sleeps cuts what takes longer, and simulate says so.
func TestCaseHook(t *testing.T) {
	row, notes := simulated(t, "hook-sleep-down", "poisson:stages=6m:4/6m:1/6m:4/6m:1,input=500,output=2000")
	if row.Aborted == 0 || !strings.Contains(notes, "sleeps for 15s and then cuts what is left") {
		t.Errorf("%v aborted, notes %s; want some, and why", row.Aborted, notes)
	}
}

// A trace whose keys are Mooncake's and whose times are seconds lasts its 70 seconds.
func TestCaseTrace(t *testing.T) {
	code, out, errOut := runs("workload", "describe", "testdata/cases/trace-seconds.jsonl")
	if code != 0 || !strings.Contains(out, "4 in 1m10s") {
		t.Errorf("exit %d, %s%s; want 4 requests in 1m10s", code, out, errOut)
	}
}

// Of our own examples lint says what was left in them on purpose, and finds no error.
func TestExamplesAreClean(t *testing.T) {
	for folder, want := range map[string][]string{
		"zero":     {"short-stabilization"}, // so that scaling in is seen within the rehearsal
		"lossless": {"target-no-batching"},
		"guide":    {"cpu-for-gpu", "target-no-batching", "short-stabilization"}, // as it is published
	} {
		var got []string
		for _, f := range linted(t, "../../examples/"+folder) {
			rule, _, _ := strings.Cut(f, ":")
			got = append(got, rule)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", folder, diff)
		}
		if code, _, _ := runs("lint", "-R", "-f", "../../examples/"+folder); code != 0 {
			t.Errorf("lint -f examples/%s: exit %d", folder, code)
		}
	}
}
