package rehearse

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
)

const header = `service demo/llama
endpoint http://llama.demo.svc/v1
model m
part keda keda/keda-operator
let up 90s
`

func TestParse(t *testing.T) {
	got, err := Parse("r.txt", header+`
before            # what must not be left from last time
  kubectl delete ns demo --ignore-not-found
step one: the first # with a title
  apply 01.yaml
  shell 02.sh for 20s
  kubectl patch x -p '{"a": "$up"}'
  expect replicas 3..5 within $up
  expect event inferenceservice/llama says="two words" within 5s
  fails without keda
step two: the second
  load start rate=0.5 output=2000 for=2m
  kill keda
  never two autoscalers
  never scale down
  hold "$up"
  expect value a/b {.spec.x} is "" within 1s
  expect value a/b {.spec.n} in 2..6 within 1s
  load finish
after
  kubectl scale x
`, map[string]string{"up": "2m"})
	if err != nil {
		t.Fatal(err)
	}
	minutes := 2 * time.Minute
	want := Script{
		Service: Ref{"demo", "llama"}, Endpoint: "http://llama.demo.svc/v1", Model: "m",
		Parts:  []Part{{"keda", Ref{"keda", "keda-operator"}}},
		Before: []Line{{8, "kubectl delete ns demo --ignore-not-found", Kubectl{[]string{"delete", "ns", "demo", "--ignore-not-found"}}}},
		Steps: []Step{
			{Name: "one", Title: "the first # with a title", Line: 9, FailsWithout: []string{"keda"}, Lines: []Line{
				{10, "apply 01.yaml", Apply{"01.yaml"}},
				{11, "shell 02.sh for 20s", Shell{"02.sh", 20 * time.Second}},
				{12, `kubectl patch x -p '{"a": "$up"}'`, Kubectl{[]string{"patch", "x", "-p", `{"a": "$up"}`}}},
				{13, "expect replicas 3..5 within $up", Expect{Replicas{3, 5}, minutes}},
				{14, `expect event inferenceservice/llama says="two words" within 5s`, Expect{Event{Object: "inferenceservice/llama", Says: "two words"}, 5 * time.Second}},
			}},
			{Name: "two", Title: "the second", Line: 16, Lines: []Line{
				{17, "load start rate=0.5 output=2000 for=2m", StartLoad{Load{"http://llama.demo.svc/v1", "m", 0.5, 100, 2000, 2 * time.Minute}}},
				{18, "kill keda", Kill{"keda"}},
				{19, "never two autoscalers", NeverTwo{}},
				{20, "never scale down", NeverDown{}},
				{21, `hold "$up"`, Hold{minutes}},
				{22, `expect value a/b {.spec.x} is "" within 1s`, Expect{Value{"a/b", "{.spec.x}", ""}, time.Second}},
				{23, `expect value a/b {.spec.n} in 2..6 within 1s`, Expect{Number{"a/b", "{.spec.n}", 2, 6}, time.Second}},
				{24, "load finish", FinishLoad{}},
			}},
		},
		After: []Line{{26, "kubectl scale x", Kubectl{[]string{"scale", "x"}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse: -want +got\n%s", diff)
	}
}

// TestParseRefuses shows INV-1: a message with file and line, and a hint.
func TestParseRefuses(t *testing.T) {
	step := func(line string) string { return header + "step s: t\n  " + line + "\n" }
	for _, c := range []struct{ text, want, hint string }{
		{"servise demo/llama", `r.txt:1: unknown word "servise"`, "service, endpoint"},
		{"service demo", `r.txt:1: "demo" is no name in a namespace`, "NAMESPACE/NAME"},
		{"let x", "r.txt:1: let has the wrong words", "let NAME VALUE"},
		{"  apply x", "r.txt:1: an indented line outside a block", "start a block"},
		{header + "step one\n", "r.txt:6: step has the wrong words", "step NAME: "},
		{header + "step s: t\nstep s: t\n", "r.txt:7: step s is already on line 6", "differently"},
		{header + "before x", "r.txt:6: before takes no words", "below"},
		{header + "before\nlet a b", "r.txt:7: let comes after a block", "first block"},
		{"step s: t\n", "r.txt: no service line", "service"},
		{header, "r.txt: no step", "step NAME"},
		{step("aply x"), `r.txt:7: unknown word "aply"`, "apply, shell"},
		{step("apply"), "r.txt:7: apply has the wrong words", "apply FILE"},
		{step("apply ../x"), `r.txt:7: "../x" is no file of the folder`, "beside"},
		{step("shell a for"), "r.txt:7: shell has the wrong words", "for TIME"},
		{step("kubectl"), "r.txt:7: kubectl has the wrong words", "kubectl WORDS"},
		{step("kubectl 'x"), "r.txt:7: a ' is not closed", "pairs"},
		{step("hold $down"), "r.txt:7: no let gives $down a value", "let line"},
		{step("hold -3s"), `r.txt:7: "-3s" is no time above zero`, "90s"},
		{step("kill kedda"), `r.txt:7: no part line names "kedda"`, "part kedda"},
		{step("load go"), "r.txt:7: load has the wrong words", "load stop"},
		{step("load start rat=1"), `r.txt:7: unknown word "rat"`, "rate="},
		{step("load start rate=x"), `r.txt:7: "x" is no number`, "rate="},
		{step("load start rate=NaN output=1"), "r.txt:7: rate, output and prompt must be above zero", "rate="},
		{"service a/b\nstep s: t\n load start rate=1", "r.txt:3: load has nowhere to go", "endpoint URL"},
		{step("never scale up"), "r.txt:7: never has the wrong words", "scale down"},
		{step("expect replicas 3"), "r.txt:7: expect says not by when", "within TIME"},
		{step("expect replica 3 within 1s"), `r.txt:7: unknown word "replica"`, "replicas, targets"},
		{step("expect replicas 5..3 within 1s"), `r.txt:7: "5..3" is no whole number, nor two as A..B`, "3..5"},
		{step("expect value a/b {.n} in many within 1s"), `r.txt:7: "many" is no whole number, nor two as A..B`, "in 3..5"},
		{step("expect value a/b {.n} at 3 within 1s"), "r.txt:7: expect value has the wrong words", "JSONPATH in A..B"},
		{step("expect exists llama within 1s"), `r.txt:7: "llama" is no kind and name`, "KIND/NAME"},
		{step("expect condition a/b Ready within 1s"), "r.txt:7: expect condition has the wrong words", "TYPE=STATUS"},
		{step("expect event a/b word=x within 1s"), `r.txt:7: unknown word "word"`, "reason="},
		{step("fails with keda"), "r.txt:7: fails has the wrong words or place", "fails without PART"},
	} {
		_, err := Parse("r.txt", c.text, nil)
		if err == nil || err.Error() != c.want || !strings.Contains(strings.Join(hint.Of(err), "\n"), c.hint) {
			t.Errorf("Parse(%q) = %v, hints %q, want %s, hint with %q", c.text, err, hint.Of(err), c.want, c.hint)
		}
	}
	_, err := Parse("r.txt", header+"step s: t", map[string]string{"down": "1s"})
	if want := `r.txt: no let line named "down"`; err == nil || err.Error() != want {
		t.Errorf("Parse with an unknown name set = %v, want %s", err, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(header + "step s: t\n  expect replicas 3..5 within $up\n  fails without keda\nafter\n")
	f.Add("let a '\n\t\"$\n")
	f.Add(" # \nstep :\nstep a:b\n kubectl '$a'\"$\"")
	place := regexp.MustCompile(`^r\.txt(:[1-9]\d*)?: .`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("r.txt", text, nil)
		if err != nil {
			if !place.MatchString(err.Error()) || len(hint.Of(err)) == 0 {
				t.Fatalf("Parse(%q) = %q with hints %q, want a place and a hint", text, err, hint.Of(err))
			}
			return
		}
		seen := map[string]bool{}
		for _, step := range s.Steps {
			if seen[step.Name] {
				t.Fatalf("Parse(%q): step %s twice", text, step.Name)
			}
			seen[step.Name] = true
		}
		if len(seen) == 0 {
			t.Fatalf("Parse(%q): no step", text)
		}
	})
}
