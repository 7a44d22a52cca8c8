package workload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/data"
)

func find(t testing.TB, text string) Workload {
	t.Helper()
	w, err := Find(text, data.Open)
	if err != nil {
		t.Fatalf("Find(%q) = %v", text, err)
	}
	return w
}

// take is the first n requests.
func take(w Workload, seed uint64, n int) []Request {
	var all []Request
	for r := range w.All(seed) {
		if len(all) == n {
			break
		}
		all = append(all, r)
	}
	return all
}

// examples are the library and one spec of each kind.
func examples() []string {
	all := []string{
		"even:rate=3", "poisson:rate=5,input=1000,output=250,duration=10m", "gamma:rate=5,cv=3,input=10..20",
		"weibull:stages=1m:1/1m:0/1m:9,cv=2,output=lognormal:200:400:1:4000", "bursts:rate=1,burst=20",
		"staged:stages=30s:2/30s:9,drain=false,prefix=600,prefixes=3", "trace:file=azure2023_conv.csv,from=10m,duration=5m,speed=2",
		"poisson:rate=2+azure2023-conv", "poisson:rates=azure2024_rate.csv,series=conv,from=1d,duration=1h,lengths=mooncake_synthetic.csv",
	}
	for _, e := range Library() {
		all = append(all, e.Name)
	}
	return all
}

// INV-1, and that seeds differ where there is something to draw.
func TestSameSeedSameRequests(t *testing.T) {
	for _, text := range examples() {
		w := find(t, text)
		first := take(w, 1, 3000)
		if diff := cmp.Diff(first, take(w, 1, 3000)); diff != "" {
			t.Errorf("%s: opened twice with one seed: %s", text, diff)
		}
		_, recorded := w.Open(1).(*replay)
		if same := cmp.Equal(first, take(w, 2, 3000)); same != (recorded || text == "even:rate=3") {
			t.Errorf("%s: equal with another seed is %v", text, same)
		}
	}
}

// checkRequests is INV-2.
func checkRequests(t testing.TB, w Workload, requests []Request) {
	t.Helper()
	last := time.Duration(0)
	for i, r := range requests {
		if r.At < last || r.At > w.Span || r.Input < 1 || r.Output < 1 {
			t.Fatalf("%s: request %d of a span of %v = %+v after one at %v", w.Name, i, w.Span, r, last)
		}
		last = r.At
		until := 0
		for _, s := range r.Prefix {
			if s.Until <= until || s.Until > r.Input {
				t.Fatalf("%s: request %d of %d tokens has the prefix %v", w.Name, i, r.Input, r.Prefix)
			}
			until = s.Until
		}
	}
}

// INV-2.
func TestRequestsAreInOrder(t *testing.T) {
	for _, text := range examples() {
		w := find(t, text)
		requests := take(w, 3, 20000)
		checkRequests(t, w, requests)
		if (requests[0].Barrier != nil) || len(requests) == 0 {
			t.Errorf("%s: %d requests, the first waits for %v", text, len(requests), requests[0].Barrier)
		}
	}
}

// INV-3: once it runs, a source allocates nothing for a request.
func TestSourceAllocatesNothing(t *testing.T) {
	for _, text := range []string{
		"poisson:rate=1000,duration=1h,input=normal:1000:100:1:2000", "gamma:rate=1000,duration=1h,cv=2,prefix=100",
		"staged:stages=1h:1000", "azure2023-conv", "bursts:rate=1000,burst=2000,duration=1h,every=10m", "poisson:rate=1000,duration=1h+even:rate=9,duration=1h",
	} {
		source := find(t, text).Open(1)
		if _, ok := source.Next(); !ok {
			t.Errorf("%s: no request", text)
		}
		if got := testing.AllocsPerRun(1000, func() { source.Next() }); got != 0 {
			t.Errorf("%s: %v allocations per request, want 0", text, got)
		}
	}
}

