package scenario

import (
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/data"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

func testEnv() Env {
	return Env{
		Workload: func(text string) (workload.Workload, error) {
			return workload.Find(text, func(name string) (io.ReadCloser, error) { return data.Open(name) })
		},
		Profile: func(name string) (plant.Profile, error) { return plant.FindProfile(name, 0) },
	}
}

func parse(tb testing.TB, text string) File {
	tb.Helper()
	f, err := Parse("test", text, testEnv())
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

const small = `
workload  poisson:rate=3,duration=10m,input=1000,output=200
profile   qwen3-14b-h100
replicas  0..4 from 1
start     schedule=1s load=20s±0.3
objective ttft:p90:1s
objective tpot:p90:50ms
`

// A spy is a law that looks at what it is given.
type spy struct {
	needs   []reading.Signal
	queries []string
	look    func(law.Input)
	n       int
}

func (s spy) Name() string            { return "spy" }
func (s spy) Needs() []reading.Signal { return s.needs }

func (s spy) policy() decide.Policy { return decide.Policy{Law: s, Queries: s.queries} }

func (s spy) Step(_ law.State, in law.Input) (law.State, law.Output) {
	s.look(in)
	return nil, law.Output{Replicas: s.n, Next: in.Now + time.Second}
}

// INV-2: between scrapes a reading stays as it was, and its time is the scrape's.
func TestSeesScrapes(t *testing.T) {
	f := parse(t, small)
	values, last := map[time.Duration]float64{}, time.Duration(0)
	s := spy{needs: []reading.Signal{reading.Running, reading.TTFTp90, reading.Sent}, n: 1, look: func(in law.Input) {
		r := in.Readings.Of(reading.Running).Total
		if r.Quality == reading.Absent {
			return
		}
		if seen, ok := values[r.At]; ok && seen != r.Value {
			t.Errorf("at %v the scrape of %v is %v, it was %v", in.Now, r.At, r.Value, seen)
		}
		if r.At > in.Now || in.Now-r.At > f.Setup.Scrape {
			t.Errorf("at %v the reading is of %v", in.Now, r.At)
		}
		values[r.At], last = r.Value, r.At
	}}
	if _, err := Run(f.Setup, s.policy(), 1); err != nil {
		t.Fatal(err)
	}
	if n := len(values); n < 35 || last < 9*time.Minute {
		t.Errorf("%d scrapes were seen, the last at %v; ten minutes have 40", n, last)
	}
}

// The cpu of a pod is one core or none: with 80 % of one core an HPA goes up as long as
// anything runs.
func TestCPU(t *testing.T) {
	f := parse(t, strings.Replace(small, "rate=3,", "rate=0.05,", 1))
	seen := map[float64]int{}
	s := spy{needs: []reading.Signal{reading.CPU, reading.Running}, n: 1, look: func(in law.Input) {
		cpu, running := in.Readings.Of(reading.CPU).Pods, in.Readings.Of(reading.Running).Pods
		for i, r := range running {
			if !r.Usable() {
				continue
			}
			seen[cpu[i].Value]++
			if cpu[i].Value != min(1, r.Value) || cpu[i].At != r.At {
				t.Errorf("at %v %v requests run and %v cores are in use", in.Now, r, cpu[i])
			}
		}
	}}
	if _, err := Run(f.Setup, s.policy(), 1); err != nil || seen[0] == 0 || seen[1] == 0 || len(seen) != 2 {
		t.Errorf("%v; cores in use %v, want 0 and 1", err, seen)
	}
}

// Phases that are given are kept, and so is the step of the points.
func TestPhasesAndStep(t *testing.T) {
	f := parse(t, small)
	f.Setup.Phases = &Phases{Scrape: 2 * time.Second, Sync: 7 * time.Second}
	f.Setup.Draw, f.Setup.Step = true, 10*time.Second
	s := spy{needs: []reading.Signal{reading.Running}, n: 1, look: func(in law.Input) {
		if in.Phase != 7*time.Second {
			t.Errorf("the first sync is to be at %v, want 7s", in.Phase)
		}
		if at := in.Readings.Of(reading.Running).Total.At; at > 0 && at%f.Setup.Scrape != 2*time.Second {
			t.Errorf("a scrape at %v", at)
		}
	}}
	out, err := Run(f.Setup, s.policy(), 1)
	if err != nil || len(out.Points) < 60 || out.Points[1].At != 10*time.Second {
		t.Errorf("%d points in %v, %v; want one for each ten seconds", len(out.Points), out.Duration, err)
	}
}

// vLLM's and the router's histograms of the same requests have different buckets:
// here all take 10 to 20 ms for a token, and the P90 is read out of one bucket each.
func TestRouterBuckets(t *testing.T) {
	f := parse(t, small)
	got := map[reading.Signal]float64{}
	s := spy{needs: []reading.Signal{reading.TPOTp90, reading.RouterTPOTp90, reading.TTFTp90, reading.RouterTTFTp90}, n: 1, look: func(in law.Input) {
		for _, e := range in.Readings {
			if e.Total.Usable() && in.Now == 5*time.Minute {
				got[e.Signal] = math.Round(1e4*e.Total.Value) / 1e4
			}
		}
	}}
	if _, err := Run(f.Setup, s.policy(), 1); err != nil {
		t.Fatal(err)
	}
	want := map[reading.Signal]float64{reading.TPOTp90: 0.0235, reading.RouterTPOTp90: 0.019, reading.TTFTp90: 0.0889, reading.RouterTTFTp90: 0.097}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("P90 of the series (-want +got):\n%s", diff)
	}
}

// A fake PromQL answers 7, and counts.
type fakePromQL struct{ scrapes, gone int }

func (p *fakePromQL) Scrape(time.Duration, string, []float64) error { p.scrapes++; return nil }
func (p *fakePromQL) Gone(time.Duration, string)                    { p.gone++ }
func (p *fakePromQL) Query(at time.Duration, _ string) reading.Reading {
	return reading.New(7, at)
}

func TestPromQL(t *testing.T) {
	f := parse(t, small)
	var p fakePromQL
	var asked []string
	s := spy{needs: []reading.Signal{reading.Query(0)}, queries: []string{"sum(up)"}, look: func(in law.Input) {
		if v := in.Readings.Of(reading.Query(0)).Total.Value; v != 7 {
			t.Errorf("the query's answer is %v", v)
		}
	}}
	if _, err := Run(f.Setup, s.policy(), 1); err == nil || !strings.Contains(err.Error(), "sum(up)") {
		t.Errorf("without PromQL: %v", err)
	}
	s.n = 2
	f.Setup.PromQL = func(_, _ time.Duration, queries []string) (PromQL, error) {
		asked = queries
		return &p, nil
	}
	if _, err := Run(f.Setup, s.policy(), 1); err != nil || p.scrapes < 40 || len(asked) != 1 {
		t.Errorf("%v; %d scrapes, asked %v", err, p.scrapes, asked)
	}
	if got, want := len(expose(nil, sample{meter: newMeter(t)})), len(Exposed()); got != want {
		t.Errorf("%d values are exposed in %d columns", got, want)
	}
}

// While everything is lost, nothing is read; what comes back is new.
func TestLose(t *testing.T) {
	f := parse(t, small+"lose 4m..6m\n")
	seen := map[bool]int{} // by whether there was a reading
	s := spy{needs: []reading.Signal{reading.Running, reading.Sent}, n: 2, look: func(in law.Input) {
		lost := in.Now >= 4*time.Minute+f.Setup.Scrape && in.Now < 6*time.Minute
		known := in.Now > f.Setup.Scrape && in.Now < 4*time.Minute || in.Now > 6*time.Minute+f.Setup.Scrape
		for _, signal := range []reading.Signal{reading.Running, reading.Sent} {
			got := in.Readings.Of(signal).Total.Usable()
			seen[got]++
			if lost && got || known && !got {
				t.Errorf("at %v %v is %+v", in.Now, signal, in.Readings.Of(signal).Total)
			}
		}
	}}
	_, err := Run(f.Setup, s.policy(), 1)
	if err != nil || seen[false] < 200 || seen[true] < 900 {
		t.Errorf("%v; readings %v", err, seen)
	}
}

// PromQL is told that the targets are gone, once each, and the requests notice nothing.
func TestLosePromQL(t *testing.T) {
	try := func(lines string) (Outcome, fakePromQL) {
		var p fakePromQL
		f := parse(t, small+lines)
		f.Setup.PromQL = func(_, _ time.Duration, _ []string) (PromQL, error) { return &p, nil }
		s := spy{needs: []reading.Signal{reading.Query(0)}, queries: []string{"sum(up)"}, n: 2, look: func(law.Input) {}}
		o, err := Run(f.Setup, s.policy(), 1)
		if err != nil {
			t.Fatal(err)
		}
		return o, p
	}
	with, lost := try("lose 4m..6m")
	without, all := try("")
	if lost.gone != 2 || all.gone != 0 || all.scrapes != lost.scrapes+2*8 {
		t.Errorf("%d of two targets gone, %d scrapes, and %d without a loss: want 16 more", lost.gone, lost.scrapes, all.scrapes)
	}
	if diff := cmp.Diff(without, with); diff != "" {
		t.Errorf("the requests noticed: %s", diff)
	}
}

// halved wants two replicas, and one from the fifth minute on.
type halved struct{ spy }

func (h halved) Step(s law.State, in law.Input) (law.State, law.Output) {
	_, out := h.spy.Step(s, in)
	if in.Now >= 5*time.Minute {
		out.Replicas = 1
	}
	return nil, out
}

// A replica that a scale-in has ended is gone for PromQL too, or its last values would
// count for the five minutes that an instant query looks back.
func TestPromQLForgets(t *testing.T) {
	f := parse(t, small)
	var p fakePromQL
	f.Setup.PromQL = func(_, _ time.Duration, _ []string) (PromQL, error) { return &p, nil }
	f.Setup.Start = 2
	h := halved{spy{needs: []reading.Signal{reading.Query(0)}, queries: []string{"sum(up)"}, n: 2, look: func(law.Input) {}}}
	if _, err := Run(f.Setup, decide.Policy{Law: h, Queries: h.queries}, 1); err != nil || p.gone != 1 {
		t.Errorf("%v; PromQL was told of %d replicas that are gone, want 1", err, p.gone)
	}
}

func newMeter(t *testing.T) plant.Meter {
	t.Helper()
	p, err := plant.FindProfile("qwen3-14b-h100", 0)
	if err != nil {
		t.Fatal(err)
	}
	e, err := plant.NewEngine(p.Engine())
	if err != nil {
		t.Fatal(err)
	}
	return e.Meter().Clone(plant.Meter{})
}

// Prometheus' own example: 10 within 0.1 s, 10 more within 0.5 s.
func TestQuantile(t *testing.T) {
	upper, counts := []float64{.1, .5, 1}, []float64{10, 10, 0, 0}
	for q, want := range map[float64]float64{.5: .1, .75: .3, 1: .5, .25: .05} {
		if got := quantile(q, upper, counts); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile(%v) = %v, want %v", q, got, want)
		}
	}
	if got := quantile(.9, upper, []float64{0, 0, 0, 5}); got != 1 {
		t.Errorf("beyond all buckets: %v, want the highest bound", got)
	}
	if got := quantile(.9, upper, make([]float64, 4)); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
}

