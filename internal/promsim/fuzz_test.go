package promsim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/reading"
)

// shapes are queries that must not need the engine.
var shapes = []string{
	`sum(load{ns="a"})`, `avg(load)`, `max(load{ns="a",pod!="p1"})`, `min(load{pod=~"p[0-3]"})`, `count(load)`,
	`load`, `load{pod="p1"}`, `load offset 30s`, `sum(load offset 1m)`,
	`sum(rate(served_total[1m]))`, `sum(rate(served_total{ns="a"}[45s]))`, `avg(rate(served_total[5m] offset 15s))`,
	`max(increase(served_total[2m]))`, `sum(irate(served_total[1m]))`, `sum by (ns) (rate(served_total[1m]))`,
	`sum(max_over_time(load[1m]))`, `max(avg_over_time(load[2m]))`, `sum(min_over_time(load[90s]))`,
	`sum(sum_over_time(load[40s]))`, `sum(count_over_time(load[1m]))`, `sum(delta(load[1m]))`, `sum(idelta(load[1m]))`,
	`rate(served_total[1m])`, `avg by (pod) (load)`, `max by (ns, pod) (load) * 2`,
	`histogram_quantile(0.9, sum by (le) (rate(wait_bucket[1m])))`,
	`histogram_quantile(0.5, sum(rate(wait_bucket{ns="a"}[2m])) by (le))`,
	`histogram_quantile(0.99, sum by (le, ns) (rate(wait_bucket[1m])))`,
	`histogram_quantile(0.9, rate(wait_bucket[1m]))`, `histogram_quantile(0.9, wait_bucket)`,
	`histogram_quantile(1.5, sum by (le) (rate(wait_bucket[1m])))`, `histogram_quantile(0.9, sum by (pod) (rate(wait_bucket[1m])))`,
	`max(histogram_quantile(0.9, rate(wait_bucket[1m])))`, `histogram_quantile(0.9, sum by (le) (increase(wait_bucket[5m]))) * 1000`,
	`sum(rate(served_total[1m])) / sum(rate(wait_bucket{le="+Inf"}[1m]))`,
	`sum(load) / count(load)`, `sum(load) / (count(load) - 3)`, `(sum(load) + 5) * -2`, `100 / sum(load)`,
	`sum(load) or vector(0)`, `sum(load{ns="none"}) or vector(7)`, `vector(3)`, `sum(load) - (sum(load offset 1m) or vector(0))`,
	`histogram_quantile(0.9, sum by (le) (rate(wait_bucket[1m]))) / sum(load)`, `sum(load * 0.1)`,
	`sum(recorded)`, `recorded`, `histogram_quantile(0.9, sum by (le) (rate(old_wait_bucket[2m])))`, `sum(up)`, `up`,
	`sum(shared)`, `sum by (pod) (shared)`,
}

// others are the engine's in both.
var others = []string{
	`topk(2, load)`, `load > 2`, `sum(load) > 10`, `sum without (pod) (load)`, `max_over_time(sum(load)[2m:15s])`,
	`label_replace(sum(load), "x", "y", "", "")`, `{__name__=~"load|served_total"}`, `sum({ns="a"})`, `absent(load)`, `sum(load @ end())`,
	`load[1m]`, `sum(load)[1m:20s]`, `scalar(sum(load))`, `1`, `"text"`, `time()`, `hour()`, `load * on (pod) group_left () up`,
}

var rules = []Group{
	{Name: "first", Interval: 15 * time.Second, Phase: 4 * time.Second, Labels: map[string]string{"g": "1"}, Rules: []Rule{
		{Record: "old_wait_bucket", Expr: "wait_bucket"},
		{Record: "recorded", Expr: "sum by (ns) (load)", Labels: map[string]string{"kind": "sum"}},
		{Record: "shared", Expr: "load * 2"},
	}},
	{Name: "second", Interval: 20 * time.Second, Phase: 4 * time.Second, QueryOffset: 5 * time.Second, Rules: []Rule{
		{Record: "recorded", Expr: "sum(recorded{kind='sum'})"},
		{Record: "unneeded", Expr: "served_total"},
		{Record: "shared", Expr: "load", Labels: map[string]string{"pod": "same"}}, // fails with two pods
	}},
}

