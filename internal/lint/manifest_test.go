package lint_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/lint"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// INV-4: findings name the line of the key, in lists, JSON and behind aliases as well.
func TestReadPlaces(t *testing.T) {
	bad := find(t, "metadata-not-text").Bad()
	indent := "    " + strings.ReplaceAll(strings.TrimSuffix(bad, "\n"), "\n", "\n    ")
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"plain":    {bad, 19},
		"second":   {"kind: Other\n---\n# nothing\n---\n" + bad, 23},
		"windows":  {strings.ReplaceAll(bad, "\n", "\r\n"), 19},
		"a list":   {"apiVersion: v1\nkind: List\nitems:\n  -\n" + indent + "\n", 23},
		"an alias": {strings.Replace("x: &n 16\n"+bad, "threshold: 16", "threshold: *n", 1), 20},
		"json": {`{"apiVersion":"keda.sh/v1alpha1","kind":"ScaledObject","metadata":{"name":"a"},"spec":{"minReplicaCount":1,
"triggers":[{"type":"cron","metadata":{"desiredReplicas":
3}}]}}`, 2},
	} {
		lines := []int{}
		for _, f := range lint.Lint(read(t, c.text), lint.Default()) {
			if f.Rule == "metadata-not-text" {
				lines = append(lines, f.Line)
			}
		}
		if diff := cmp.Diff([]int{c.line}, lines); diff != "" {
			t.Errorf("%s: lines -want +got\n%s", name, diff)
		}
	}
}

// What is merged in counts, after the mapping's own keys.
func TestReadMerges(t *testing.T) {
	good := find(t, "trigger-incomplete").Good()
	merged := strings.Replace(good, "  namespace: demo", "  namespace: demo\n  annotations: {a: &n '16'}", 1)
	merged = strings.Replace(merged, `threshold: "16"`, "<<: [{threshold: *n, query: 'x[1m]'}]", 1)
	if found := lint.Lint(read(t, merged), lint.Default()); len(found) != 0 {
		t.Errorf("Lint = %v, want none", found)
	}
}

// Kinds of other groups, and empty documents, are left out.
func TestReadLeavesOut(t *testing.T) {
	text := "apiVersion: knative.dev/v1\nkind: Deployment\n---\nkind: ScaledObject\n---\n" +
		"apiVersion: v1\nkind: List\nitems: [null, {kind: List}]\n---\n~\n"
	if docs := lint.Known(read(t, text)); len(docs) != 0 {
		t.Errorf("Known = %v, want nothing", docs)
	}
}

// INV-4: no input makes it fail otherwise than by an error.
func FuzzLint(f *testing.F) {
	for _, r := range lint.Rules() {
		f.Add(r.Bad())
	}
	f.Add("a: &a [*a]\nkind: &b {<<: *b}")
	f.Add("apiVersion: v1\nkind: List\nitems: &i [*i, {apiVersion: keda.sh/v1, kind: ScaledObject, spec: &s {<<: [*s, *s], triggers: *i}}]")
	f.Fuzz(func(t *testing.T, text string) {
		objects, err := manifest.Read(manifest.File{Name: "x", Text: []byte(text)})
		if err != nil {
			return
		}
		o := lint.Options{GPUs: 3, MaxNumSeqs: 8, Gap: 1e15, ColdStart: 1e12, Generation: 1e12}
		first := lint.Lint(objects, o)
		if diff := cmp.Diff(first, lint.Lint(objects, o)); diff != "" {
			t.Errorf("not the same twice: %s", diff)
		}
		for _, found := range first {
			if found.Line < 1 || found.Found == "" {
				t.Errorf("no place or text: %v", found)
			}
		}
	})
}

// The names that the rules know are those of docs/vllm-metrics.md.
func TestMetricsPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/vllm-metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(vllm:[a-z0-9_]+)` \\| (\\w+) \\| (\\w+) \\|")
	rows := row.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 40 {
		t.Fatalf("%d rows, want 40 at least", len(rows))
	}
	for _, m := range rows {
		name, kind, shown := m[1], m[2], m[3]
		want := ""
		if kind == "histogram" {
			name += "_bucket"
		}
		if shown == "hidden" || strings.Contains(m[0], "swapped") {
			want = "query-removed-metric"
		}
		found := fired(lint.Lint(read(t, strings.Replace(find(t, "query-syntax").Good(), sum, "sum("+name+selector+")", 1)), lint.Default()))
		got := strings.Join(found, " ")
		if want == "" && strings.Contains(got, "query-") || want != "" && !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", name, got, want)
		}
	}
}

func find(t *testing.T, id string) lint.Rule {
	t.Helper()
	r, ok := lint.Find(id)
	if !ok {
		t.Fatalf("no rule %s", id)
	}
	return r
}
