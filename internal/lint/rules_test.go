package lint_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/lint"
)

// A variant is the fixed example of a rule, with old replaced by new in turn and
// further documents added.
type variant struct {
	fires bool
	of    string
	edit  []string
	more  string
	with  func(*lint.Options)
}

// Texts of the examples.
const (
	sum      = `sum(vllm:num_requests_running{namespace="demo",isvc_name="llama"})`
	selector = `{namespace="demo",isvc_name="llama"}`
	external = "autoscalerClass: external"
	prom     = "- type: prometheus\n"
)

const hpa = `---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: keda-hpa-llama, namespace: demo}
spec:
  scaleTargetRef: {kind: Deployment, name: llama}
  minReplicas: 1
  maxReplicas: 4
  metrics: [{type: Object, object: {metric: {name: vllm_num_requests_waiting}, target: {type: Value, value: 1}}}]
`

const recording = `---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: old, namespace: demo}
spec: {groups: [{name: old, rules: [{record: "vllm:gpu_cache_usage_perc", expr: "vllm:kv_cache_usage_perc"}]}]}
`

const serving = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: llama, namespace: demo}
spec: {template: {spec: {containers: [{name: vllm, image: "vllm/vllm-openai:VERSION"}]}}}
`

func query(q string) []string { return []string{sum, q} }

// INV-3: each rule beyond its example: where else it complains, and where it must not,
// for want of a fact or because all is well.
func TestRules(t *testing.T) {
	for rule, cases := range map[string][]variant{
		"query-syntax":         {{true, "query-syntax", query(`sum(a{b="c"d"})`), "", nil}, {false, "query-syntax", query("sum(a)"), "", nil}},
		"query-removed-metric": removedCases(),
		"query-unknown-metric": {
			{true, "query-syntax", query("sum(vllm:e2e_request_latency_seconds" + selector + ")"), "", nil},
			{true, "query-syntax", query("sum(vllm:num_request_running" + selector + ")"), "", nil},
			{false, "query-syntax", query("sum(rate(vllm:e2e_request_latency_seconds_count" + selector + "[1m]))"), "", nil},
			{false, "query-syntax", query("sum(model:load)"), "", nil},
		},
		"query-not-vector":  {{true, "query-syntax", query("4"), "", nil}, {true, "query-syntax", query("x[5m]"), "", nil}, {false, "query-syntax", query("vector(4)"), "", nil}},
		"query-many-series": manyCases(),
		"query-no-namespace": {
			{true, "query-syntax", query(`sum(vllm:num_requests_running{namespace=~".*",isvc_name="llama"})`), "", nil},
			{false, "query-syntax", query(`sum(vllm:num_requests_running{exported_namespace="demo",isvc_name="llama"})`), "", nil},
			{false, "query-syntax", query(`sum(vllm:num_requests_running{k8s_namespace="demo",k8s_pod_name=~"llama-.*"})`), "", nil},
			{false, "query-no-namespace", []string{sum, `sum(vllm:num_requests_running{isvc_name="llama"})`, "threshold:", "namespace: demo\n        threshold:"}, "", nil},
			{false, "query-syntax", query("sum(queue_length)"), "", nil},
		},
		"query-no-service": {
			{true, "query-syntax", query(`sum(vllm:num_requests_running{namespace="demo",engine="0"})`), "", nil},
			{false, "query-syntax", query(`sum(vllm:num_requests_running{namespace="demo",pod=~"llama-.*"})`), "", nil},
		},
		"query-wrong-service": {
			{true, "no-room", []string{`isvc_name="llama"`, `isvc_name="mistral"`}, "", nil},
			{false, "no-room", []string{`isvc_name="llama"`, `isvc_name=~"ll.+"`}, "", nil},
			{false, "query-syntax", query(`sum(gateway{namespace="ingress"})`), "", nil},
		},
		"query-unescaped": {
			{true, "query-syntax", []string{"threshold:", "namespace: a&b\n        threshold:"}, "", nil},
			{false, "query-syntax", query(`sum(vllm:num_requests_running{namespace="demo",pod=~"llama-[a.]+x\\.y.*"})`), "", nil},
		},
		"query-vector-zero": {
			{true, "query-syntax", query(sum + " or on() (vector(0))"), "", nil},
			{false, "query-syntax", query(sum + " or 0 * " + sum), "", nil},
		},
		"zero-no-wake": {
			{true, "query-syntax", []string{"  minReplicaCount: 1\n", ""}, "", nil},
			{true, "query-syntax", []string{"minReplicaCount: 1", "idleReplicaCount: 0\n  minReplicaCount: 1"}, "", nil},
			{false, "no-room", []string{"minReplicas: 1", "minReplicas: 0"}, "", nil},
			{true, "no-room", []string{"minReplicas: 1", "minReplicas: 0", external, "autoscalerClass: keda"}, "", nil},
			{false, "query-syntax", []string{"minReplicaCount: 1", "minReplicaCount: 0", "type: prometheus", "type: kafka"}, "", nil},
			{false, "fallback-at-zero", nil, "", nil},
		},
		"fallback-scales-down": {
			{true, "fallback-scales-down", []string{"currentReplicasIfHigher", "currentReplicasIfLower"}, "", nil},
			{false, "fallback-scales-down", []string{"currentReplicasIfHigher", "static", "replicas: 2", "replicas: 8"}, "", nil},
			{false, "fallback-scales-down", []string{"currentReplicasIfHigher", "currentReplicas"}, "", nil},
		},
		"fallback-at-zero": {{false, "fallback-scales-down", nil, "", nil}},
		"short-cooldown": {
			{true, "fallback-at-zero", nil, "", func(o *lint.Options) { o.Gap = time.Hour }},
			{false, "fallback-at-zero", nil, "", nil},
			{false, "fallback-at-zero", []string{"type: prometheus", "type: external-push", "serverAddress:", "objectives: \"ttft:p90:3s\"\n        serverAddress:"}, "", func(o *lint.Options) { o.Gap = time.Hour }},
			{false, "query-syntax", nil, "", func(o *lint.Options) { o.Gap = time.Hour }},
		},
		"inert-polling": {
			{false, "fallback-at-zero", []string{"  triggers:", "  pollingInterval: 5\n  triggers:"}, "", nil},
			{false, "query-syntax", []string{"  triggers:", "  pollingInterval: 5\n  triggers:", prom, prom + "      useCachedMetrics: true\n"}, "", nil},
		},
		"inert-cooldown": {{false, "short-cooldown", nil, "", nil}},
	} {
		t.Run(rule, func(t *testing.T) { tryCases(t, rule, cases) })
	}
}