// A pair of pods, the same in two databases.
type fakePod struct {
	targets []*Target
	values  []float64
}

// A world is two databases that see the same scrapes.
type world struct {
	r       *rand.Rand
	dbs     []*DB
	metrics []Metric
	pods    []*fakePod
	born    int
	seen    map[reading.Quality]int
}

func newWorld(tb testing.TB, seed uint64) *world {
	tb.Helper()
	w := &world{r: rand.New(rand.NewPCG(seed, 0)), seen: map[reading.Quality]int{}}
	for _, bound := range []string{"0.1", "0.5", "1", "2.5", "10", "+Inf"} {
		w.metrics = append(w.metrics, Metric{"wait_bucket", map[string]string{"le": bound, "engine": "0"}})
	}
	w.metrics = append(w.metrics, Metric{"served_total", nil}, Metric{"load", map[string]string{"pod": "exposed"}}, Metric{"unasked", nil})
	if seed%5 == 0 { // a bound twice
		w.metrics = append(w.metrics, Metric{"wait_bucket", map[string]string{"le": "1.0", "engine": "0"}}, Metric{"wait_bucket", map[string]string{"le": "x", "engine": "0"}})
	}
	queries := append(append([]string{}, shapes...), others...)
	for _, engineOnly := range []bool{false, true} {
		db, err := New(Config{Queries: queries, Groups: rules, EngineOnly: engineOnly})
		if err != nil {
			tb.Fatal(err)
		}
		if engineOnly {
			db.store.reach = forever // and it forgets nothing
		}
		w.dbs = append(w.dbs, db)
	}
	for range 1 + w.r.IntN(4) {
		w.birth()
	}
	return w
}

func (w *world) birth() {
	p := &fakePod{values: make([]float64, len(w.metrics))}
	labels := map[string]string{"pod": fmt.Sprintf("p%d", w.born), "ns": []string{"a", "b"}[w.born%2]}
	if w.r.IntN(4) == 0 && w.born > 0 {
		labels["pod"] = fmt.Sprintf("p%d", w.r.IntN(w.born)) // as one before
	}
	w.born++
	for _, db := range w.dbs {
		p.targets = append(p.targets, db.Target(labels, w.metrics))
	}
	w.pods = append(w.pods, p)
}

// change lets counters grow, start again, and gauges be anything.
func (w *world) change(p *fakePod) {
	if w.r.IntN(12) == 0 {
		clear(p.values)
	}
	grown := 0.0
	for i, m := range w.metrics {
		switch m.Name {
		case "wait_bucket":
			grown += float64(w.r.IntN(4))
			p.values[i] += grown
		case "served_total":
			p.values[i] += w.r.Float64() * 10
		default:
			p.values[i] = w.gauge()
		}
	}
}

func (w *world) gauge() float64 {
	switch w.r.IntN(25) {
	case 0:
		return []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 0}[w.r.IntN(5)]
	case 1:
		return Gone()
	}
	return w.r.NormFloat64() * 10
}

