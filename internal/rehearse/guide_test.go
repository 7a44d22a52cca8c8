package rehearse

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const guide = "../../examples/guide"

// TestTheGuide reads the script that ships.
func TestTheGuide(t *testing.T) {
	script, err := Open(guide, map[string]string{"outage": "20s"})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range script.Parts {
		if script.FailingStep(part.Name) == "" {
			t.Errorf("no step of %s fails without %s", guide, part.Name)
		}
	}
	if !script.kills("keda") {
		t.Errorf("%s has no place to kill keda", guide)
	}
}

// TestFilesAreUsed finds each file beside a script that ships in one of its steps.
func TestFilesAreUsed(t *testing.T) {
	scripts, err := filepath.Glob("../../examples/*/" + ScriptName)
	if err != nil || len(scripts) < 3 {
		t.Fatalf("found the scripts %q, %v, want those of guide, objective and zero", scripts, err)
	}
	for _, path := range scripts {
		folder := filepath.Dir(path)
		script, err := Open(folder, nil)
		if err != nil {
			t.Fatal(err)
		}
		used := []string{ScriptName, "queries.md"}
		for _, line := range script.lines() {
			used = append(used, line.file())
		}
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !slices.Contains(used, f.Name()) {
				t.Errorf("%s is in no step", filepath.Join(folder, f.Name()))
			}
		}
	}
}

// TestQueries finds one query for each metric of the guide's table, with the two
// labels that tell services apart wherever a metric is named.
func TestQueries(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(guide, "queries.md"))
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, block := range strings.Split(string(text), "```promql\n")[1:] {
		query, _, _ := strings.Cut(block, "```")
		queries = append(queries, query)
		if n := strings.Count(query, "vllm:"); n != strings.Count(query, `{isvc_name="llama",namespace="demo"}`) {
			t.Errorf("a metric without its labels in %s", query)
		}
	}
	for _, metric := range []string{
		"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:gpu_cache_usage_perc",
		"vllm:e2e_request_latency_seconds_bucket", "vllm:time_per_output_token_seconds_bucket",
	} {
		if !slices.ContainsFunc(queries, func(q string) bool { return strings.Contains(q, metric+"{") }) {
			t.Errorf("no query with %s", metric)
		}
	}
}