func removedCases() []variant {
	old := []string{"vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"}
	return []variant{
		{true, "query-syntax", query("histogram_quantile(0.9, sum by (le) (vllm:time_per_output_token_seconds_bucket))"), "", nil},
		{true, "query-syntax", query("sum(vllm:num_requests_swapped" + selector + ")"), "", nil},
		{true, "query-removed-metric", old, "", nil},
		{true, "target-saturates", nil, strings.NewReplacer("num_requests_waiting", "gpu_cache_usage_perc", "keda-hpa-llama", "mine").Replace(hpa), nil},
		{false, "query-syntax", query("sum(vllm:gpu_cache_usage_perc" + selector + ")"), strings.ReplaceAll(serving, "VERSION", "v0.10.2"), nil},
		{true, "query-syntax", query("sum(vllm:gpu_cache_usage_perc" + selector + ")"), strings.ReplaceAll(serving, "VERSION", "v0.11.0"), nil},
		{false, "query-syntax", query("sum(vllm:gpu_cache_usage_perc" + selector + ")"),
			strings.ReplaceAll(serving, "VERSION\"", `v0.11.0", args: [--model=m, --show-hidden-metrics-for-version=0.10]`), nil},
		{true, "query-syntax", query("sum(vllm:kv_cache_usage_perc" + selector + ")"), strings.ReplaceAll(serving, "VERSION", "v0.8.5"), nil},
		{false, "query-removed-metric", old, recording, nil},
	}
}

func manyCases() []variant {
	x := "vllm:num_requests_running" + selector
	var all []variant
	for q, fires := range map[string]bool{
		x:                                    true,
		"rate(" + x + "[1m])":                true,
		"sum by (instance) (" + x + ")":      true,
		"sum without (pod) (" + x + ")":      true,
		"topk(2, " + x + ")":                 true,
		"topk(1, " + x + ")":                 false,
		"count_values(\"value\", " + x + ")": true,
		"sum by (le) (" + x + ")":            true,
		"histogram_quantile(0.9, sum by (le) (rate(" + x + "[1m])))":      false,
		"histogram_quantile(0.9, sum by (le, pod) (rate(" + x + "[1m])))": true,
		"sum by (namespace, isvc_name) (" + x + ")":                       false,
		"sum by (model_name) (" + x + ")":                                 false,
		"sum by (model_name) (vllm:num_requests_running)":                 true,
		"sum(" + x + ") / count(" + x + ")":                               false,
		"sum(" + x + ") + " + x:                                           false,
		x + " * 2":                                                        true,
		"-(" + x + ")":                                                    true,
		"sum(" + x + ") or vector(0)":                                     false,
		"sum by (namespace) (" + x + ") or vector(0)":                     true,
		"sum by (namespace) (" + x + ") or on() vector(0)":                false,
		x + " and on() up":                                                true,
		"sum(" + x + ") unless up":                                        false,
		x + " * on(pod) group_left() up":                                  true,
		"sum(" + x + ") * on() group_right() " + x:                        true,
		"sum(avg_over_time(" + x + "[5m:15s]))":                           false,
		"label_replace(sum(" + x + "), \"a\", \"b\", \"\", \"\")":         false,
		"absent(" + x + ")":                                               false,
		"2 * sum(" + x + ")":                                              false,
		`wva_desired_replicas{variant_name="llama"}`:                      false,
	} {
		all = append(all, variant{fires, "query-syntax", query(q), "", nil})
	}
	return all
}

func tryCases(t *testing.T, rule string, cases []variant) {
	t.Helper()
	for _, c := range cases {
		r, ok := lint.Find(c.of)
		if !ok {
			t.Fatalf("no rule %s", c.of)
		}
		text := r.Good()
		for i := 0; i < len(c.edit); i += 2 {
			if !strings.Contains(text, c.edit[i]) {
				t.Fatalf("the example of %s has no %q", c.of, c.edit[i])
			}
			text = strings.ReplaceAll(text, c.edit[i], c.edit[i+1])
		}
		o := lint.Default()
		if c.with != nil {
			c.with(&o)
		}
		found := lint.Lint(read(t, text+c.more), o)
		if got := slices.Contains(fired(found), rule); got != c.fires {
			t.Errorf("%s complains = %v, want %v; found %v in\n%s", rule, got, c.fires, fired(found), text+c.more)
		}
	}
}
