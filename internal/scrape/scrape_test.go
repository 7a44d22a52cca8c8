package scrape

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/vllm"
)

var fleet = map[Service][]string{llama: {"a", "b"}}

// INV-1: what vLLM counted is what is read, of each pod in its place.
func TestRead(t *testing.T) {
	w := pods()
	sets, err := w.asks(t, Config{}).Read(t.Context(), now, map[Service][]string{llama: {"b", "a"}, {"demo", "idle"}: nil, {"other", "llama"}: {"a"}})
	if err != nil {
		t.Fatal(err)
	}
	for signal, want := range want(now.Add(-10 * time.Second)) {
		got := sets[llama].Of(signal)
		if diff := cmp.Diff([]reading.Reading{want, want}, got.Pods); diff != "" {
			t.Errorf("%v: -want +got\n%s", signal, diff)
		}
		if got := sets[Service{"other", "llama"}].Of(signal); qualities(got) != "absent" {
			t.Errorf("%v of a pod of that name elsewhere: %s, want absent", signal, qualities(got))
		}
	}
	ttft := sets[llama].Of(reading.TTFTs)
	if want := [][]float64{{10. / 3, 20. / 3}, {10. / 3, 20. / 3}}; !cmp.Equal(ttft.Bounds, []float64{.5, 1}) || !cmp.Equal(ttft.Buckets, want, approximately) {
		t.Errorf("buckets of TTFT = %v, %v", ttft.Bounds, ttft.Buckets)
	}
	if running, usage := sets[llama].Of(reading.Running).Total, sets[llama].Of(reading.KVUsage).Total; running.Value != 6 || usage.Value != .5 {
		t.Errorf("totals: %v running, %v of the cache", running, usage)
	}
	if len(w.queries) != 12 {
		t.Errorf("%d queries for three services, want 12: %q", len(w.queries), w.queries)
	}
}

var approximately = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })

// Series of several engines in one pod are added up, a share is their mean.
func TestEngines(t *testing.T) {
	w := pods()
	w.scrape(now.Add(-10*time.Second), "a", exposition("1"))
	sets, err := w.asks(t, Config{}).Read(t.Context(), now, fleet)
	if err != nil {
		t.Fatal(err)
	}
	for signal, one := range want(now) {
		want := 2 * one.Value
		if signal == reading.KVUsage {
			want = one.Value
		}
		if got := sets[llama].Of(signal).Pods[0]; math.Abs(got.Value-want) > 1e-9 || got.Quality != reading.Fresh {
			t.Errorf("%v of two engines = %v, want %v", signal, got, want)
		}
	}
}

// INV-2: a scrape that comes between two queries is not read by halves.
func TestReadOfOneScrape(t *testing.T) {
	w := pods()
	before := now.Add(-10*time.Second - interval)
	w.seen = func(n int) time.Time {
		if n == 0 {
			return now.Add(-11 * time.Second) // the second scrape is not there yet
		}
		return now
	}
	sets, err := w.asks(t, Config{}).Read(t.Context(), now, fleet)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range sets[llama] {
		for i, p := range e.Pods {
			if p.At != since(before) {
				t.Errorf("%v of pod %d is of %v, want %v", e.Signal, i, p.At, since(before))
			}
		}
	}
}

// Names that vLLM had before are read, and where both are there today's.
func TestOldNames(t *testing.T) {
	for _, f := range reading.Families() {
		for _, old := range vllm.Names(f)[1:] {
			w := pods()
			for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
				w.rename(vllm.Series(f)+suffix, old+suffix)
			}
			sets, err := w.asks(t, Config{}).Read(t.Context(), now, fleet)
			if err != nil {
				t.Fatal(err)
			}
			for signal, want := range want(now.Add(-10 * time.Second)) {
				if got := sets[llama].Of(signal).Pods[0]; got != want {
					t.Errorf("%v by %s = %v, want %v", signal, old, got, want)
				}
			}
		}
	}
	w := pods()
	w.scrape(now.Add(-10*time.Second), "a", "# TYPE vllm:gpu_cache_usage_perc gauge\nvllm:gpu_cache_usage_perc{engine=\"0\",model_name=\"llama\"} 0.9\n")
	sets, err := w.asks(t, Config{}).Read(t.Context(), now, fleet)
	if got := sets[llama].Of(reading.KVUsage).Pods[0]; err != nil || got.Value != .5 || got.Quality != reading.Fresh {
		t.Errorf("usage by both names = %v, %v, want that of today's", got, err)
	}
}

