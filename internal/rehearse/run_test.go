package rehearse

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
)

// world is a folder to rehearse and the cluster of testdata/kubectl.
type world struct {
	t        *testing.T
	dir, fs  string
	out      strings.Builder
	loads    []Load
	stopped  int
	complete int
}

func newWorld(t *testing.T, files map[string]string) *world {
	w := &world{t: t, dir: t.TempDir(), fs: t.TempDir(), complete: 7}
	t.Setenv("WORLD", w.fs)
	for name, text := range files {
		dir := w.dir
		if strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".watch") || strings.HasSuffix(name, ".list") || strings.HasSuffix(name, ".value") {
			dir = w.fs
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) rehearse(ctx context.Context, change func(*Config)) (Report, error) {
	w.t.Helper()
	script, err := Open(w.dir, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	kubectl, err := filepath.Abs("testdata/kubectl")
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := Config{Dir: w.dir, Script: script, Kubectl: kubectl, Out: &w.out, StartLoad: w.startLoad}
	if change != nil {
		change(&cfg)
	}
	return newRun(cfg, 20*time.Millisecond).rehearse(ctx)
}

func (w *world) startLoad(_ context.Context, l Load) (func(bool) Counts, error) {
	w.loads = append(w.loads, l)
	return func(breakOff bool) Counts {
		if breakOff {
			w.stopped++
		}
		return Counts{Sent: 9, Complete: w.complete, Failed: 9 - w.complete}
	}, nil
}

func (w *world) log() string {
	text, err := os.ReadFile(filepath.Join(w.fs, "log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	return string(text)
}

func (w *world) says(want ...string) {
	w.t.Helper()
	text := strings.Join(strings.Fields(strings.ReplaceAll(w.out.String(), "! ", "")), " ")
	for _, s := range want {
		if !strings.Contains(text, s) {
			w.t.Errorf("the timeline does not say %q:\n%s", s, w.out.String())
		}
	}
}

const top = "service demo/llama\nendpoint http://x/v1\nmodel m\npart keda keda/keda-operator\n"

// scaled is the read that the timeline shows.
func scaled(wanted, ready string) string {
	return `{"items":[{"kind":"Deployment","metadata":{"name":"llama-predictor"},"spec":{"replicas":` + wanted +
		`},"status":{"readyReplicas":` + ready + `}},{"kind":"HorizontalPodAutoscaler","metadata":{"name":"keda-hpa-llama-predictor"},
		"spec":{"scaleTargetRef":{"name":"llama-predictor"},"metrics":[{"type":"External","external":{"target":{"averageValue":"1"}}}]},
		"status":{"currentMetrics":[{"type":"External","external":{"current":{"averageValue":"1500m"}}}]}}]}`
}

const pair = "deployments,horizontalpodautoscalers.json"

func TestAllHolds(t *testing.T) {
	w := newWorld(t, map[string]string{
		ScriptName: top + `
before
  kubectl delete old
step apply: the service is there
  apply up.yaml
  expect replicas 2..3 within 10s
  expect targets 1.5/1 within 10s
step seen: everything can be seen
  kubectl patch x -p '{"a": 1}'
  expect exists so/a within 1s
  expect gone so/b within 1s
  expect condition so/a Ready=True within 1s
  expect value so/a {.x} is yes within 1s
  expect value so/c {.n} in 2..6 within 1s
  expect event so/a reason=Why from=flyball says=because within 1s
  shell endless.sh for 50ms
step load: load comes and goes
  load start rate=2 output=3
  kill keda
  never scale down
  never two autoscalers
  hold 50ms
  load stop
after
  kubectl mend it
`,
		"up.yaml":                       "cat > $WORLD/" + pair + " <<'X'\n" + scaled("3", "2") + "\nX\n",
		"endless.sh":                    "echo looking\nsleep 60\n",
		"so_a.json":                     `{"spec":{"replicas":{"min":1}},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`,
		"so_a.json.value":               "yes",
		"so_c.json":                     `{}`,
		"so_c.json.value":               "4",
		"events.json":                   `{"items":[{"involvedObject":{"kind":"SO","name":"a"},"reason":"Why","message":"because","source":{"component":"flyball"},"lastTimestamp":"2999-01-01T00:00:00Z"}]}`,
		"deployments.watch":             `{"type":"MODIFIED","object":{"metadata":{"name":"llama-predictor","resourceVersion":"5"},"spec":{"replicas":2}}}`,
		"scaledobjects.list":            `{"metadata":{"resourceVersion":"4"},"items":[{"metadata":{"name":"a","resourceVersion":"3"},"spec":{"scaleTargetRef":{"name":"llama-predictor"}}}]}`,
		"horizontalpodautoscalers.list": `{"metadata":{"resourceVersion":"4"},"items":[]}`,
	})
	report, err := w.rehearse(t.Context(), nil)
	if diff := cmp.Diff(Report{Passed: 3, Total: 3}, report); diff != "" || err != nil {
		t.Fatalf("Run = %v, %v, -want +got\n%s\n%s", report, err, diff, w.out.String())
	}
	w.says("1.5/1 3 2 seen after 0:00", "| looking", "left out: this rehearsal kills nothing",
		"load: 9 sent, 7 complete, 2 failed, 0", "3 of 3 steps held")
	if diff := cmp.Diff("delete old\napply -f up.yaml\npatch x -p {\"a\": 1}\nmend it\n", w.log()); diff != "" {
		t.Errorf("commands: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]Load{{"http://x/v1", "m", 2, 100, 3, 0}}, w.loads); diff != "" || w.stopped != 1 {
		t.Errorf("loads, stopped %d times: -want +got\n%s", w.stopped, diff)
	}
}

// A script finds the cluster's proxy and the program that runs it, whatever shell the
// rehearsal was started from.
func TestScriptsEnvironment(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FLYBALL_PROXY", "http://another")
	w := newWorld(t, map[string]string{
		ScriptName: top + "step one: t\n  shell look.sh\n",
		"look.sh":  "echo $FLYBALL_PROXY\ncommand -v " + filepath.Base(own) + "\n",
	})
	report, err := w.rehearse(t.Context(), func(c *Config) { c.Proxy = "http://proxy:3128" })
	if err != nil || report.Failed != "" {
		t.Errorf("Run = %+v, %v\n%s", report, err, w.out.String())
	}
	w.says("| http://proxy:3128")
}

// TestFailures shows INV-2 and INV-3: the step that does not hold is named, what
// was seen is told, and the steps behind it are listed.
func TestFailures(t *testing.T) {
	two := func(first, second string) map[string]string {
		return map[string]string{
			"horizontalpodautoscalers.list": `{"metadata":{"resourceVersion":"4"},"items":[{"metadata":{"name":"llama","resourceVersion":"3"},"spec":{"scaleTargetRef":{"name":"llama-predictor"}}}]}`,
			"horizontalpodautoscalers.watch": `{"type":"DELETED","object":{"metadata":{"name":"llama","resourceVersion":"` + first +
				`"},"spec":{"scaleTargetRef":{"name":"llama-predictor"}}}}`,
			"scaledobjects.watch": `{"type":"ADDED","object":{"metadata":{"name":"so","resourceVersion":"` + second +
				`"},"spec":{"scaleTargetRef":{"name":"llama-predictor"}}}}`,
		}
	}
	for name, c := range map[string]struct {
		lines string
		files map[string]string
		want  []string // nil: it holds
	}{
		"too few": {"expect replicas 3 within 50ms", map[string]string{pair: scaled("2", "1")},
			[]string{"not seen within 50ms; seen: replicas desired 2, ready 1"}},
		"no service":      {"expect targets 0/1 within 50ms", nil, []string{"no autoscaler on llama-predictor"}},
		"command":         {"kubectl complain loudly", nil, []string{"kubectl complain: error: loudly"}},
		"script":          {"shell bad.sh", map[string]string{"bad.sh": "echo why >&2; false; true"}, []string{"sh -e bad.sh: why"}},
		"script too soon": {"shell ok.sh for 60s", map[string]string{"ok.sh": "true"}, []string{"ok.sh ended by itself before 1m0s"}},
		"condition": {"expect condition so/a Ready=False within 50ms", map[string]string{"so_a.json": `{"status":{"conditions":[{"type":"Ready","status":"True","reason":"Fine","message":"m"}]}}`},
			[]string{"seen: Ready=True Fine: m"}},
		"old event": {"expect event so/a reason=x within 50ms", map[string]string{
			"events.json": `{"items":[{"involvedObject":{"kind":"SO","name":"a"},"reason":"x","eventTime":"2001-01-01T00:00:00Z"}]}`,
		}, []string{"seen: no event about so/a"}},
		"scaled down": {"never scale down\n  hold 60s", map[string]string{"deployments.watch": `{"type":"MODIFIED","object":{"metadata":{"name":"llama-predictor","resourceVersion":"4"},"spec":{"replicas":2}}}` + `{"type":"MODIFIED","object":{"metadata":{"name":"llama-predictor","resourceVersion":"5"},"spec":{"replicas":1}}}` +
			`{"type":"MODIFIED","object":{"metadata":{"name":"llama-predictor","resourceVersion":"6"},"spec":{"replicas":2}}}`},
			[]string{"deployment llama-predictor was scaled down from 2 to 1"}},
		"overlap":        {"never two autoscalers\n  hold 60s", two("9", "8"), []string{"HorizontalPodAutoscaler llama and ScaledObject so acted on llama-predictor at the same time"}},
		"no gap":         {"never two autoscalers\n  hold 200ms", two("8", "9"), nil},
		"blind":          {"never two autoscalers\n  hold 60s", map[string]string{"horizontalpodautoscalers.watch": "nonsense"}, []string{"the watch of HorizontalPodAutoscaler ended"}},
		"load idle":      {"load stop", nil, []string{"no load is running"}},
		"none to finish": {"load finish", nil, []string{"no load is running"}},
		"never finished": {"load start rate=1 output=1\n  load finish", nil, []string{"without for=TIME"}},
		"not all served": {"load start rate=1 output=1 for=1s\n  load finish", nil, []string{"2 of 9 requests were not answered in full"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{ScriptName: top + "step one: t\n  " + c.lines + "\nstep two: t\n  kubectl go\n"}
			maps.Copy(files, c.files)
			w := newWorld(t, files)
			report, err := w.rehearse(t.Context(), nil)
			want := Report{Passed: 2, Total: 2}
			if c.want != nil {
				want = Report{Total: 2, Failed: "one"}
				w.says(append(c.want, "DOES NOT HOLD", "0 of 2 steps held; one did not", "not run: two")...)
			}
			if diff := cmp.Diff(want, report); diff != "" || err != nil {
				t.Errorf("Run = %v, %v, -want +got\n%s\n%s", report, err, diff, w.out.String())
			}
		})
	}
}

func TestWithoutAPart(t *testing.T) {
	w := newWorld(t, map[string]string{
		ScriptName:                      top + "step one: t\n  kubectl complain x\n  fails without keda\nafter\n  kubectl last\n",
		"deployment_keda-operator.json": `{"spec":{"replicas":2,"selector":{"matchLabels":{"b":"2","a":"1"}}}}`,
	})
	report, err := w.rehearse(t.Context(), func(c *Config) { c.Without = "keda" })
	if report.Failed != "one" || err != nil {
		t.Errorf("Run = %v, %v, want one to fail", report, err)
	}
	want := "scale deployment/keda-operator -n keda --replicas=0\nscale deployment/keda-operator -n keda --replicas=2\nlast\n"
	if diff := cmp.Diff(want, w.log()); diff != "" {
		t.Errorf("commands: -want +got\n%s", diff)
	}
}

func TestKill(t *testing.T) {
	w := newWorld(t, map[string]string{
		ScriptName:                      top + "step one: t\n  kill keda\n",
		"deployment_keda-operator.json": `{"spec":{"selector":{"matchLabels":{"b":"2","a":"1"}}}}`,
	})
	if report, err := w.rehearse(t.Context(), func(c *Config) { c.Kill = "keda" }); report.Passed != 1 || err != nil {
		t.Errorf("Run = %v, %v, want one step to pass", report, err)
	}
	if diff := cmp.Diff("delete pod -n keda -l a=1,b=2 --now --wait=false\n", w.log()); diff != "" {
		t.Errorf("commands: -want +got\n%s", diff)
	}
}

// TestCleanUp shows INV-4.
func TestCleanUp(t *testing.T) {
	w := newWorld(t, map[string]string{
		ScriptName: top + "step one: t\n  load start rate=1 output=1\n  hold 60s\n  load stop\nafter\n  kubectl last\n",
	})
	ctx, cancel := context.WithCancel(t.Context())
	report, err := w.rehearse(ctx, func(c *Config) {
		start := c.StartLoad
		c.StartLoad = func(ctx context.Context, l Load) (func(bool) Counts, error) {
			defer cancel()
			return start(ctx, l)
		}
	})
	if report.Failed != "one" || !errors.Is(err, context.Canceled) || w.stopped != 1 || w.log() != "last\n" {
		t.Errorf("Run = %v, %v; load stopped %d times, then %q; want it broken off, stopped once, last", report, err, w.stopped, w.log())
	}
}

func TestNotPossible(t *testing.T) {
	w := newWorld(t, map[string]string{ScriptName: top + "step one: t\n  kubectl go\n"})
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no such part":    {func(c *Config) { c.Without = "kserve" }, "rehearsing without kserve: rehearsal.txt does not say which step then fails"},
		"no failing step": {func(c *Config) { c.Without = "keda" }, "rehearsing without keda: rehearsal.txt does not say which step then fails"},
		"no kill":         {func(c *Config) { c.Kill = "keda" }, "killing keda: rehearsal.txt has no place for it"},
		"no cluster": {func(*Config) {
			if err := os.WriteFile(filepath.Join(w.fs, "down"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "reaching the cluster: kubectl get: connection refused"},
	} {
		if _, err := w.rehearse(t.Context(), c.change); err == nil || err.Error() != c.want || len(hint.Of(err)) != 1 {
			t.Errorf("Run, %s = %v with hints %q, want %s and a hint", name, err, hint.Of(err), c.want)
		}
		if err := os.Remove(filepath.Join(w.fs, "down")); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if w.log() != "" {
		t.Errorf("commands ran: %s", w.log())
	}
}

func TestOpenFindsMissingFiles(t *testing.T) {
	w := newWorld(t, map[string]string{ScriptName: top + "step one: t\n  shell absent.sh\n"})
	_, err := Open(w.dir, nil)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), ScriptName+":6: ") || len(hint.Of(err)) != 1 {
		t.Errorf("Open = %v, want the line of the missing file and a hint", err)
	}
	if _, err := Open(t.TempDir(), nil); !errors.Is(err, os.ErrNotExist) || len(hint.Of(err)) != 1 {
		t.Errorf("Open of an empty folder = %v, want a missing script and a hint", err)
	}
}
