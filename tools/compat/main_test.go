package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const gomod = `module lab

replace (
	k8s.io/api => k8s.io/api v0.36.4
	k8s.io/client-go => k8s.io/client-go v0.36.4
)

require (
	github.com/kedacore/keda/v2 v2.21.0 // indirect
	k8s.io/kubernetes v1.36.3 // indirect
)
`

func TestRepinned(t *testing.T) {
	from := cell{"2.21.0", "1.36.3"}
	got, err := repinned(gomod, from, cell{"2.16.1", "1.34.4"})
	if err != nil || strings.Contains(got, "0.36") || strings.Count(got, " v0.34.4\n") != 2 || !strings.Contains(got, "keda/v2 v2.16.1 //") || !strings.Contains(got, "kubernetes v1.34.4 //") {
		t.Errorf("repinned = %s, %v, want all at the cell's versions", got, err)
	}
	if got, err := repinned(gomod, from, cell{"2.20.2", "1.36.3"}); err != nil || strings.Count(got, "v0.36.4\n") != 2 {
		t.Errorf("repinned = %s, %v, want Kubernetes' modules as they are", got, err)
	}
	if _, err := repinned(gomod, cell{"2.0.0", "1.36.3"}, from); err == nil {
		t.Error("repinned from a version that is not there: no error, want one")
	}
}

// The versions that the lab pins are in the matrix, and the pages show what the results say.
func TestPages(t *testing.T) {
	b, err := open("../..")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.matrix(), "`make test`") {
		if _, ok := b.find(b.pinned); !ok {
			t.Errorf("%s, which the lab runs, is not in the matrix", b.pinned)
		}
	}
	for _, page := range []string{"docs/compat.md", "README.md"} {
		text, err := os.ReadFile(b.path(page))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := b.shown(page, string(text)); err != nil || want != string(text) {
			t.Errorf("%s does not show the results (make generate): %v", page, err)
		}
	}
}

func TestChoose(t *testing.T) {
	if got, err := choose([]string{"keda=2.16.1", "kubernetes=1.36.3"}); err != nil || len(got) != 1 || got[0] != (cell{"2.16.1", "1.36.3"}) {
		t.Errorf("choose = %v, %v, want one cell", got, err)
	}
	if got, err := choose(nil); err != nil || len(got) != len(kedas)*len(kubernetes) {
		t.Errorf("choose = %v, %v, want all", got, err)
	}
	for _, args := range [][]string{{"kserve=1"}, {"keda=9"}} {
		if _, err := choose(args); err == nil {
			t.Errorf("choose(%v): no error, want one", args)
		}
	}
}

// standIn is a checkout in which git, go and flyball are scripts.
func standIn(t *testing.T, flyball string) string {
	t.Helper()
	root, path := t.TempDir(), t.TempDir()
	t.Setenv("PATH", path+string(os.PathListSeparator)+os.Getenv("PATH"))
	page := begin + end
	for name, text := range map[string]string{
		filepath.Join(path, "git"): "#!/bin/sh\necho v1\n",
		filepath.Join(path, "go"):  "#!/bin/sh\n",
		"bin/flyball":              "#!/bin/sh\n" + flyball,
		"lab/kube/go.mod":          gomod, "lab/kserve/go.mod": "module kserve\n", "lab/prometheus/go.mod": "module prometheus\n",
		"bin/lab/prometheus": "program", "bin/lab/.stamps/prometheus": "stamp",
		"docs/compat.md": page, "README.md": page, "tools/compat/results.json": "[]",
	} {
		if !filepath.IsAbs(name) {
			name = filepath.Join(root, name)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Each cell ends in one word, with its reason on the page; a cell that has one is not run
// again, and the lab's own is make test's.
func TestRun(t *testing.T) {
	const flyball = `echo "$@" >>"$(dirname "$0")/asked"
case "$PWD $*" in
*2.20.2*zero*) echo "flyball: rehearsing examples/zero: step woken does not hold" >&2; echo "hint: look" >&2; exit 1 ;;
*1.35.4*rehearse*) echo "flyball: starting kube-apiserver: unknown flag" >&2; exit 2 ;;
*2.16.1*" lab") echo "flyball: building keda-operator: go build: exit status 1" >&2; exit 2 ;;
esac
`
	root := standIn(t, flyball)
	for _, cells := range [][]string{{"kubernetes=1.36.3"}, {"kubernetes=1.36.3"}, {"keda=2.21.0", "kubernetes=1.35.4"}} {
		if err := run(context.Background(), root, false, cells); err != nil {
			t.Fatal(err)
		}
	}
	asked, err := os.ReadFile(filepath.Join(root, "bin", "asked"))
	if err != nil || strings.Count(string(asked), "\n") != 7 {
		t.Errorf("flyball was asked for\n%s%v, want three builds and four rehearsals", asked, err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "compat.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| KEDA 2.21.0 | not run | `make test` | does not run | not run |", "| KEDA 2.20.2 | not run | degrades |", "| KEDA 2.16.1 | not run | does not build |",
		"examples/zero: rehearsing examples/zero: step woken does not hold", "building keda-operator: go build: exit status 1",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("docs/compat.md =\n%swant %q", page, want)
		}
	}
	if readme, err := os.ReadFile(filepath.Join(root, "README.md")); err != nil || strings.Contains(string(readme), "woken") {
		t.Errorf("README = %s, %v, want the matrix alone", readme, err)
	}
	linked, err := os.Stat(filepath.Join(root, "bin/compat/keda-2.20.2-kubernetes-1.36.3/bin/lab/prometheus"))
	if err != nil || linked.Size() != int64(len("program")) {
		t.Errorf("the cell's prometheus = %v, %v, want the lab's", linked, err)
	}
	if err := run(context.Background(), root, false, []string{"kserve=1"}); err == nil {
		t.Error("run of an unknown part: no error, want one")
	}
}