// INV-1: the faults of a source by name (docs/faults.md): what is not known is no number.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		world func(*world)
		want  string // qualities of the running requests of pods a and b
		err   error  // nil: none; errAny: some
	}{
		"M3 5xx":             {func(w *world) { w.instead = status(http.StatusInternalServerError) }, "invalid invalid", errAny},
		"M4 credentials":     {func(w *world) { w.instead = status(http.StatusUnauthorized) }, "invalid invalid", ErrCredentials},
		"M4 rights":          {func(w *world) { w.instead = status(http.StatusForbidden) }, "invalid invalid", ErrCredentials},
		"M6 an empty answer": {func(w *world) { w.series = nil }, "absent absent", nil},
		"M7 NaN":             {func(w *world) { w.running(set(math.NaN())) }, "invalid invalid", nil},
		"M7 infinity":        {func(w *world) { w.running(set(math.Inf(1))) }, "invalid invalid", nil},
		"M8 dead pods":       {func(w *world) { w.scrape(now.Add(-10*time.Second), "dead", exposition("0")) }, "fresh fresh", nil},
		"M9 an HA pair":      {func(w *world) { again(w, 8*time.Second, "prometheus_replica", "1") }, "contradictory fresh", nil},
		"M9 two jobs":        {func(w *world) { again(w, 12*time.Second, "job", "other") }, "contradictory fresh", nil},
		"S7 a namespace that a tenant claims": {func(w *world) {
			w.scrape(now.Add(-8*time.Second), "stranger", exposition("0"))
			w.scrape(now.Add(-8*time.Second), "a", exposition("0"), "instance", "stranger:8000")
		}, "contradictory fresh", nil},
		"a job that has ended":    {func(w *world) { again(w, 28*time.Second, "job", "other") }, "fresh fresh", nil},
		"M11 its clock is ahead":  {func(w *world) { w.running(shift(time.Minute)) }, "invalid invalid", nil},
		"M11 its clock is behind": {func(w *world) { w.running(shift(-14 * time.Second)) }, "stale stale", nil},
		"M12 one of two":          {func(w *world) { drop(w, "b") }, "fresh absent", nil},
		"M13 a gap":               {func(w *world) { w.running(shift(-time.Minute)) }, "absent absent", nil},
		"M15 another type": {func(w *world) {
			w.instead = body(`{"status":"success","data":{"resultType":"scalar","result":[0,"4"]}}`)
		}, "invalid invalid", errAny},
		"M15 no JSON":          {func(w *world) { w.instead = body("<html>") }, "invalid invalid", errAny},
		"M16 too large":        {func(w *world) { w.instead = body(strings.Repeat(" ", 2<<20)) }, "invalid invalid", ErrTooLarge},
		"M19 a partial answer": {func(w *world) { w.warnings = []string{"store api: no answer"} }, "stale stale", ErrPartial},
		"M19 429":              {func(w *world) { w.instead = status(http.StatusTooManyRequests) }, "invalid invalid", errAny},
		"M5 a redirect":        {func(w *world) { w.instead = elsewhere(t) }, "invalid invalid", errAny},
	} {
		t.Run(name, func(t *testing.T) {
			w := pods()
			c.world(w)
			sets, err := w.asks(t, Config{MostBytes: 1 << 20}).Read(t.Context(), now, fleet)
			if got := qualities(sets[llama].Of(reading.Running)); got != c.want {
				t.Errorf("Read() = %s, want %s", got, c.want)
			}
			if some := errors.Is(c.err, errAny); some && err == nil || !some && !errors.Is(err, c.err) {
				t.Errorf("Read() = %v, want %v", err, c.err)
			}
			if total := sets[llama].Of(reading.Running).Total; total.Quality == reading.Fresh != (c.want == "fresh fresh") {
				t.Errorf("total of %s = %v", c.want, total)
			}
		})
	}
}