// What the data's reference says of each trace (SOURCES.md names where it is from).
func TestPublishedTraces(t *testing.T) {
	for _, c := range []struct {
		name                                  string
		requests                              int
		rate, peakOverMean, dispersion, reuse float64
		input, output                         Tokens
	}{
		{"azure2023-conv", 19366, 5.53, 1.53, 1.38, 0,
			Tokens{1155, 1020, 2735, 4083, 4142, 14050}, Tokens{211, 129, 424, 451, 601, 1000}},
		{"mooncake-synthetic", 3993, 3.91, 1.16, 1.09, 0.651,
			Tokens{15325, 11587, 38615, 49009, 66458, 191378}, Tokens{149, 69, 389, 519, 769, 893}},
		{"aibrix-8min", 2026, 4.44, 2.07, 4.54, 0,
			Tokens{294, 263, 525, 650, 790, 2415}, Tokens{73, 34, 179, 267, 562, 925}},
	} {
		d := Describe(find(t, c.name), 1, 10)
		near := func(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }
		if d.Requests != c.requests || !near(d.Rate, c.rate, 0.006) || !near(d.PeakRate/d.Rate, c.peakOverMean, 0.01) ||
			!near(d.Dispersion, c.dispersion, 0.006) || !near(d.Reusable, c.reuse, 0.001) {
			t.Errorf("Describe(%s) = %+v, want %+v", c.name, d, c)
		}
		d.Input.Mean, d.Output.Mean = math.Round(d.Input.Mean), math.Round(d.Output.Mean)
		if d.Input != c.input || d.Output != c.output {
			t.Errorf("Describe(%s): lengths %+v %+v, want %+v %+v", c.name, d.Input, d.Output, c.input, c.output)
		}
	}
}

// The notebook of Azure 2024 counts 27,303,999 requests in the week; ServeGen's small
// model has 1,174 per second in the mean, the large one 196.
func TestPublishedRates(t *testing.T) {
	for text, want := range map[string]float64{
		"azure2024-diurnal:scale=1": 27_303_999,
		"servegen-m-small:scale=1":  1174 * 14 * 86400,
		"servegen-m-large:scale=1":  196 * 14 * 86400,
	} {
		if w := find(t, text); math.Abs(w.Requests/want-1) > 0.002 {
			t.Errorf("%s: %.0f requests, want %.0f ± 0.2 %%", text, w.Requests, want)
		}
	}
}

// The published ramp: 12,480 requests in 2,430 s, whole numbers in each stage, a wait
// before all but the first, the same lengths in each stage.
func TestStagedRamp(t *testing.T) {
	w := find(t, "staged-ramp")
	requests := take(w, 1, 20000)
	if len(requests) != 12480 || w.Requests != 12480 || w.Span != 2430*time.Second || w.Timeout != 900*time.Second || !w.Drains {
		t.Errorf("%d requests of %+v, want 12480 in 2430 s, timeout 900 s", len(requests), w)
	}
	begin, i := time.Duration(0), 0
	for stage, s := range []Step{
		{2, 330 * time.Second}, {4, 6 * time.Minute}, {6, 6 * time.Minute}, {8, 6 * time.Minute}, {10, 6 * time.Minute}, {4, 6 * time.Minute}, {1, 5 * time.Minute},
	} {
		var barrier *Barrier
		if stage > 0 {
			barrier = &Barrier{From: begin, Poll: time.Second, Pause: 2 * time.Second}
		}
		want := Request{At: requests[i].At, Input: requests[0].Input, Output: requests[0].Output, Barrier: barrier}
		if diff := cmp.Diff(want, requests[i]); diff != "" {
			t.Errorf("stage %d begins: -want +got\n%s", stage, diff)
		}
		if slices.ContainsFunc(requests[i+1:][:s.count()-1], func(r Request) bool { return r.Barrier != nil }) {
			t.Errorf("stage %d waits in its middle", stage)
		}
		i += s.count()
		begin += s.For
		if last := requests[i-1].At; last < begin-time.Microsecond || last > begin {
			t.Errorf("stage %d: the last request at %v, want %v", stage, last, begin)
		}
	}
}

