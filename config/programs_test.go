//go:build e2e

package config

import (
	"os/exec"
	"strings"
	"testing"
)

// TestPrograms asks the lab's own kubectl and promtool, which must be there.
func TestPrograms(t *testing.T) {
	for name, tc := range map[string]struct {
		program string
		args    []string
		says    string
	}{
		"default":    {"kubectl", []string{"kustomize", "default"}, "serviceAccountName: flyball-controller"},
		"complete":   {"kubectl", []string{"kustomize", "complete"}, "--demand-bind-address=$(POD_IP):9444"},
		"scaler":     {"kubectl", []string{"kustomize", "complete"}, "serviceAccountName: flyball-scaler"},
		"keda":       {"kubectl", []string{"kustomize", "cert-manager/scaler"}, "kind: ClusterTriggerAuthentication"},
		"prometheus": {"kubectl", []string{"kustomize", "prometheus"}, "kind: PodMonitor"},
		"rules":      {"promtool", []string{"check", "rules", "prometheus/rules.yaml"}, "2 rules found"},
		"monitoring": {"kubectl", []string{"kustomize", "monitoring"}, "grafana_dashboard: \"1\""},
		"alerts":     {"promtool", []string{"test", "rules", "monitoring/alerts_test.yaml"}, "SUCCESS"},
		"scrape":     {"promtool", []string{"check", "config", "--syntax-only", "prometheus/scrape.yaml"}, "SUCCESS"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), "../bin/lab/"+tc.program, tc.args...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), tc.says) {
				t.Errorf("%s %q = %v, %s, want %q (build bin/lab with 'make lab')", tc.program, tc.args, err, out, tc.says)
			}
		})
	}
}
