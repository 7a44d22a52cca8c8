//go:build lintproof

package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestLintBites runs the linter with the house's configuration over a module of
// planted violations. A limit that is switched off, or whose settings are not
// read, is otherwise seen by nobody: the tree looks clean.
func TestLintBites(t *testing.T) {
	const want = "testdata/violations/want.txt"
	found := lintPlanted(t)
	for _, linter := range enabled(t) {
		if !slices.ContainsFunc(found, func(line string) bool { return strings.Contains(line, " "+linter+": ") }) {
			t.Errorf("%s is enabled and reports no planted violation", linter)
		}
	}
	got := strings.Join(found, "\n") + "\n"
	if *rewrite {
		if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), got); diff != "" {
		t.Errorf("the linter over planted violations: -want +got\n%s", diff)
	}
}

// lintPlanted returns one line "file:line linter: text" per report.
func lintPlanted(t *testing.T) []string {
	t.Helper()
	config, err := filepath.Abs(repository + "/.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	linter, err := filepath.Abs(repository + "/bin/tools/golangci-lint")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(linter, "run", "-c", config, "--path-mode", "abs", "--output.json.path", "stdout", "--show-stats=false", "./...")
	cmd.Dir = "testdata/violations"
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running the linter (make lint-proof builds it): %v", err)
	}
	var report struct {
		Issues []struct {
			FromLinter, Text string
			Pos              struct {
				Filename string
				Line     int
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("reading the linter's report: %v\n%s", err, out)
	}
	dir, err := filepath.Abs(cmd.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, i := range report.Issues {
		file := strings.TrimPrefix(i.Pos.Filename, dir+"/")
		found = append(found, fmt.Sprintf("%s:%d %s: %s", file, i.Pos.Line, i.FromLinter, i.Text))
	}
	slices.Sort(found)
	return found
}

func enabled(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(repository + "/.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct{ Enable []string }
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Linters.Enable) < 20 || !slices.IsSorted(config.Linters.Enable) {
		t.Errorf("linters enabled: %v, want an alphabetical list of the house's", config.Linters.Enable)
	}
	return config.Linters.Enable
}