// A stage from 10 s on, whose predecessor began at 0 and drained at 23.4 s: that is
// noticed at 24 s, and the stage begins 2 s later, 16 s late. The next, planned from
// 20 s on, counts its polls from there: drained at 30.5 s, noticed at 31 s, begun at
// 33 s. One that had nothing to wait for begins after the pause.
func TestTimeline(t *testing.T) {
	barrier := func(from time.Duration) *Barrier {
		return &Barrier{From: from, Poll: time.Second, Pause: 2 * time.Second}
	}
	var timeline Timeline
	for _, c := range []struct {
		r                  Request
		drained, wantAfter time.Duration
	}{
		{Request{At: 3 * time.Second}, 0, 3 * time.Second},
		{Request{At: 11 * time.Second, Barrier: barrier(10 * time.Second)}, 23400 * time.Millisecond, 27 * time.Second},
		{Request{At: 13 * time.Second}, 0, 29 * time.Second},
		{Request{At: 20 * time.Second, Barrier: barrier(20 * time.Second)}, 30500 * time.Millisecond, 33 * time.Second},
		{Request{At: 21 * time.Second, Barrier: barrier(21 * time.Second)}, 0, 35 * time.Second},
		{Request{At: 22 * time.Second, Barrier: &Barrier{From: 22 * time.Second}}, 40 * time.Second, 40 * time.Second},
	} {
		if got := timeline.Arrival(c.r, c.drained); got != c.wantAfter {
			t.Errorf("Arrival(%+v, %v) = %v, want %v", c.r, c.drained, got, c.wantAfter)
		}
	}
}

// Mean and coefficient of variation of the gaps, 200,000 of each process. The mean's
// standard error is cv/√200000 = 0.2 % × cv; five of them are allowed, and for the cv
// itself what the heavy tails make of it.
func TestGaps(t *testing.T) {
	for _, c := range []struct {
		spec string
		cv   float64
	}{
		{"even:rate=100", 0}, {"poisson:rate=100", 1},
		{"gamma:rate=100,cv=0.3", 0.3}, {"gamma:rate=100,cv=1", 1}, {"gamma:rate=100,cv=2.967", 2.967}, {"gamma:rate=100,cv=8", 8},
		{"weibull:rate=100,cv=0.3", 0.3}, {"weibull:rate=100,cv=1", 1}, {"weibull:rate=100,cv=2.967", 2.967},
	} {
		var gaps moments
		last := time.Duration(0)
		for r := range find(t, c.spec+",duration=2000s").All(7) {
			gaps.add((r.At - last).Seconds())
			last = r.At
		}
		if math.Abs(gaps.mean*100-1) > 5*0.00224*max(c.cv, 0.01) || math.Abs(gaps.cv()-c.cv) > 0.05*c.cv {
			t.Errorf("%s: gaps of mean %.6f s, cv %.4f, want 0.01, %v", c.spec, gaps.mean, gaps.cv(), c.cv)
		}
	}
}

// Of a Poisson process of two rates that each last 50 s, the larger has its share, and
// the gaps that cross from one to the other do not disturb it.
func TestStepsKeepTheirRates(t *testing.T) {
	counts := [2]int{}
	stages := strings.TrimSuffix(strings.Repeat("50s:10/50s:90/", 20), "/")
	for r := range find(t, "poisson:stages="+stages).All(1) {
		counts[int(r.At/(50*time.Second))%2]++
	}
	for i, want := range []float64{10 * 1000, 90 * 1000} {
		if math.Abs(float64(counts[i])-want) > 5*math.Sqrt(want) {
			t.Errorf("%d requests at rate %d, want %.0f ± %.0f", counts[i], i, want, 5*math.Sqrt(want))
		}
	}
}

