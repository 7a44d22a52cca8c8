//go:build e2e

package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDrainComponents puts them on top of both kustomizations that install the controller.
func TestDrainComponents(t *testing.T) {
	for base, components := range map[string][]string{"default": {"webhook", "cert-manager"}, "complete": {"webhook", "cert-manager", "cost"}} {
		t.Run(base, func(t *testing.T) {
			folder := t.TempDir()
			here, err := filepath.Abs(".")
			if err != nil {
				t.Fatal(err)
			}
			up, err := filepath.Rel(folder, here)
			if err != nil {
				t.Fatal(err)
			}
			text := "resources: [" + up + "/" + base + "]\ncomponents:\n"
			for _, c := range components {
				text += "  - " + up + "/drain/" + c + "\n"
			}
			if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), "../bin/lab/kubectl", "kustomize", folder).CombinedOutput()
			if err != nil {
				t.Fatalf("kubectl kustomize: %v, %s (build bin/lab with 'make lab')", err, out)
			}
			for _, want := range []string{
				"- --drain-webhook=$(POD_IP):9443\n", "secretName: flyball-drain-webhook\n",
				"cert-manager.io/inject-ca-from: flyball-system/flyball-drain-webhook\n",
			} {
				if !strings.Contains(string(out), want) {
					t.Errorf("%q is missing", want)
				}
			}
			if got, want := strings.Contains(string(out), "- --deletion-cost\n"), base == "complete"; got != want {
				t.Errorf("--deletion-cost: %v, want %v", got, want)
			}
		})
	}
}
