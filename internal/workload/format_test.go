package workload

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func readFile(t *testing.T, name string) (Workload, error) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	w, err := Read(f, name)
	return w, errors.Join(err, f.Close())
}

// Files of other tools that are read.
func TestOthersFiles(t *testing.T) {
	for name, want := range map[string]string{
		"bailian.jsonl":      "0s:521/132(32) 1.386s:676/80(32) 9.136s:48/400 1m9.886s:2048/10",
		"vllm-detailed.json": "0s:1024/128 500ms:1024/128 750ms:1000/100", // the request that failed is left out
		"aiperf.jsonl":       "0s:500/94 500ms:1000/194",                  // and so are warm-up, failures and what was cancelled
		"perf-inline.json":   "1.809871433s:120/7(100) 2s:120/7(100)",
	} {
		w, err := readFile(t, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := short(w); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Files that are not read are refused by their own name, with what to give instead.
func TestForeignFiles(t *testing.T) {
	for name, want := range map[string][2]string{
		"empty.json":          {"a JSON object without a field is no workload", "arrival_s,input_tokens,output_tokens"},
		"unknown.json":        {"a JSON object with load_type, speed is no workload", "docs/workload.md"},
		"numbers.json":        {"a JSON array without a field is no workload", "docs/workload.md"},
		"seconds.jsonl":       {"line 2: timestamp is 1.386, and those of a Mooncake trace are whole milliseconds", "chat_id"},
		"vllm-summary.json":   {"a result of vllm bench serve: it has no single requests", "--save-detailed"},
		"sglang.jsonl":        {"a result of vllm bench serve or of SGLang's bench_serving: it has no start_times", "lengths=FILE"},
		"guidellm.json":       {"a GuideLLM report", "poisson:rate=5"},
		"genai-perf.json":     {"a GenAI-Perf profile export", "profile_export.jsonl"},
		"aiperf-summary.json": {"a summary of aiperf or GenAI-Perf", "profile_export.jsonl"},
		"aiperf.csv":          {"a summary of aiperf or GenAI-Perf", "profile_export.jsonl"},
		"openai-batch.jsonl":  {"an OpenAI batch: it has texts, and no arrival times", "lengths=FILE"},
		"sharegpt.json":       {"ShareGPT's conversations: it has texts", "lengths=FILE"},
		"messages.jsonl":      {"conversations: it has texts", "lengths=FILE"},
		"prompts.jsonl":       {"prompts: it has texts", "lengths=FILE"},
		"dataset-trace.jsonl": {"prompts (inference-perf's dataset_trace): it has texts", "lengths=FILE"},
		"texts.jsonl":         {"prompts: it has texts", "lengths=FILE"},
		"k6.jsonl":            {"k6's JSON output", "poisson:rate=5"},
		"k6-summary.json":     {"a summary of k6", "poisson:rate=5"},
		"k6.csv":              {"k6's CSV output", "poisson:rate=5"},
		"locust.csv":          {"statistics of Locust", "poisson:rate=5"},
		"locust.json":         {"statistics of Locust", "poisson:rate=5"},
		"locust-history.csv":  {"Locust's history", "rates=FILE"},
		"llmperf.json":        {"answers of LLMPerf", "lengths=FILE"},
		"jmeter.csv":          {"samples of JMeter", "poisson:rate=5"},
		"rates.csv":           {"rates over time are half a workload", "rates=FILE"},
		"quantiles.csv":       {"lengths are half a workload", "lengths=FILE"},
		"lengths.csv":         {"lengths are half a workload", "lengths=FILE"},
		"prometheus.json":     {"an answer of Prometheus", "--from-prometheus"},
		"otlp.json":           {"OpenTelemetry traces", "docs/workload.md"},
		"manifest.json":       {"a Kubernetes object", "-f"},
		"manifest.txt":        {"a Kubernetes object", "-f"},
		"trace.parquet":       {"a Parquet file", "CSV"},
		"trace.xlsx":          {"a ZIP archive, or a spreadsheet", "CSV"},
		"trace.zst":           {"a file packed by zstd", "unpack it"},
		"page.html":           {"a web page", "raw link"},
		"lfs.csv":             {"a pointer of Git LFS", "git lfs pull"},
		"scenario.txt":        {"a scenario", "--scenario"},
	} {
		_, err := readFile(t, name)
		foreign, ok := errors.AsType[*Foreign](err)
		if !ok || !strings.HasPrefix(err.Error(), want[0]) || !strings.Contains(foreign.Instead, want[1]) {
			t.Errorf("Read(%s) = %v, %+v, want %q and instead %q", name, err, foreign, want[0], want[1])
		}
	}
}

// What is wrong in a file that is read is said in the words of the file.
func TestFilesWithFaults(t *testing.T) {
	for name, want := range map[string]string{
		"vllm-appended.json": "a result of vllm bench serve: there is something after the end of the first JSON value",
		"perf-skewed.json":   `data: input_distribution: type is "skew_normal", must be normal, uniform or fixed`,
		"perf-bimodal.json":  `data: type is "bimodal": lengths are known for`,
		"perf-wrong.json":    "an inference-perf configuration: load.stages: a string cannot be its value",
	} {
		if _, err := readFile(t, name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Read(%s) = %v, want %s…", name, err, want)
		}
	}
}

// Every file of testdata is in one of the tests above.
func TestTestdataIsUsed(t *testing.T) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("format_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !f.IsDir() && !strings.Contains(string(source), `"`+f.Name()+`"`) {
			t.Errorf("testdata/%s is in no test", f.Name())
		}
	}
}

// The lengths of a benchmark's result need no times.
func TestBenchLengths(t *testing.T) {
	for _, name := range []string{"sglang.jsonl", "vllm-detailed.json"} {
		f, err := os.Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		lengths, err := ReadLengths(f, "")
		if err = errors.Join(err, f.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a, err := Renewal(Even(), []Step{{1, 1000000000 * 100}})
		if err != nil {
			t.Fatal(err)
		}
		w, err := Generate("x", a, lengths, Prefixes{})
		if err != nil {
			t.Fatal(err)
		}
		for r := range w.All(1) {
			if !slices.Contains([]int{512, 1000, 1024}, r.Input) || r.Output < 96 || r.Output > 128 {
				t.Fatalf("%s: %d and %d tokens are not in it", name, r.Input, r.Output)
			}
		}
	}
}

// A result whose lists are not of one length is not guessed at.
func TestBenchRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"input_lens": [5, 6], "output_lens": [5], "start_times": [1]}`:       "a result of vllm bench serve: 2 input_lens and 1 output_lens, must be as many",
		`{"input_lens": [5, 6], "output_lens": [5, 6], "start_times": [1]}`:    "a result of vllm bench serve: 1 start_times and 2 input_lens, must be as many",
		`{"input_lens": [5, 0], "output_lens": [5, 6], "start_times": [1, 2]}`: "request 2: 0 input tokens: must be from 1",
		`{"input_lens": [5], "output_lens": [0], "start_times": [1]}`:          "no requests: none of its 1 was answered",
		`{"input_lens": ["5"], "output_lens": [0], "start_times": [1]}`:        "a result of vllm bench serve: input_lens: a string cannot be its value",
		`{"metadata": {}, "metrics": {}}`:                                      "record 1 of aiperf: metadata.request_start_ns must be there",
		`{"metadata": {"request_start_ns": "now"}, "metrics": {}}`:             "record 1 of aiperf: metadata.request_start_ns: a string cannot be its value",
		`{"metadata": {"request_start_ns": 5}, "metrics": {}}`:                 "no requests: none of its 1 was answered",
	} {
		if _, err := Read(strings.NewReader(text), "x"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Read(%s) = %v, want %s…", text, err, want)
		}
	}
}