// The dispersion of a two-state Markov-modulated Poisson process goes to
// 1 + 2ab(x−y)²/((a+b)²(xb+ya)) in long windows (Fischer and Meier-Hellstern, "The
// Markov-modulated Poisson process cookbook", 1993), a and b the rates of leaving the
// states with x and y arrivals per second: here a = 1/4 s, b = 1 s, x = 2, y = 22, so
// 1 + 2·0.25·400/(1.5625·7.5) … computed below; the mean rate is (xb+ya)/(a+b) = 6.
func TestBursts(t *testing.T) {
	const a, b, x, y = 0.25, 1.0, 2.0, 22.0
	rate := (x*b + y*a) / (a + b)
	want := 1 + 2*a*b*(x-y)*(x-y)/((a+b)*(a+b)*(x*b+y*a))
	minutes := bins{width: time.Minute}
	n := 0.0
	for r := range find(t, "bursts:rate=2,burst=22,every=4s,lasting=1s,duration=100h").All(1) {
		minutes.add(r.At)
		n++
	}
	if got := n / 360000; math.Abs(got/rate-1) > 0.02 {
		t.Errorf("rate %.3f, want %.3f", got, rate)
	}
	if got := minutes.counts.dispersion(); math.Abs(got/want-1) > 0.06 {
		t.Errorf("dispersion of minutes %.2f, want %.2f", got, want)
	}
}

// Azure's conversations scaled and shifted: an hour from day 1 on has the rate of then.
func TestRatesFromFile(t *testing.T) {
	d := Describe(find(t, "azure2024-diurnal:from=1d,duration=1h,scale=1"), 1, 1)
	steps, err := data.Open("azure2024_rate.csv")
	if err != nil {
		t.Fatal(err)
	}
	all, err := ReadRates(steps, "conv")
	if err != nil {
		t.Fatal(err)
	}
	_, want, err := checkSteps(window(all, 24*time.Hour, time.Hour))
	if err != nil || math.Abs(float64(d.Requests)-want) > 5*math.Sqrt(want) || d.Seconds != 3600 {
		t.Errorf("%d requests in %v s, want %.0f in 3600 s, %v", d.Requests, d.Seconds, want, err)
	}
}

// Merged parts keep their own requests, in order, and each part has its own numbers.
// A rate at which nothing may come is an error of the seed with which nothing does.
func TestCheck(t *testing.T) {
	w, err := Find("poisson:rate=0.01,duration=1m", nil)
	if err != nil {
		t.Fatal(err)
	}
	empty := 0
	for seed := range uint64(100) {
		n := 0
		for range w.All(seed) {
			n++
		}
		if err := w.Check(seed); (err == nil) != (n > 0) {
			t.Errorf("seed %d: %d requests, Check = %v", seed, n, err)
		}
		if n == 0 {
			empty++
		}
	}
	if empty < 30 || empty > 80 {
		t.Errorf("%d of 100 seeds have no request, want about 55", empty)
	}
}

func TestMerge(t *testing.T) {
	one, two := find(t, "poisson:rate=5,input=1,output=1"), find(t, "poisson:rate=5,input=2,output=2")
	both, err := Merge(one, two)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[int]int{}
	requests := take(both, 1, 1e6)
	checkRequests(t, both, requests)
	for i, r := range requests {
		counts[r.Input]++
		if i > 0 && r.At == requests[i-1].At {
			t.Errorf("two parts with one seed arrive together at %v", r.At)
		}
	}
	if both.Requests != 6000 || math.Abs(float64(counts[1])-3000) > 5*55 || math.Abs(float64(counts[2])-3000) > 5*55 {
		t.Errorf("Merge: %v of %.0f requests, want about 3000 of each", counts, both.Requests)
	}
	if _, err := Merge(one, find(t, "staged-ramp")); err == nil {
		t.Error("Merge with a workload that drains = no error")
	}
	if _, err := Merge(); err == nil {
		t.Error("Merge of nothing = no error")
	}
}

