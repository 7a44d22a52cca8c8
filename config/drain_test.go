//go:build e2e

package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// kustomize builds a user's overlay of config/.
func kustomize(t *testing.T, base string, components []string, more string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "config"), os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	text := "resources: [../config/" + base + "]\n" + more
	if len(components) > 0 {
		text += "components:\n"
	}
	for _, c := range components {
		text += "  - ../config/" + c + "\n"
	}
	if err := os.Mkdir(filepath.Join(folder, "own"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "own", "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "../bin/lab/kubectl", "kustomize", filepath.Join(folder, "own")).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl kustomize: %v, %s (build bin/lab with 'make lab')", err, out)
	}
	return string(out)
}

// TestDrainComponents puts them on top of both kustomizations that install the controller.
func TestDrainComponents(t *testing.T) {
	comments := regexp.MustCompile(` #.*\n`)
	for base, components := range map[string][]string{"default": {"drain/webhook", "cert-manager"}, "complete": {"drain/webhook", "cert-manager", "drain/cost"}} {
		t.Run(base, func(t *testing.T) {
			out := kustomize(t, base, components, "")
			for _, want := range []string{
				"- --drain-webhook=$(POD_IP):9443\n", "secretName: flyball-controller-tls\n",
				"cert-manager.io/inject-ca-from: flyball-system/flyball-controller\n",
			} {
				// kustomize keeps a comment or drops it, by what else changes the object.
				if !strings.Contains(comments.ReplaceAllString(out, "\n"), want) {
					t.Errorf("%q is missing", want)
				}
			}
			if got, want := strings.Contains(out, "- --deletion-cost\n"), base == "complete"; got != want {
				t.Errorf("--deletion-cost: %v, want %v", got, want)
			}
		})
	}
}

// TestAnotherNamespace: what names the namespace within a text follows it, whichever parts
// are there.
func TestAnotherNamespace(t *testing.T) {
	for name, components := range map[string][]string{"all": {"drain/webhook", "cert-manager", "drain/cost"}, "cost": {"drain/cost"}, "none": nil} {
		out := kustomize(t, "complete", components, "namespace: scaling\ntransformers: [../config/namespace]\n")
		if strings.Contains(out, "flyball-system") {
			t.Errorf("%s: flyball-system is left in %s", name, out)
		}
		if name != "none" && !strings.Contains(out, `== "system:serviceaccount:scaling:flyball-controller"`) {
			t.Errorf("%s: the admission policy is not about the account in the namespace", name)
		}
	}
	out := kustomize(t, "complete", []string{"drain/cost"}, "namespace: scaling\n")
	if !strings.Contains(out, `== "system:serviceaccount:flyball-system:flyball-controller"`) {
		t.Error("without the transformer the policy follows by itself: the transformer is not needed")
	}
}