// The capacity that is found is one: a little less meets the objectives, more does not.
func TestCapacity(t *testing.T) {
	f := parse(t, small)
	shape := law.Shape{Input: 1000, Output: 200}
	c := Capacity(f.Setup.Fleet.Engine, shape, f.Setup.Terms.Objectives)
	if c < 3 || c > 30 || serves(f.Setup.Fleet.Engine, shape, f.Setup.Terms.Objectives, 1.1*c) {
		t.Errorf("capacity %v requests/s", c)
	}
	hopeless := []score.Objective{{Metric: score.TTFT, Quantile: .9, Target: time.Microsecond}}
	if c := Capacity(f.Setup.Fleet.Engine, shape, hopeless); c != 0 {
		t.Errorf("capacity %v for an objective that nothing meets", c)
	}
}

// Prompts of 30,000 tokens take seconds each: one in a minute is served in time, and 0.05
// per second are not.
func TestCapacityOfLongPrompts(t *testing.T) {
	f := parse(t, small)
	shape := law.Shape{Input: 30000, Output: 2000}
	patient := []score.Objective{{Metric: score.E2E, Quantile: .9, Target: 40 * time.Second}}
	c := Capacity(f.Setup.Fleet.Engine, shape, patient)
	if c <= 0 || c >= 0.05 {
		t.Errorf("capacity %v requests/s, want above 0 and below 0.05", c)
	}
}

