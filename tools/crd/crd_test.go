// Package crd has the generator of the custom resources and the test of what it made.
package crd

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What is committed is what the types say (make crd).
func TestGenerated(t *testing.T) {
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=tools/crd/go.mod", "controller-gen",
		"object", "crd:allowDangerousTypes=true", "paths=./api/...", "output:dir="+out)
	cmd.Dir = "../.."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("controller-gen: %v, %s", err, text)
	}
	for folder, name := range map[string]string{
		"../../config/crd": "flyball.dev_inferenceautoscalers.yaml", "../../api/v1alpha1": "zz_generated.deepcopy.go",
	} {
		want, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not what api/v1alpha1 says (make crd): %v", name, err)
		}
	}
}
