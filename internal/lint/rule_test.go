package lint_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/lint"
	"github.com/flyball-dev/flyball/internal/manifest"
)

var rewrite = flag.Bool("rewrite", false, "write the table in docs/lint.md anew")

func read(t *testing.T, manifests ...string) []*manifest.Document {
	t.Helper()
	objects, err := manifest.Read(manifest.File{Name: "x.yaml", Text: []byte(strings.Join(manifests, "\n---\n"))})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	return objects
}

// fired are the rules that complain, sorted, each once.
func fired(findings []lint.Finding) []string {
	all := []string{}
	for _, f := range findings {
		all = append(all, f.Rule)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// exampleOptions are those that the examples' rules need.
func exampleOptions(r lint.Rule) lint.Options {
	o := lint.Default()
	switch flag, _, _ := strings.Cut(r.Flag, " "); flag {
	case "--gap":
		o.Gap = 10 * time.Minute
	case "--gpus":
		o.GPUs = 8
	}
	return o
}

// INV-2: a rule's example makes it complain and no other; fixed, none complains. That
// something is not simulated may be said beside.
func TestExamples(t *testing.T) {
	for _, r := range lint.Rules() {
		t.Run(r.ID, func(t *testing.T) {
			if r.Bad() == "" || r.Good() == "" || r.Bad() == r.Good() || r.Why == "" || r.Fix == "" || r.Title == "" {
				t.Fatalf("rule %s lacks an example, a title, a why or a fix", r.ID)
			}
			want := []string{r.ID}
			if strings.HasPrefix(r.Flag, "--live") {
				want = []string{} // TestLiveExamples
			}
			notSimulated := func(f lint.Finding) bool { return f.Rule == "not-simulated" && r.ID != f.Rule }
			bad := slices.DeleteFunc(lint.Lint(read(t, r.Bad()), exampleOptions(r)), notSimulated)
			if diff := cmp.Diff(want, fired(bad)); diff != "" {
				t.Errorf("Lint(bad): -want +got\n%s%v", diff, bad)
			}
			if good := slices.DeleteFunc(lint.Lint(read(t, r.Good()), exampleOptions(r)), notSimulated); len(good) > 0 {
				t.Errorf("Lint(good) = %v, want none", good)
			}
		})
	}
}

const page = "../../docs/lint.md"

// INV-1: docs/lint.md lists every rule; -rewrite writes its table anew.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = "<!-- rules, written by make golden -->\n", "<!-- end of the rules -->\n"
	before, rest, _ := strings.Cut(string(text), from)
	_, after, ok := strings.Cut(rest, to)
	if !ok {
		t.Fatalf("%s lacks the marks of its table", page)
	}
	want := before + from + lint.Table() + to + after
	if *rewrite {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s is out of date, run make golden: -want +got\n%s", page, diff)
	}
}
