package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	kube = `module lab/kube

go 1.26.0

tool k8s.io/kubernetes/cmd/kubectl

replace k8s.io/api => k8s.io/api v0.36.4

require k8s.io/kubernetes v1.36.3 // indirect

require (
	k8s.io/api v0.36.4 // indirect
	k8s.io/streaming v0.36.4 // indirect
)
`
	kubernetes134 = `module k8s.io/kubernetes

go 1.24.0

require (
	k8s.io/api v0.0.0
	k8s.io/klog/v2 v2.130.1
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	example.com/old v1.0.0 => example.com/new v1.1.0
)

exclude example.com/bad v0.1.0
`
	keda = "module lab/keda\n\ngo 1.26.0\n\nrequire github.com/kedacore/keda/v2 v2.21.0 // indirect\n"
)

// A version is built with what its own go.mod names, and nothing that another one needed.
func TestAsTheyBuild(t *testing.T) {
	const want = `module lab/kube

go 1.26.0

tool k8s.io/kubernetes/cmd/kubectl

require k8s.io/kubernetes v1.34.4 // indirect

replace k8s.io/api => k8s.io/api v0.34.4

replace example.com/old v1.0.0 => example.com/new v1.1.0

exclude example.com/bad v0.1.0
`
	got, err := asTheyBuild([]byte(kube), []byte(kubernetes134), "k8s.io/kubernetes", "1.34.4")
	if err != nil || string(got) != want {
		t.Errorf("asTheyBuild =\n%s%v, want\n%s", got, err, want)
	}
	for _, bad := range [][2]string{{"", kubernetes134}, {kube, "modul"}} {
		if _, err := asTheyBuild([]byte(bad[0]+"!"), []byte(bad[1]), "k8s.io/kubernetes", "1.34.4"); err == nil {
			t.Errorf("asTheyBuild(%q): no error, want one", bad)
		}
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

// notHeld is what 'flyball rehearse' prints of a step that does not hold.
const notHeld = ` 0:58 woken            0/4       0     0  expect replicas 1 within $ready
 1:58 woken            0/4       0     0  DOES NOT HOLD
      ! rehearsal.txt:36: expect replicas 1
      ! within $ready: not seen within 1m0s

2 of 9 steps held; woken did not
`

// standIn is a checkout in which git, go and flyball are scripts.
func standIn(t *testing.T, flyball string) string {
	t.Helper()
	root, path := t.TempDir(), t.TempDir()
	t.Setenv("PATH", path+string(os.PathListSeparator)+os.Getenv("PATH"))
	page := begin + end
	for name, text := range map[string]string{
		filepath.Join(path, "git"):        "#!/bin/sh\necho v1\n",
		filepath.Join(path, "go"):         "#!/bin/sh\n" + `case "$*" in "mod download "*) echo "{\"GoMod\": \"$(dirname "$0")/theirs.mod\"}" ;; esac` + "\n",
		filepath.Join(path, "theirs.mod"): kubernetes134,
		"bin/flyball":                     "#!/bin/sh\n" + flyball,
		"bin/zero.txt":                    notHeld,
		"lab/etcd/go.mod":                 "module etcd\n", "lab/kube/go.mod": kube, "lab/keda/go.mod": keda,
		"lab/kserve/go.mod": "module kserve\n", "lab/prometheus/go.mod": "module prometheus\n",
		"bin/lab/prometheus": "program", "bin/lab/.stamps/prometheus": "stamp", "bin/lab/kubectl": "the lab's", "bin/lab/keda-operator": "the lab's",
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
mkdir -p bin/lab
[ -e bin/lab/keda-operator ] || echo "this cell's" >bin/lab/keda-operator
case "$PWD $*" in
*2.20.2*zero*) cat "$(dirname "$0")/zero.txt"; echo "flyball-gateway ready after 41.9s" >&2; exit 1 ;;
*1.35.4*rehearse*) echo "flyball: starting kube-apiserver: unknown flag" >&2; exit 2 ;;
*2.16.1*" lab") echo "flyball: building keda-operator: go build: exit status 1" >&2; exit 2 ;;
esac
`
	root := standIn(t, flyball)
	for _, cells := range [][]string{{"kubernetes=1.36.3"}, {"kubernetes=1.36.3"}, {"keda=2.21.0", "kubernetes=1.35.4"}, {"keda=2.20.2", "kubernetes=1.34.4"}} {
		if err := run(context.Background(), root, false, cells); err != nil {
			t.Fatal(err)
		}
	}
	asked, err := os.ReadFile(filepath.Join(root, "bin", "asked"))
	if err != nil || strings.Count(string(asked), "\n") != 10 {
		t.Errorf("flyball was asked for\n%s%v, want four builds and six rehearsals", asked, err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "compat.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| KEDA 2.21.0 | not run | `make test` | does not run | not run |", "| KEDA 2.20.2 | not run | degrades | not run | degrades |", "| KEDA 2.16.1 | not run | does not build |",
		"examples/zero: rehearsal.txt:36: expect replicas 1 within $ready: not seen within 1m0s", "building keda-operator: go build: exit status 1",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("docs/compat.md =\n%swant %q", page, want)
		}
	}
	if readme, err := os.ReadFile(filepath.Join(root, "README.md")); err != nil || strings.Contains(string(readme), "woken") {
		t.Errorf("README = %s, %v, want the matrix alone", readme, err)
	}
	for path, want := range map[string]string{
		"keda-2.20.2-kubernetes-1.36.3/bin/lab/prometheus":    "program",
		"keda-2.20.2-kubernetes-1.36.3/bin/lab/kubectl":       "the lab's",
		"keda-2.20.2-kubernetes-1.36.3/bin/lab/keda-operator": "this cell's",
		"keda-2.20.2-kubernetes-1.34.4/bin/lab/keda-operator": "this cell's",
	} {
		if got, err := os.ReadFile(filepath.Join(root, "bin", "compat", path)); err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s = %q, %v, want %q", path, got, err, want)
		}
	}
	if err := run(context.Background(), root, false, []string{"kserve=1"}); err == nil {
		t.Error("run of an unknown part: no error, want one")
	}
}
