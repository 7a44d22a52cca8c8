package archtest

import (
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// repository is where the tests run, seen from this folder.
const repository = "../.."

var rewrite = flag.Bool("rewrite", false, "write docs/invariants.md again")

// TestTree holds the house to its rules.
func TestTree(t *testing.T) {
	found, err := Check(os.DirFS(repository))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Errorf("%v", v)
	}
}

// What is on the list of what may outgrow its folder has done so.
func TestUnsplit(t *testing.T) {
	house, err := load(os.DirFS(repository))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, g := range outgrown(house) {
		found[g.name] = true
	}
	for name := range unsplit() {
		if !found[name] {
			t.Errorf("%s is on the list and is not too large: take it off", name)
		}
	}
}

// TestSequential: what the Makefile keeps from the race detector has no race to be found.
func TestSequential(t *testing.T) {
	text, err := os.ReadFile(repository + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(text), "\nSEQUENTIAL := ")
	if !found {
		t.Fatal("the Makefile has no list SEQUENTIAL")
	}
	list, _, _ = strings.Cut(list, "\n")
	house, err := load(os.DirFS(repository))
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(list) {
		files := house.packages["internal/"+name]
		if len(files) == 0 {
			t.Errorf("SEQUENTIAL: there is no package internal/%s", name)
		}
		for _, f := range files {
			for _, where := range concurrent(f) {
				t.Errorf("%v: runs concurrently; take %s off SEQUENTIAL in the Makefile", house.fset.Position(where), name)
			}
		}
	}
}

// INV-2: whatever starts goroutines is found.
func TestConcurrent(t *testing.T) {
	for text, want := range map[string]int{
		"package a\n\nfunc f() { f() }\n":                                                0,
		"package a\n\nfunc f() { go f() }\n":                                             1,
		"package a\n\nimport \"sync\"\n\nvar mu sync.Mutex\n":                            1,
		"package a\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) { t.Parallel() }\n": 1,
	} {
		house, err := load(files("internal/a/a.go", text))
		if err != nil {
			t.Fatal(err)
		}
		if got := concurrent(house.packages["internal/a"][0]); len(got) != want {
			t.Errorf("%q: %d places, want %d", text, len(got), want)
		}
	}
}

// concurrent lists where a file starts goroutines, by itself or by what it imports.
func concurrent(f file) (all []token.Pos) {
	for _, i := range f.imports() {
		if slices.Contains([]string{"sync", "sync/atomic", "testing/synctest", "net/http", "net/http/httptest", "golang.org/x/sync/errgroup"}, i.path) {
			all = append(all, i.pos)
		}
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			all = append(all, n.Pos())
		case *ast.SelectorExpr:
			if n.Sel.Name == "Parallel" || n.Sel.Name == "RunParallel" {
				all = append(all, n.Pos())
			}
		}
		return true
	})
	return all
}

// TestInvariantsPage keeps docs/invariants.md what the packages say; -rewrite
// (make generate) writes it.
func TestInvariantsPage(t *testing.T) {
	const page = repository + "/docs/invariants.md"
	want, err := Page(os.DirFS(repository))
	if err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/invariants.md is not what the packages say (run make generate): -want +got\n%s", diff)
	}
}