// A service of KEDA's that may be at zero and is warm when the run begins was active until
// then: the first poll, which finds no series yet, does not end it.
func TestWarmStart(t *testing.T) {
	f := parse(t, strings.Replace(small, "0..4 from 1", "0..4 from 2", 1))
	f.Setup.Draw = true
	o, err := Run(f.Setup, named(t, f, f.Bounded("keda:metric=running,target=4")), 1)
	if err != nil {
		t.Fatal(err)
	}
	if o.Points[0].Fleet.Ready < 1.9 || o.Attainment < 0.9 {
		t.Errorf("%v replicas are ready in the first step, attainment %v", o.Points[0].Fleet.Ready, o.Attainment)
	}
}

// A law whose series nobody exposes says so.
func TestUnread(t *testing.T) {
	f := parse(t, small+"lose 0s..1h")
	o, err := Run(f.Setup, named(t, f, f.Bounded("hpa:metric=running")), 1)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Blind || !slices.Equal(o.Unread, []string{"running"}) {
		t.Errorf("blind %v, unread %q", o.Blind, o.Unread)
	}
	f = parse(t, small)
	if o, err = Run(f.Setup, named(t, f, f.Bounded("hpa:metric=running")), 1); err != nil || o.Blind || len(o.Unread) > 0 {
		t.Errorf("%v: blind %v, unread %q", err, o.Blind, o.Unread)
	}
}

