package reference

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// INV-1.
func TestStaticWorkedExample(t *testing.T) {
	_, got := Static{8}.Step(nil, lawtest.See(0, 3, nil))
	want := law.Output{Replicas: 8, Next: time.Hour, Reasons: []law.Reason{
		{Rule: law.RuleStatic, From: 3, To: 8, Terms: []law.Term{law.Replicas(law.TermReplicas, 8)}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Step: -want +got\n%s", diff)
	}
}

func none(time.Duration) lawtest.Totals { return nil }

func TestScheduleWorkedExample(t *testing.T) {
	made, err := ScheduleSpec().Make("at=0s:2/8h:6/20h:3,every=24h", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := lawtest.Run{From: 2, Until: 33 * time.Hour, Totals: none}.Step(made.Law)
	want := []lawtest.Change{{At: 8 * time.Hour, Replicas: 6}, {At: 20 * time.Hour, Replicas: 3}, {At: 24 * time.Hour, Replicas: 2}, {At: 32 * time.Hour, Replicas: 6}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
	for now, want := range map[time.Duration]int{-1: 3, 0: 2, 23 * time.Hour: 3} {
		if _, out := made.Law.Step(nil, law.Input{Now: now}); out.Replicas != want {
			t.Errorf("Step at %v = %d, want %d", now, out.Replicas, want)
		}
	}
}

func TestOracleWorkedExample(t *testing.T) {
	o := Oracle{Schedule: Schedule{Levels: []Level{{-1, 3}, {5 * time.Minute, 1}}}}
	got := lawtest.Run{From: 3, Until: time.Hour, Totals: none}.Step(o)
	if diff := cmp.Diff([]lawtest.Change{{At: 5 * time.Minute, Replicas: 1}}, got); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
}

func TestSpecsRefuse(t *testing.T) {
	for text, want := range map[string]string{
		"at=0s:2/8h":            `at=0s:2/8h: "8h" is no time and number of replicas, as in 0s:2/8h:6/20h:3`,
		"at=0s:-2":              `at=0s:-2: "0s:-2" is no time and number of replicas, as in 0s:2/8h:6/20h:3`,
		"at=8h:2/8h:3":          `at=8h:2/8h:3: 8h does not come after 8h0m0s`,
		"at=0s:2/8h:3,every=8h": `every=8h0m0s: 8h0m0s is not before it`,
	} {
		if _, err := ScheduleSpec().Make(text, nil); err == nil || err.Error() != want {
			t.Errorf("Make(%q) = %v, want %s", text, err, want)
		}
	}
	if _, err := OracleSpec().Make("target=99", nil); err == nil {
		t.Error("Make(target=99) of the oracle is no error")
	}
}

func TestPlan(t *testing.T) {
	levels := func(p Plan) string { return p.String() }
	p := Always(2).Add(5*time.Minute, 6).Add(8*time.Minute, 1)
	within := law.Bounds{Min: 1, Max: 6}
	for _, tc := range []struct{ name, got, want string }{
		{"one fewer", levels(p.Moved(4*time.Minute, 6*time.Minute, -1, within)), "0s:2/4m0s:1/5m0s:5/6m0s:6/8m0s:1"},
		{"one more", levels(p.Moved(0, 6*time.Minute, 1, within)), "0s:3/5m0s:6/8m0s:1"},
		{"from the start, two fewer", levels(p.Moved(0, 9*time.Minute, -2, within)), "0s:1/5m0s:4/8m0s:1"},
		{"one cold start ahead", levels(p.Ahead(2 * time.Minute)), "0s:2/3m0s:6/8m0s:1"},
		{"a window", levels(p.Window(4*time.Minute, 7*time.Minute)), "0s:2/1m0s:6"},
		{"within", levels(p.Within(law.Bounds{Min: 2, Max: 3})), "0s:2/5m0s:3/8m0s:2"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, tc.got, tc.want)
		}
	}
}