// A prompt of 100 shared tokens and its own rest: 6 blocks of 16 are shared.
func TestPrefixes(t *testing.T) {
	groups := map[uint64]bool{}
	for r := range find(t, "poisson:rate=50,prefix=100,prefixes=4,input=447,duration=1m").All(1) {
		if r.Input != 547 {
			t.Fatalf("Input = %d, want 100 + 447", r.Input)
		}
		hashes := r.BlockHashes(nil, 16)
		if len(hashes) != 6 {
			t.Fatalf("%d block hashes, want 6", len(hashes))
		}
		groups[hashes[5]] = true
	}
	if len(groups) != 4 {
		t.Errorf("%d different prefixes, want 4", len(groups))
	}
}

func TestWindow(t *testing.T) {
	trace, err := ReadTrace(strings.NewReader("arrival_s,input_tokens,output_tokens\n5,1,1\n6,2,1\n7,3,1\n9,4,1\n"))
	if err != nil {
		t.Fatal(err)
	}
	inputs := func(t Trace) (s string) {
		for _, r := range t.rows {
			s += fmt.Sprintf("%d@%v ", r.input, r.at)
		}
		return s
	}
	for _, c := range []struct {
		from, length time.Duration
		speed        float64
		want         string
	}{
		{0, 0, 1, "1@0s 2@1s 3@2s 4@4s "},
		{time.Second, 0, 2, "2@0s 3@500ms 4@1.5s "},
		{time.Second, 2 * time.Second, 1, "2@0s 3@1s "},
		{time.Second, math.MaxInt64, 1, "2@0s 3@1s 4@3s "},
	} {
		got, err := trace.Window(c.from, c.length, c.speed)
		if err != nil || inputs(got) != c.want {
			t.Errorf("Window(%v, %v, %v) = %s, %v, want %s", c.from, c.length, c.speed, inputs(got), err, c.want)
		}
	}
	for _, speed := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := trace.Window(0, 0, speed); err == nil {
			t.Errorf("Window at speed %v = no error", speed)
		}
	}
	if _, err := trace.Window(5*time.Second, 0, 1); err == nil {
		t.Error("Window behind the end = no error")
	}
}

