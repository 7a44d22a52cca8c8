package workload

import (
	"bytes"
	"slices"
	"strings"
)

// What people have of other tools, and what of it can be used.

const (
	rateAndLengths = "say the rate and the lengths that it had: poisson:rate=5,input=1000,output=250"
	noTimes        = "it has texts, and no arrival times and token counts"
	countTokens    = "count the tokens of prompts and answers and give them as lengths: CSV with input_tokens,output_tokens " +
		"for poisson:rate=5,lengths=FILE"
)

func foreignObjects() []format {
	foreign := func(what, instead string, keys ...string) format {
		return format{keys: keys, Foreign: Foreign{what, instead}}
	}
	return []format{
		foreign("an inference-perf configuration is no trace", "give it as the workload itself: --workload FILE", "load"),
		foreign("a GuideLLM report: it has the figures of several benchmarks, one after the other", rateAndLengths, "benchmarks"),
		foreign("a GenAI-Perf profile export: it has no token counts", "give profile_export.jsonl of aiperf profile, or "+
			rateAndLengths, "experiments"),
		foreign("a summary of aiperf or GenAI-Perf: it has no single requests", "give profile_export.jsonl, which lies beside it", "input_config"),
		foreign("an OpenAI batch: "+noTimes, countTokens, "custom_id", "body"),
		foreign("conversations: "+noTimes, countTokens, "messages"),
		foreign("conversations: "+noTimes, countTokens, "conversations"),
		foreign("prompts: "+noTimes, countTokens, "prompt"),
		foreign("prompts (inference-perf's dataset_trace): "+noTimes, countTokens, "text_input"),
		foreign("prompts: "+noTimes, countTokens, "text"),
		foreign("k6's JSON output: it has no token counts", rateAndLengths, "type", "metric"),
		foreign("a summary of k6: it has no single requests and no token counts", rateAndLengths, "root_group"),
		foreign("a summary of k6: it has no single requests and no token counts", rateAndLengths, "metrics", "thresholds"),
		foreign("an answer of Prometheus", "let simulate ask Prometheus itself: --from-prometheus URL", "status", "data"),
		foreign("OpenTelemetry traces: which spans are requests, and their tokens, is not the same everywhere", readable, "resourceSpans"),
		foreign("a Kubernetes object", "give it to simulate with -f", "apiVersion", "kind"),
	}
}

func foreignArrays() []format {
	foreign := func(what, instead string, keys ...string) format {
		return format{keys: keys, Foreign: Foreign{what, instead}}
	}
	return []format{
		foreign("ShareGPT's conversations: "+noTimes, countTokens, "conversations"),
		foreign("conversations: "+noTimes, countTokens, "messages"),
		foreign("prompts: "+noTimes, countTokens, "prompt"),
		foreign("answers of LLMPerf: it has no arrival times", "give its token counts as lengths: CSV with input_tokens,output_tokens "+
			"for poisson:rate=5,lengths=FILE", "number_input_tokens"),
		foreign("statistics of Locust: it has no single requests and no token counts", rateAndLengths, "num_requests", "response_times"),
		foreign("a Kubernetes object", "give it to simulate with -f", "apiVersion", "kind"),
	}
}

// packed knows a file that is not text, or not the one that was meant.
func packed(text []byte) *Foreign {
	for _, f := range []struct{ start, what, instead string }{
		{"PAR1", "a Parquet file", "write it as CSV with arrival_s,input_tokens,output_tokens"},
		{"PK\x03\x04", "a ZIP archive, or a spreadsheet", "unpack it, or save it as CSV"},
		{"\x28\xb5\x2f\xfd", "a file packed by zstd", "unpack it, or pack it by gzip"},
		{"<", "a web page, or XML", "download the file itself (from GitHub by its raw link)"},
		{"version https://git-lfs", "a pointer of Git LFS, not the file", "fetch the file: git lfs pull"},
		{"workload ", "a scenario", "give it to simulate with --scenario"},
		{"apiVersion:", "a Kubernetes object", "give it to simulate with -f"},
	} {
		if bytes.HasPrefix(text, []byte(f.start)) {
			return &Foreign{f.what, f.instead}
		}
	}
	return nil
}

// foreignTable knows a table of another tool by its header.
func foreignTable(header []string) *Foreign {
	for _, f := range []struct {
		columns       []string
		what, instead string
	}{
		{[]string{"metric_name", "metric_value"}, "k6's CSV output: it has no token counts", rateAndLengths},
		{[]string{"request count", "failure count"}, "statistics of Locust: it has no single requests and no token counts", rateAndLengths},
		{[]string{"user count", "requests/s"}, "Locust's history: it has rates and no token counts",
			"give its rates: CSV with t_s,rate_rps for poisson:rates=FILE,input=1000,output=250"},
		{[]string{"metric", "avg", "p99"}, "a summary of aiperf or GenAI-Perf: it has no single requests",
			"give profile_export.jsonl, which lies beside it"},
		{[]string{"timestamp", "elapsed", "label"}, "samples of JMeter: it has no token counts", rateAndLengths},
		{[]string{"rate_rps"}, "rates over time are half a workload", "add the lengths: poisson:rates=FILE,input=1000,output=250"},
		{[]string{"percentile", "tokens"}, "lengths are half a workload", "add the rate: poisson:rate=5,lengths=FILE"},
		{[]string{"input_tokens", "output_tokens"}, "lengths are half a workload", "add the rate: poisson:rate=5,lengths=FILE"},
	} {
		if !slices.ContainsFunc(f.columns, func(c string) bool { return !slices.Contains(header, c) }) {
			return &Foreign{f.what, f.instead}
		}
	}
	return nil
}

func unknownTable(header []string) error {
	return &Foreign{
		"line 1: the header \"" + strings.Join(header, ",") + "\" is that of no trace: arrival_s,input_tokens,output_tokens or " +
			"TIMESTAMP,ContextTokens,GeneratedTokens or Timestamp,Request tokens,Response tokens", readable,
	}
}
