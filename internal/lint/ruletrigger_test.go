package lint_test

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/lint"
)

const saturated = `--max-num-seqs=64`

// Each rule on targets beyond its example.
func TestTargetRules(t *testing.T) {
	value := []string{prom, prom + "      metricType: Value\n"}
	seats := func(o *lint.Options) { o.MaxNumSeqs = 16 }
	for rule, cases := range map[string][]variant{
		"target-invalid": {
			{true, "query-syntax", []string{`"16"`, `"0"`}, "", nil},
			{true, "query-syntax", []string{`"16"`, `"many"`}, "", nil},
			{true, "query-syntax", []string{`"16"`, `"NaN"`}, "", nil},
			{true, "query-syntax", []string{`"16"`, `"-4"`}, "", nil},
			{true, "no-room", []string{`"16"`, `0.5`}, "", nil},
			{true, "behavior-dropped", []string{`"16"`, `500m`, external, "autoscalerClass: keda"}, "", nil},
			{false, "no-room", []string{`"16"`, `500m`}, "", nil},
			{false, "no-room", []string{`"16"`, `4`}, "", nil},
			{false, "query-syntax", []string{`"16"`, `"1e3"`}, "", nil},
			{false, "cut-at-shutdown", []string{`"16"`, `16k`}, "", nil},
		},
		"average-value-ignored": {{false, "no-room", []string{"type: Value\n              value:", "type: AverageValue\n              averageValue:"}, "", nil}},
		"target-saturates": {
			{true, "query-syntax", nil, "", seats},
			{true, "target-saturates", []string{saturated, "--max_num_seq=24"}, "", nil},
			{true, "cut-at-shutdown", nil, "", seats},
			{false, "waiting-only", nil, "", seats},
			{false, "query-syntax", query("sum(vllm:num_requests_running" + selector + " + vllm:num_requests_waiting" + selector + ")"), "", seats},
			{false, "target-saturates", []string{saturated, "--max-num-seqs=many"}, "", nil},
		},
		"target-no-batching": {
			{true, "cut-at-shutdown", []string{`"16"`, `"1"`}, "", nil},
			{false, "query-syntax", append(query("sum(vllm:num_requests_waiting"+selector+")"), `"16"`, `"1"`), "", nil},
			{false, "query-syntax", []string{`"16"`, `"1"`}, "", func(o *lint.Options) { o.MaxNumSeqs = 1 }},
		},
		"waiting-only": {
			{true, "query-syntax", []string{"num_requests_running", "num_requests_waiting"}, "", nil},
			{false, "query-syntax", []string{"triggers:", "triggers: []\n  x:"}, "", nil},
		},
		"mean-as-sum": {
			{true, "query-syntax", query("histogram_quantile(0.9, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket" + selector + "[1m])))"), "", nil},
			{true, "query-syntax", query(sum + " / count(vllm:num_requests_running" + selector + ")"), "", nil},
			{true, "query-syntax", query("max(vllm:kv_cache_usage_perc" + selector + ") * 100 > 0 or 0 * " + sum), "", nil},
			{true, "no-room", query("avg(vllm:kv_cache_usage_perc" + selector + ")"), "", nil},
			{false, "no-room", append(query("avg(vllm:kv_cache_usage_perc"+selector+")"), "    serving.kserve.io/autoscaler", "    flyball.dev/metric-type: Value\n    serving.kserve.io/autoscaler"), "", nil},
			{false, "query-syntax", query("sum(vllm:kv_cache_usage_perc" + selector + ")"), "", nil},
			{false, "query-syntax", query("avg(vllm:num_requests_running" + selector + ") * count(vllm:num_requests_running" + selector + ")"), "", nil},
			{false, "query-syntax", query("max(" + sum + ")"), "", nil},
			{false, "query-syntax", query("avg(model:load)"), "", nil},
			{false, "query-syntax", query("-sum(rate(vllm:generation_tokens_total" + selector + "[1m])) / 500"), "", nil},
			{false, "query-syntax", append(query("avg(vllm:kv_cache_usage_perc"+selector+")"), "  triggers:", "  advanced: {scalingModifiers: {formula: a}}\n  triggers:"), "", nil},
		},
		"sum-as-mean": {
			{true, "query-syntax", nil, hpa, nil},
			{false, "mean-as-sum", nil, "", nil},
			{true, "query-syntax", value, "", nil},
		},
	} {
		t.Run(rule, func(t *testing.T) { tryCases(t, rule, cases) })
	}
}

