//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A helmed is a lab in which Helm installs the packed chart.
type helmed struct {
	*cluster
	t      *testing.T
	ctx    context.Context
	charts string // folder of the packed charts
}

// TestHelm takes an installation by kustomize over with Helm, upgrades it, takes the upgrade
// back and uninstalls it. A service that is scaled all the while keeps its ScaledObject, and
// its questions are answered from zero after each step; nothing is left that Helm has made.
func TestHelm(t *testing.T) {
	h := helmed{cluster: start(t, "--pull", "1s", "--weights", "1s", "--warmup", "500ms", "--hpa-sync-period", "5s"), t: t, charts: t.TempDir()}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	h.ctx = ctx
	for _, version := range []string{"1.0.0", "1.1.0"} {
		h.do("bin/lab/helm", "package", "charts/flyball", "--version", version, "--app-version", "v"+version, "--destination", h.charts)
	}
	h.kustomized()
	h.serve()
	before := h.scaledObject()
	for _, step := range []struct {
		image string
		args  []string
	}{
		{"flyball:v1.0.0", []string{"install", "flyball", h.chart("1.0.0"), "--take-ownership"}},
		{"flyball:v1.1.0", []string{"upgrade", "flyball", h.chart("1.1.0")}},
		{"flyball:v1.0.0", []string{"rollback", "flyball", "1"}},
	} {
		h.helm(append(step.args, "--wait", "--timeout=5m")...)
		h.runs(step.image)
		h.answers()
		if diff := cmp.Diff(before, h.scaledObject()); diff != "" {
			t.Errorf("the ScaledObject after helm %s: -before +after\n%s", step.args[0], diff)
		}
	}
	h.helm("uninstall", "flyball", "--wait")
	h.onlyLeft()
	if diff := cmp.Diff(before, h.scaledObject()); diff != "" {
		t.Errorf("the ScaledObject after helm uninstall: -before +after\n%s", diff)
	}
}

func (h *helmed) chart(version string) string {
	return filepath.Join(h.charts, "flyball-"+version+".tgz")
}

// do runs a program beside the lab and returns what it has printed.
func (h *helmed) do(program string, args ...string) string {
	h.t.Helper()
	began := time.Now()
	cmd := h.command(h.ctx, program, args...)
	cmd.Env = append(cmd.Env, "HELM_CACHE_HOME="+h.charts, "HELM_CONFIG_HOME="+h.charts, "HELM_DATA_HOME="+h.charts)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, problems.Bytes())
	}
	h.t.Logf("%5.1f s  %s %s", time.Since(began).Seconds(), filepath.Base(program), strings.Join(args, " "))
	return string(out)
}

func (h *helmed) kubectl(args ...string) string {
	h.t.Helper()
	return h.do("bin/lab/kubectl", args...)
}

func (h *helmed) helm(args ...string) {
	h.t.Helper()
	h.do("bin/lab/helm", append(args, "--namespace=flyball-system")...)
}

// kustomized makes of the lab's Flyball exactly config/complete: without the webhook, which
// the chart does not have, and the right of the engine native, which it has when it is told.
func (h *helmed) kustomized() {
	h.t.Helper()
	h.kubectl("delete", "mutatingwebhookconfiguration/flyball-drain")
	h.kubectl("delete", "clusterrole/flyball-scaler-native", "clusterrolebinding/flyball-scaler-native")
	h.kubectl("delete", "service/flyball-drain-webhook", "networkpolicy/flyball-drain-webhook", "-n", "flyball-system")
	h.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=flyball-lab", "-k", filepath.Join(h.dir, "install/flyball/complete"))
	h.runs("flyball")
}

// serve applies the service of examples/zero and waits until it is scaled.
func (h *helmed) serve() {
	h.t.Helper()
	for _, step := range []string{"01-runtime.yaml", "02-secret.sh", "03-trigger-authentication.yaml", "04-service.yaml"} {
		if file := filepath.Join("examples/zero", step); strings.HasSuffix(step, ".sh") {
			h.do("sh", "-e", file)
		} else {
			h.kubectl("apply", "-f", file)
		}
	}
	h.kubectl("wait", "scaledobject/zero-predictor", "-n", "demo", "--for=create", "--timeout=60s")
	h.kubectl("wait", "scaledobject/zero-predictor", "-n", "demo", "--for=condition=Ready", "--timeout=60s")
}

// runs waits until all of Flyball's pods run an image, and nothing runs another.
func (h *helmed) runs(image string) {
	h.t.Helper()
	for _, name := range []string{"flyball-controller", "flyball-gateway", "flyball-scaler"} {
		h.kubectl("rollout", "status", "deployment/"+name, "-n", "flyball-system", "--timeout=180s")
	}
	got := h.kubectl("get", "deployments", "-n", "flyball-system", "-o", "jsonpath={.items[*].spec.template.spec.containers[*].image}")
	images := slices.Compact(strings.Fields(got))
	if !slices.Equal(images, []string{image}) {
		h.t.Errorf("images = %v, want %s", images, image)
	}
}

// answers asks one question through the gateway, which wakes the service if it is at zero.
func (h *helmed) answers() {
	h.t.Helper()
	h.do("sh", "-e", "examples/zero/05-ask.sh")
}

// scaledObject is what must outlive all: the object itself and what it says. KEDA's minimum
// is not in it, which a wake raises and takes back.
func (h *helmed) scaledObject() map[string]any {
	h.t.Helper()
	var o struct {
		Metadata struct{ UID string }
		Spec     map[string]any
	}
	if err := json.Unmarshal([]byte(h.kubectl("get", "scaledobject/zero-predictor", "-n", "demo", "-o", "json")), &o); err != nil {
		h.t.Fatal(err)
	}
	delete(o.Spec, "minReplicaCount")
	return map[string]any{"uid": o.Metadata.UID, "spec": o.Spec}
}

// onlyLeft wants nothing of Flyball in the cluster but what no installer has made, which
// docs/install.md lists.
func (h *helmed) onlyLeft() {
	h.t.Helper()
	h.kubectl("wait", "pods", "-n", "flyball-system", "--all", "--for=delete", "--timeout=120s")
	kinds := strings.Fields(h.kubectl("api-resources", "--verbs=list", "-o", "name"))
	// Events go by themselves, and metrics are no objects.
	kinds = slices.DeleteFunc(kinds, func(k string) bool { return strings.HasPrefix(k, "events") || strings.HasSuffix(k, "metrics.k8s.io") })
	var left []string
	for line := range strings.Lines(h.kubectl("get", strings.Join(kinds, ","), "-A", "--ignore-not-found", "-o",
		`jsonpath={range .items[*]}{.metadata.namespace}{" "}{.kind}/{.metadata.name}{"\n"}{end}`)) {
		if namespace, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); !strings.HasPrefix(name, "ConfigMap/flyball-memory-") &&
			(namespace == "flyball-system" || strings.Contains(name, "/flyball") || strings.Contains(name, "helm.release")) {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	want := []string{
		"ClusterTriggerAuthentication/flyball", "ConfigMap/flyball-demand", "ConfigMap/kube-root-ca.crt",
		"Lease/flyball-controller", "Lease/flyball-scaler", "Namespace/flyball-system", "Secret/flyball-controller-tls",
		"Secret/flyball-keda-tls", "Secret/flyball-prometheus", "Secret/flyball-scaler-tls", "ServiceAccount/default",
	}
	if diff := cmp.Diff(want, slices.Compact(left)); diff != "" {
		h.t.Errorf("left after helm uninstall: -want +got\n%s", diff)
	}
}