var errAny = errors.New("any")

func status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
}

func body(text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, text); return true }
}

// elsewhere is a redirect to another server, which fails the test if it is followed.
func elsewhere(t *testing.T) func(http.ResponseWriter, *http.Request) bool {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect is followed") }))
	t.Cleanup(other.Close)
	return func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL, http.StatusFound)
		return true
	}
}

func set(value float64) func(*model.SamplePair) {
	return func(s *model.SamplePair) { s.Value = model.SampleValue(value) }
}

func shift(by time.Duration) func(*model.SamplePair) {
	return func(s *model.SamplePair) { s.Timestamp = s.Timestamp.Add(by) }
}

// again is pod a scraped by another, at an age.
func again(w *world, age time.Duration, label, value string) {
	w.scrape(now.Add(-age), "a", exposition("0"), label, value)
}

func drop(w *world, pod string) {
	for i := range w.series {
		if w.series[i].labels["pod"] == pod {
			w.series[i].samples = nil
		}
	}
}

// M1: nobody answers.
func TestDown(t *testing.T) {
	p, err := NewPrometheus(Config{Address: "http://127.0.0.1:1"}, promise.Law{}.Needs())
	if err != nil {
		t.Fatal(err)
	}
	sets, err := p.Read(t.Context(), now, fleet)
	if got := qualities(sets[llama].Of(reading.TTFTs)); got != "invalid invalid" || err == nil {
		t.Errorf("Read() = %s, %v", got, err)
	}
}

// INV-3, M2: the deadline ends all queries.
func TestSlow(t *testing.T) {
	w := pods()
	w.instead = func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	sets, err := w.asks(t, Config{}).Read(ctx, now, fleet)
	if got := qualities(sets[llama].Of(reading.Ended)); got != "invalid invalid" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Read() = %s, %v", got, err)
	}
}

// INV-4: credentials are those in the files now.
func TestCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := pods()
	for name, c := range map[string]struct {
		Config
		header string
	}{
		"basic":  {Config{User: "kim", PasswordFile: file}, "Basic a2ltOnR3bw=="}, // kim:two
		"bearer": {Config{TokenFile: file}, "Bearer two"},
	} {
		t.Run(name, func(t *testing.T) {
			write("one")
			w.instead = func(to http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") == c.header {
					return false
				}
				to.WriteHeader(http.StatusUnauthorized)
				return true
			}
			p := w.asks(t, c.Config)
			if _, err := p.Read(t.Context(), now, fleet); !errors.Is(err, ErrCredentials) {
				t.Errorf("Read() = %v, want %v", err, ErrCredentials)
			}
			write("two")
			if sets, err := p.Read(t.Context(), now, fleet); err != nil || qualities(sets[llama].Of(reading.Running)) != "fresh fresh" {
				t.Errorf("Read() with the new credentials = %v", err)
			}
		})
	}
}

// Services are asked for together, by whole namespaces.
func TestBatches(t *testing.T) {
	fleets := map[Service][]string{}
	for i := range 2500 {
		fleets[Service{fmt.Sprintf("n%d", i/500), fmt.Sprint(i)}] = nil
	}
	for i := range 3000 {
		fleets[Service{"z", fmt.Sprint(i)}] = nil
	}
	var sizes []int
	for _, b := range batches(fleets) {
		sizes = append(sizes, len(b))
	}
	if want := []int{1000, 1000, 3500}; !cmp.Equal(sizes, want) {
		t.Errorf("batches of %v services, want %v", sizes, want)
	}
}

// What is not read as it is has no query.
func TestRefusedSignals(t *testing.T) {
	for _, s := range []reading.Signal{reading.TTFTp90, reading.Arrivals, reading.Query(0), reading.Completions} {
		if _, err := NewPrometheus(Config{Address: "http://x"}, []reading.Signal{s}); err == nil {
			t.Errorf("NewPrometheus takes %v", s)
		}
	}
}

// A roundTrip answers in place of a network.
type roundTrip string

func (r roundTrip) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, err := w.WriteString(string(r))
	return w.Result(), err
}

// roundTrips are a function in place of a network.
type roundTrips func(*http.Request) (*http.Response, error)

func (r roundTrips) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