// INV-4, and the hints for what is wrong.
func TestParseErrors(t *testing.T) {
	for lines, want := range map[string]string{
		"lost 10":                     `test:8: lost: "10" is no share, as in 10%`,
		"lost 100%":                   `a share of 1 of the scrapes is lost`,
		"steps long":                  `test:8: steps: "long" is no number`,
		"steps 20":                    `steps that take 20 times as long`,
		"speed 3":                     `test:8: unknown word "speed"; there are crash, deletion-cost, drained,`,
		"workload nothing":            "workload is given twice",
		"routing best":                `no routing "best"; there are random`,
		"hold":                        "write none, target=N or order=ORDER",
		"hold 3":                      `"3": write none, target=N or order=ORDER`,
		"hold target=0":               "a target is a number above 0",
		"hold order=best":             `no order "best"; there are arrival and promise`,
		"nodes 2 of 4":                "write N of G GPUs",
		"nodes 1 of 1 GPUs\nlaw nope": `no law "nope"`,
		"law hpa:nonsense=1":          `no parameter "nonsense"`,
		"expect hpa attainment > 1":   `">" is neither >= nor <=`,
		"expect hpa attainment":       "write MEASURE OPERATOR NUMBER",
		"law hpa\nexpect hpa x >= 1":  `no measure "x"`,
		"scrape often":                `"often" is no time`,
		"scrape 10ms":                 "must be from 1s to 5m",
		"grace -1s":                   "is no time",
		"lose 5m":                     `"" is no time`,
		"lose 5m..5m":                 "ends before it begins",
		"lose -5m..5m":                "ends before it begins",
		"drained now":                 "takes nothing",
		"objective ttft:p90:soon":     "no time above 0",
	} {
		_, err := Parse("test", small+lines, testEnv())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", lines, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                               "no workload",
		"replicas 4..2":                  "no range of replicas",
		"replicas 1..2 from many":        "no number of replicas",
		"profile none":                   "no engine profile",
		"workload none:a=1":              "no such name or kind",
		"start nap=3s":                   `no phase "nap"`,
		"start load=x":                   "no time",
		small + "nodes 1 of 1 GPUs\n#\n": "",
	} {
		_, err := Parse("test", text, testEnv())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestExpectations(t *testing.T) {
	f := parse(t, small+"law static:n=3\nexpect static:n=3 attainment >= 0.9\nexpect static:n=3 average-replicas <= 2")
	o, err := Run(f.Setup, named(t, f, "static:n=3"), 1)
	if err != nil {
		t.Fatal(err)
	}
	results := []score.Result{o.Result}
	if said := f.Expects[0].Check(results); said != "" {
		t.Error(said)
	}
	if said := f.Expects[1].Check(results); !strings.Contains(said, "expected static:n=3 average-replicas <= 2, it is ") {
		t.Errorf("Check = %q", said)
	}
}

func TestBounded(t *testing.T) {
	for text, want := range map[string]string{
		"hpa": "hpa:min=0,max=4", "hpa:max=2": "hpa:max=2,min=0", "static:n=3": "static:n=3", "nope:x=1": "nope:x=1",
	} {
		if got := Bounded(text, 0, 4); got != want {
			t.Errorf("Bounded(%s) = %s, want %s", text, got, want)
		}
	}
}

// The library's scenarios can be read, and a law of each runs.
func TestLibrary(t *testing.T) {
	for _, name := range Library() {
		text, err := Text(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(name, text, testEnv()); err != nil {
			t.Error(err)
		}
	}
	if _, err := Text("nope"); err == nil || !strings.Contains(err.Error(), "staged-ramp") {
		t.Errorf("Text(nope) = %v", err)
	}
}

// Stages that wait for each other: no request of a stage arrives before the last
// answer of the one before, and the run takes longer than the stages.
func TestBarriers(t *testing.T) {
	f := parse(t, strings.Replace(small, "poisson:rate=3,duration=10m,input=1000,output=200", "staged:stages=1m:2/1m:4,input=1000,output=500", 1))
	o, err := Run(f.Setup, named(t, f, "static:n=1"), 1)
	if err != nil || o.Duration < 2*time.Minute+5*time.Second || o.Requests != 360 {
		t.Errorf("%v: %v for %d requests, want more than the 2m that they arrive in", err, o.Duration, o.Requests)
	}
}

// A fleet that never comes does not make a run endless.
func TestGivesUp(t *testing.T) {
	f := parse(t, strings.Replace(small, "0..4 from 1", "0..4 from 0", 1))
	o, err := Run(f.Setup, named(t, f, "static:n=0"), 1)
	if err != nil || o.Requests == 0 || o.Aborted != o.Requests || o.Attainment != 0 {
		t.Errorf("%v: %d requests, %d aborted, attainment %v", err, o.Requests, o.Aborted, o.Attainment)
	}
}

// 8 replicas at 10/s of 4000/1000 tokens with the whole metric path (design.md, section
// 9), on the path that needs no PromQL.
func BenchmarkMetricPath(b *testing.B) {
	f := parse(b, `
workload  poisson:rate=10,duration=1h,input=4000,output=1000
profile   qwen3-32b-h100-tp2
replicas  8..8 from 8
objective ttft:p90:3s
`)
	simulated := time.Duration(0)
	for b.Loop() {
		o, err := Run(f.Setup, named(b, f, f.Bounded("keda")), 1)
		if err != nil {
			b.Fatal(err)
		}
		simulated += o.Duration
	}
	b.ReportMetric(simulated.Seconds()/b.Elapsed().Seconds(), "×real-time")
}