// clean is a small house without a fault; each case plants one file in it.
func clean() fstest.MapFS {
	doc := func(name string) string {
		return "// Package " + name + " is small.\n//\n// INV-1: it is right.\n//\n// It deliberately knows nothing.\npackage " + name + "\n"
	}
	return files(
		"go.mod", "module github.com/flyball-dev/flyball\n",
		"cmd/flyball/main.go", "package main\n\nimport \"github.com/flyball-dev/flyball/internal/cli\"\n\nfunc main() { cli.Main() }\n",
		"cmd/flyball-server/main.go", "package main\n\nimport \"github.com/flyball-dev/flyball/internal/cli/serve\"\n\nfunc main() { serve.Main() }\n",
		"internal/cli/serve/doc.go", doc("serve"),
		"internal/cli/doc.go", doc("cli"),
		"internal/cli/main.go", "package cli\n\nimport _ \"github.com/flyball-dev/flyball/internal/lab/net4\"\n\nfunc Main() {}\n",
		"internal/hint/doc.go", doc("hint"),
		"internal/lab/doc.go", doc("lab"),
		"internal/lab/net4/doc.go", doc("net4"),
		"internal/lab/net4/a.go", "package net4\n\nimport _ \"github.com/flyball-dev/flyball/internal/lab\"\nimport _ \"github.com/flyball-dev/flyball/internal/plant\"\n",
		"internal/plant/doc.go", doc("plant"),
		"internal/des/doc.go", doc("des"),
		"internal/validate/doc.go", doc("validate"),
		"internal/vllmsim/doc.go", doc("vllmsim"),
		"internal/vllmsim/a.go", lines("package vllmsim\n", 499), "internal/vllmsim/b.go", lines("package vllmsim\n", 499),
		"internal/vllmsim/c.go", lines("package vllmsim\n", 499), "internal/vllmsim/d.go", lines("package vllmsim\n", 499),
		"internal/hint/meant.go", lines("package hint\n", 200), "internal/hint/meantone.go", lines("package hint\n", 200),
		"internal/vllm/doc.go", doc("vllm"),
		"internal/gateway/doc.go", doc("gateway"),
		"internal/policy/doc.go", doc("policy"),
		"e2e/e2e_test.go", "package e2e\n\nimport _ \"github.com/flyball-dev/flyball/internal/lab\"\n",
		"lab/kube/go.mod", "module other\n",
		"lab/kube/x/main.go", "package x\n\nfunc init() { panic(1) }\n",
	)
}

func files(pathText ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pathText); i += 2 {
		fsys[pathText[i]] = &fstest.MapFile{Data: []byte(pathText[i+1])}
	}
	return fsys
}

func TestCleanHouse(t *testing.T) {
	found, err := Check(clean())
	if err != nil || len(found) > 0 {
		t.Errorf("Check(clean) = %v, %v, want nothing", found, err)
	}
}

// INV-1 and INV-2: one planted violation per row, reported at its line by its
// rule; rows without a line must pass.
func TestPlantedViolations(t *testing.T) {
	proved := map[string]bool{}
	for i, p := range slices.Concat(plantedLayers(), plantedShapes(), plantedRooms(), plantedCalls(), plantedDocs(), plantedWords()) {
		t.Run(fmt.Sprintf("%s/%d", p.rule, i), func(t *testing.T) {
			fsys := clean()
			fsys[p.file] = &fstest.MapFile{Data: []byte(p.text)}
			found, err := Check(fsys)
			if err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, v := range found {
				got = append(got, fmt.Sprintf("%s %s:%d", v.Rule, v.File, v.Line))
				if v.Why == "" || v.What == "" {
					t.Errorf("%v says no what or why", v)
				}
			}
			if p.line > 0 {
				want = []string{fmt.Sprintf("%s %s:%d", p.rule, p.file, p.line)}
				proved[p.rule] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Check: -want +got\n%s", diff)
			}
		})
	}
	for _, r := range rules() {
		if !proved[r.name] {
			t.Errorf("rule %q has no planted violation", r.name)
		}
	}
}

func TestPage(t *testing.T) {
	fsys := files(
		"internal/lab/doc.go", "// Package lab is small.\n//\n// INV-1: a | b,\n// and more.\n//\n// INV-2: never c.\npackage lab\n",
		"internal/lab/a_test.go", "package lab\n\n// INV-1.\nfunc TestA() {}\n\nfunc TestB() {\n\tf(\"INV-1: x\")\n}\n\nfunc helper() { f(\"INV-2\") }\n",
	)
	got, err := Page(fsys)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(got, "## internal/lab\n\n")
	want := "| | statement | tests |\n|---|---|---|\n| INV-1 | a \\| b, and more. | `TestA`, `TestB` |\n| INV-2 | never c. |  |\n"
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("Page: -want +got\n%s", diff)
	}
}