// Each rule on what a trigger lacks, and on times.
func TestTriggerAndTimeRules(t *testing.T) {
	for rule, cases := range map[string][]variant{
		"null-is-zero": {
			{true, "query-syntax", []string{`ignoreNullValues: "false"`, `ignoreNullValues: "true"`}, "", nil},
			{true, "no-room", []string{external, "autoscalerClass: keda"}, "", nil},
			{false, "no-room", nil, "", nil},
		},
		"cpu-for-gpu": {
			{true, "no-autoscaler", []string{external, "autoscalerClass: hpa", "      metrics:", "      other:"}, "", nil},
			{false, "no-autoscaler", nil, "", nil},
		},
		"trigger-incomplete": {
			{true, "query-syntax", query(`""`), "", nil},
			{true, "query-syntax", []string{"        serverAddress: http://prometheus.monitoring:9090\n", ""}, "", nil},
			{false, "query-syntax", []string{"type: prometheus", "type: cron", "        serverAddress: http://prometheus.monitoring:9090\n", ""}, "", nil},
		},
		"no-credentials": {{false, "cut-at-shutdown", nil, "", nil}},
		"no-auth-mode":   {{false, "no-auth-mode", []string{"        authModes: basic\n", "", "secretTargetRef:", "podIdentity: {provider: aws}\n  secretTargetRef:"}, "", nil}},
		"authentication-unknown": {
			{true, "no-auth-mode", []string{"kind: TriggerAuthentication\nmetadata:\n  name: prometheus\n  namespace: demo", "kind: TriggerAuthentication\nmetadata:\n  name: prometheus\n  namespace: monitoring"}, "", nil},
			{false, "no-auth-mode", []string{"      authenticationRef:\n        name: prometheus", "      authenticationRef:\n        kind: ClusterTriggerAuthentication\n        name: other"}, "", nil},
		},
		"authentication-incomplete": {
			{true, "no-auth-mode", []string{"authModes: basic", "authModes: bearer"}, "", nil},
			{false, "no-auth-mode", []string{"authModes: basic", "authModes: tls"}, "", nil},
			{false, "no-auth-mode", []string{"secretTargetRef:", "hashiCorpVault: {}\n  secretTargetRef:", "parameter: username", "parameter: user"}, "", nil},
		},
		"short-stabilization": {
			{true, "cut-at-shutdown", []string{"  metrics:", "  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}\n  metrics:"}, "", nil},
			{false, "inert-cooldown", nil, "", func(o *lint.Options) { o.ColdStart = 10 * time.Second }},
			{false, "cut-at-shutdown", []string{"  metrics:", "  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}\n  metrics:", "vllm_num_requests_running", "wva_desired_replicas"}, "", nil},
		},
		"short-grace": {
			{true, "cut-at-shutdown", []string{"GracePeriodSeconds: 120", "GracePeriodSeconds: 59"}, "", nil},
			{false, "query-syntax", nil, "", nil},
			{false, "short-grace", nil, "", nil},
		},
		"cut-at-shutdown": {
			{true, "cut-at-shutdown", []string{"--shutdown-timeout=110", "--shutdown-timeout=0"}, "", nil},
			{false, "cut-at-shutdown", []string{"            - --shutdown-timeout=110\n", "", "          resources:", "          lifecycle: {preStop: {sleep: {seconds: 60}}}\n          resources:"}, "", nil},
		},
	} {
		t.Run(rule, func(t *testing.T) { tryCases(t, rule, cases) })
	}
}
