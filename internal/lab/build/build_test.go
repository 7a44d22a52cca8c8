package build

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
)

// everything is what a build from nothing makes, in order.
var everything = []string{
	"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl",
	"keda-operator", "keda-adapter", "keda-webhooks", "kserve-manager", "prometheus", "promtool",
	"keda.yaml", "kserve.yaml",
}

// A fakeGo stands first in PATH: it "builds" by copying itself, so that the
// kubectl it builds prints its arguments as a rendered manifest would be printed.
const fakeGo = `#!/bin/sh
case "$1" in
env) echo "$GO_SAYS linux amd64" ;;
list) echo "/modules/$6" ;;
kustomize) echo "rendered: $2"; echo "  image: example.com/keda:main" ;;
build)
	while [ "$1" != -o ]; do shift; done
	case "$2" in *"$GO_FAILS") echo "link: no space left on device" >&2; exit 1 ;; esac
	cp "$0" "$2" ;;
esac
`

// checkout is a tree with the lab's modules and fakeGo in PATH.
func checkout(t *testing.T) string {
	t.Helper()
	root, path := t.TempDir(), t.TempDir()
	write(t, filepath.Join(path, "go"), fakeGo, 0o755)
	t.Setenv("PATH", path+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("GO_SAYS", "go1.26.8")
	t.Setenv("GO_FAILS", "no such program")
	for module, requires := range map[string]string{
		"etcd":       "go.etcd.io/etcd/server/v3 v3.7.3",
		"kube":       "k8s.io/kubernetes v1.36.3",
		"keda":       "github.com/kedacore/keda/v2 v2.21.0",
		"kserve":     "github.com/kserve/kserve v0.19.0",
		"prometheus": "github.com/prometheus/prometheus v0.316.0",
	} {
		write(t, filepath.Join(root, "lab", module, "go.mod"), "module "+module+"\n\nrequire (\n\t"+requires+"\n)\n", 0o644)
		write(t, filepath.Join(root, "lab", module, "go.sum"), "sums\n", 0o644)
	}
	write(t, filepath.Join(root, "lab", "etcd", "main.go"), "package main\n", 0o644)
	return root
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// run builds and returns the names that were announced.
func run(t *testing.T, root string) ([]string, error) {
	t.Helper()
	var out bytes.Buffer
	err := Run(t.Context(), Config{Root: root, Progress: &out})
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\[\d+/\d+\] (\S+) done in `).FindAllStringSubmatch(out.String(), -1) {
		names = append(names, m[1])
	}
	return names, err
}

func mustRun(t *testing.T, root string) []string {
	t.Helper()
	names, err := run(t, root)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return names
}

// INV-2, one way a file goes out of date per row.
func TestRunBuildsExactlyWhatIsStale(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, root string)
		want   []string
	}{
		{"nothing changed", func(*testing.T, string) {}, nil},
		{"a program is gone", func(t *testing.T, root string) {
			if err := os.Remove(filepath.Join(root, "bin", "lab", "promtool")); err != nil {
				t.Fatal(err)
			}
		}, []string{"promtool"}},
		{"KServe's sums", func(t *testing.T, root string) {
			write(t, filepath.Join(root, "lab", "kserve", "go.sum"), "other\n", 0o644)
		}, []string{"kserve-manager", "kserve.yaml"}},
		{"etcd's main", func(t *testing.T, root string) {
			write(t, filepath.Join(root, "lab", "etcd", "main.go"), "package main // new\n", 0o644)
		}, []string{"etcd"}},
		{"the toolchain", func(t *testing.T, _ string) { t.Setenv("GO_SAYS", "go1.27.0") }, everything},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := checkout(t)
			if diff := cmp.Diff(everything, mustRun(t, root)); diff != "" {
				t.Fatalf("first run: -want +got\n%s", diff)
			}
			tc.change(t, root)
			if diff := cmp.Diff(tc.want, mustRun(t, root)); diff != "" {
				t.Errorf("second run: -want +got\n%s", diff)
			}
			if again := mustRun(t, root); again != nil {
				t.Errorf("third run built %v, want nothing", again)
			}
		})
	}
}

// INV-1: the old program stays, no temporary file is left, and the error says
// what go said and what to do.
func TestRunKeepsTheOldProgramWhenABuildFails(t *testing.T) {
	root := checkout(t)
	mustRun(t, root)
	old := filepath.Join(root, "bin", "lab", "prometheus")
	write(t, old, "old", 0o755)
	write(t, filepath.Join(root, "lab", "prometheus", "go.sum"), "other\n", 0o644)
	t.Setenv("GO_FAILS", "-prometheus")
	_, err := run(t, root)
	if err == nil || !strings.Contains(err.Error(), "building prometheus: go build: exit status 1\nlink: no space left on device") {
		t.Fatalf("Run = %v, want go's own words", err)
	}
	if len(hint.Of(err)) == 0 {
		t.Error("the error has no hint")
	}
	if text, err := os.ReadFile(old); err != nil || string(text) != "old" {
		t.Errorf("the old program reads %q, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "bin", "lab", ".new-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	t.Setenv("GO_FAILS", "no such program")
	if diff := cmp.Diff([]string{"prometheus", "promtool"}, mustRun(t, root)); diff != "" {
		t.Errorf("fixed: -want +got\n%s", diff)
	}
}

func TestRunRendersManifestsFromTheModule(t *testing.T) {
	root := checkout(t)
	mustRun(t, root)
	got, err := os.ReadFile(filepath.Join(root, "bin", "lab", "manifests", "keda.yaml"))
	want := "rendered: /modules/github.com/kedacore/keda/v2/config/default\n  image: example.com/keda:2.21.0\n"
	if err != nil || string(got) != want {
		t.Errorf("keda.yaml = %q, %v, want %q", got, err, want)
	}
}

func TestRunNamesWhatIsMissing(t *testing.T) {
	t.Run("go", func(t *testing.T) {
		root := checkout(t)
		t.Setenv("PATH", t.TempDir())
		_, err := run(t, root)
		if hints := hint.Of(err); len(hints) != 1 || !strings.Contains(hints[0], "install Go") {
			t.Errorf("Run = %v with hints %v, want the hint to install Go", err, hints)
		}
	})
	t.Run("a pin", func(t *testing.T) {
		root := checkout(t)
		write(t, filepath.Join(root, "lab", "prometheus", "go.mod"), "module prometheus\n", 0o644)
		if _, err := run(t, root); err == nil || !strings.Contains(err.Error(), "requires no github.com/prometheus/prometheus") {
			t.Errorf("Run = %v, want the missing pin", err)
		}
	})
	t.Run("the checkout", func(t *testing.T) {
		if _, err := FindRoot(t.TempDir()); len(hint.Of(err)) != 1 {
			t.Errorf("FindRoot = %v, want an error with a hint", err)
		}
	})
}

func TestRunStopsWhenAsked(t *testing.T) {
	root := checkout(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, Config{Root: root, Progress: &bytes.Buffer{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want %v", err, context.Canceled)
	}
}

func TestFindRootLooksUpwards(t *testing.T) {
	root := checkout(t)
	if got, err := FindRoot(filepath.Join(root, "lab", "etcd")); err != nil || got != root {
		t.Errorf("FindRoot = %q, %v, want %q", got, err, root)
	}
}