func (w *world) scrape(at time.Duration) error {
	for _, p := range w.pods {
		w.change(p)
		what := w.r.IntN(20)
		for _, t := range p.targets {
			switch what {
			case 0:
				t.Fail(at)
			case 1: // this scrape is skipped
			default:
				if err := t.Scrape(at, p.values); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (w *world) churn(at, interval time.Duration) {
	if w.r.IntN(6) == 0 && len(w.pods) < 8 {
		w.birth()
	}
	if i := w.r.IntN(8); i < len(w.pods) && w.r.IntN(2) == 0 {
		for _, t := range w.pods[i].targets {
			t.Remove(at+interval, interval)
		}
		w.pods = append(w.pods[:i], w.pods[i+1:]...)
	}
}

// compare asks both databases and returns how many answers it compared.
func (w *world) compare(tb testing.TB, at time.Duration, texts []string) int {
	tb.Helper()
	ctx := tb.Context()
	for _, text := range texts {
		fast, errFast := w.dbs[0].Query(ctx, text, at)
		engine, errEngine := w.dbs[1].Query(ctx, text, at)
		if errFast != nil || errEngine != nil {
			tb.Fatalf("Query(%q): %v, %v", text, errFast, errEngine)
		}
		if diff := cmp.Diff(engine, fast, cmp.Comparer(sameFloat)); diff != "" {
			tb.Fatalf("Query(%q, %v): -engine +fast\n%s", text, at, diff)
		}
		w.seen[engine.Reading.Quality]++
		fasts, errFast := w.dbs[0].Vector(ctx, text, at)
		engines, errEngine := w.dbs[1].Vector(ctx, text, at)
		if fmt.Sprint(errFast) != fmt.Sprint(errEngine) {
			tb.Fatalf("Vector(%q, %v): %v, engine %v", text, at, errFast, errEngine)
		}
		if diff := cmp.Diff(engines, fasts, cmp.Comparer(Element.Equal)); diff != "" {
			tb.Fatalf("Vector(%q, %v): -engine +fast\n%s", text, at, diff)
		}
	}
	return 2 * len(texts)
}

func sameFloat(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

// run lives through some scrapes and returns how many answers were compared.
func (w *world) run(tb testing.TB, scrapes, questions int) int {
	tb.Helper()
	interval := time.Duration(5+w.r.IntN(26)) * time.Second
	at, compared := time.Duration(w.r.IntN(5000))*time.Millisecond, 0
	for range scrapes {
		w.rules(tb, at)
		if err := w.scrape(at); err != nil {
			tb.Fatal(err)
		}
		var texts []string
		for range questions {
			texts = append(texts, shapes[w.r.IntN(len(shapes))])
		}
		texts = append(texts, others[w.r.IntN(len(others))])
		compared += w.compare(tb, at+time.Duration(w.r.IntN(int(interval.Milliseconds())))*time.Millisecond, texts)
		w.churn(at, interval)
		if w.r.IntN(40) == 0 {
			at += 10 * time.Minute // nobody scrapes for a while
		}
		at += interval + time.Duration(w.r.IntN(20))*time.Millisecond
	}
	return compared
}

func (w *world) rules(tb testing.TB, at time.Duration) {
	tb.Helper()
	for {
		next, ok := w.dbs[0].NextEvaluation()
		if other, _ := w.dbs[1].NextEvaluation(); !ok || other != next {
			tb.Fatalf("NextEvaluation() = %v, %v and %v", next, ok, other)
		}
		if next > at {
			return
		}
		fast, engine := w.dbs[0].Evaluate(tb.Context(), next), w.dbs[1].Evaluate(tb.Context(), next)
		if fmt.Sprint(fast) != fmt.Sprint(engine) {
			tb.Fatalf("Evaluate(%v) = %v, engine %v", next, fast, engine)
		}
	}
}

// INV-1, and INV-3: the engine's database forgets nothing.
func TestFastAsTheEngine(t *testing.T) {
	worlds := 60
	if testing.Short() {
		worlds = 10
	}
	compared, seen := 0, map[reading.Quality]int{}
	for seed := range worlds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			w := newWorld(t, uint64(seed))
			compared += w.run(t, 40, 6)
			for q, n := range w.seen {
				seen[q] += n
			}
		})
	}
	t.Logf("%d answers compared, 0 differences; of %v", compared, seen)
	if compared < 10_000 && !testing.Short() {
		t.Errorf("%d answers compared, want at least 10000", compared)
	}
}

func FuzzFastAsTheEngine(f *testing.F) {
	for seed := range uint64(5) {
		f.Add(1000 + seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { newWorld(t, seed).run(t, 25, 8) })
}

// Every shape has its shorter way, and what the engine alone knows has none.
func TestFast(t *testing.T) {
	db := newWorld(t, 1).dbs[0]
	for _, text := range shapes {
		if !db.fast(text) {
			t.Errorf("%s goes to the engine", text)
		}
	}
	for _, text := range others {
		if db.fast(text) {
			t.Errorf("%s does not go to the engine", text)
		}
	}
}

// INV-2: once more, whatever the machine's clock says meanwhile.
func TestRepeats(t *testing.T) {
	run := func() string {
		w := newWorld(t, 7)
		w.run(t, 30, 3)
		var all string
		for _, f := range w.dbs[0].store.families {
			for _, s := range f.series {
				all += fmt.Sprintln(s.lset, s.points)
			}
		}
		return all
	}
	if a, b := run(), run(); a != b || a == "" {
		t.Errorf("two runs differ:\n%s", cmp.Diff(a, b))
	}
}