// INV-5.
func TestFindRefuses(t *testing.T) {
	files := func(name string) (io.ReadCloser, error) {
		if name == "bad.csv" {
			return io.NopCloser(bytes.NewReader([]byte("arrival_s,input_tokens,output_tokens\n0,1,1\nNaN,1,1\n"))), nil
		}
		return data.Open(name)
	}
	for text, want := range map[string]string{
		"":                                             `workload "": no such name or kind`,
		"azure2032-conv":                               `workload "azure2032-conv": no such name or kind`,
		"poisson:rte=5":                                "workload poisson: poisson has no key \"rte\"; it has ",
		"staged-ramp:cv=2":                             "workload staged-ramp: staged has no key \"cv\"; it has cached, drain, input, ",
		"poisson:rate":                                 `workload poisson: "rate" is not key=value`,
		"poisson:rate=1,rate=2":                        "workload poisson: rate is given twice",
		"poisson:rate=NaN":                             "workload poisson: rate=NaN: must be a number, not negative",
		"poisson:rate=-1":                              "workload poisson: rate=-1: must be a number, not negative",
		"poisson:rate=1e9":                             "workload poisson: rate is 1e+09 per second, must be from 0 to 1000000",
		"poisson:rate=0":                               "workload poisson: no request ever arrives: all rates are 0",
		"poisson:duration=-5s":                         "workload poisson: duration=-5s: must be a time such as 90s, 1h30m or 7d",
		"poisson:duration=9999d":                       "workload poisson: duration=9999d: must be a time",
		"poisson:input=0":                              "workload poisson: input=0: a length of 0 to 0 tokens: must be from 1 to 10000000, the smaller first",
		"poisson:input=1.5":                            "workload poisson: input=1.5: must be a number of tokens, LOW..HIGH, ",
		"poisson:output=normal:1:2":                    "workload poisson: output=normal:1:2: must be a number of tokens",
		"poisson:output=normal:NaN:1:1:2":              "workload poisson: output=normal:NaN:1:1:2: must be a number of tokens",
		"poisson:output=bell:5:1:1:9":                  "workload poisson: output=bell:5:1:1:9: must be a number of tokens",
		"poisson:rate=1,stages=1s:1":                   "workload poisson: rate, stages and rates are three ways to say it: choose one",
		"poisson:stages=1s:1/2":                        "workload poisson: stages=1s:1/2: must be stages such as 330s:2/6m:4",
		"poisson:rates=azure2024_rate.csv":             "workload poisson: rates azure2024_rate.csv: the file has several series: choose one by its service",
		"poisson:rates=azure2024_rate.csv,series=code": "workload poisson: rates azure2024_rate.csv: 0 rates: at least two are needed",
		"poisson:lengths=azure2023_conv.csv,input=3":   "workload poisson: lengths gives both sides: leave out input and output",
		"poisson:lengths=servegen_length_quantiles.csv,series=m-tiny": `workload poisson: lengths servegen_length_quantiles.csv: input of series "m-tiny": no quantiles`,
		"poisson:prefix=-1":                 "workload poisson: prefix=-1: must be a whole number, not negative",
		"poisson:prefix=1,prefixes=9999999": "workload poisson: 9999999 prefixes of 1 tokens: at most 1000000",
		"gamma:rate=1":                      "workload gamma: gamma needs cv=, ",
		"gamma:rate=1,cv=100":               "workload gamma: cv is 100, must be from 0.05 to 20",
		"weibull:rate=1,cv=0":               "workload weibull: cv is 0, must be from 0.05 to 20",
		"bursts:every=0s":                   "workload bursts: bursts every 0s lasting 30s: both must be at least 1ms",
		"bursts:rate=0,burst=0":             "workload bursts: no request ever arrives",
		"staged:drain=true":                 "workload staged: staged needs stages=, such as 330s:2/6m:4",
		"staged:stages=1s:1,drain=maybe":    "workload staged: drain=maybe: must be true or false",
		"staged:stages=1s:0.1":              "workload staged: no stage is long enough for one request at its rate",
		"trace:speed=2":                     "workload trace: trace needs file=",
		"trace:file=absent.csv":             "workload trace: file: open absent.csv",
		"trace:file=bad.csv":                `workload trace: file bad.csv: line 3: arrival_s is "NaN", must be a finite number`,
		"azure2023-conv:from=2h":            "workload azure2023-conv: no request arrives from 2h0m0s on for 0s",
		"azure2023-conv:rate=5":             "workload azure2023-conv: trace has no key \"rate\"; it has cached, duration, file, from, speed, timeout",
		"staged-ramp+poisson:rate=1":        "staged-ramp waits between its stages: it cannot run beside another workload",
	} {
		_, err := Find(text, files)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Find(%q) = %v, want %s…", text, err, want)
		}
	}
	if _, err := Find("trace:file=absent.csv", files); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Find of a file that is not there = %v, want fs.ErrNotExist", err)
	}
}

// FuzzFind holds that any text is a workload as INV-2 says, or an error.
func FuzzFind(f *testing.F) {
	for _, text := range examples() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := Find(text, func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("t_s,rate_rps\n0,1\n10,2\n")), nil
		})
		if err != nil {
			return
		}
		if w.Requests > 1e5 { // staged adds up a stage's gaps before the first
			return
		}
		checkRequests(t, w, take(w, 1, 1000))
	})
}

func BenchmarkPoisson(b *testing.B) {
	source := find(b, "poisson:rate=100,duration=1000d").Open(1)
	b.ReportAllocs()
	for b.Loop() {
		source.Next()
	}
}

func BenchmarkDescribe(b *testing.B) {
	w := find(b, "poisson:rate=100,duration=10000s,lengths=azure2023_conv.csv")
	b.ReportAllocs()
	for b.Loop() {
		Describe(w, 1, 60)
	}
}
