package capacity_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/capacity"
)

// ramp is Qwen3-32B on two H100 with 4,000 tokens in and 1,000 out.
func ramp() capacity.Replica {
	return capacity.Replica{
		Costs:  capacity.Costs{Step: 13.6e-3, Prompt: 51e-6, Sequence: 53e-6, Context: 43e-9},
		Mix:    capacity.Mix{Prompt: 4000, Spread: 1, Output: 1000, Context: 4500},
		Limits: capacity.Limits{TTFT: 3 * time.Second, TPOT: 100 * time.Millisecond, CacheTokens: 309_000, BatchTokens: 8192},
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v ± %v", what, got, want, tolerance)
	}
}

func TestAlone(t *testing.T) {
	near(t, "InFlight(1.1)", ramp().InFlight(1.1), 30.2+0.23, 0.1) // and the prompts
	perSecond, limit := ramp().Capacity()
	near(t, "Capacity()", perSecond, 1.43, 0.01)
	if limit != capacity.Cache {
		t.Errorf("the limit is %v, want the KV cache: 68.7 sequences fill it", limit)
	}
}

// Other limits: an objective that the mean gap meets first, and prompts that take longer
// than TTFT allows.
func TestLimits(t *testing.T) {
	r := ramp()
	r.Limits.TPOT = 20 * time.Millisecond
	perSecond, limit := r.Capacity()
	if near(t, "Capacity()", perSecond, (1-13.85/20)/0.4502, 0.01); limit != capacity.TPOT {
		t.Errorf("the limit is %v, want TPOT: 13.85 ms/(1 − λ·450 ms) = 20 ms", limit)
	}
	r = ramp()
	r.Limits.TTFT = 250 * time.Millisecond
	if _, limit := r.Capacity(); limit != capacity.TTFT {
		t.Errorf("the limit is %v, want TTFT: a prompt alone takes 204 ms and a step's 6.7", limit)
	}
	r.Limits.TTFT = 100 * time.Millisecond
	if got := r.Within(0.9); got != 0 {
		t.Errorf("Within(0.9) = %v, want 0: no prompt is read in 100 ms", got)
	}
	if got := r.Missed(0, 4); got != 1 {
		t.Errorf("Missed(0, 4) = %v, want 1", got)
	}
}

// INV-3: replicas that share a load smooth it, and a promise costs rate.
func TestPooling(t *testing.T) {
	r := ramp()
	for _, rate := range []float64{0.9, 1.1, 1.2, 1.3} {
		one, four := r.Missed(rate, 1), r.Missed(rate, 4)
		if !(four < one) {
			t.Errorf("at %v/s each four replicas miss %v, one alone %v", rate, four, one)
		}
	}
	if a, b := r.Within(0.9), r.Within(0.99); !(b < a && b > 1) {
		t.Errorf("Within(0.9) = %v, Within(0.99) = %v", a, b)
	}
	// scenario.Capacity of the plant with this profile is 1.375, 1.350 and 1.325.
	near(t, "Within(0.9)", r.Within(0.9), 1.375, 0.05)
	near(t, "Within(0.95)", r.Within(0.95), 1.350, 0.05)
	near(t, "Within(0.99)", r.Within(0.99), 1.325, 0.05)
}

func TestRow(t *testing.T) {
	// One row of the worked example, from a prior that is sure of all but Step.
	truth := capacity.Costs{Step: 10e-3, Prompt: 100e-6, Sequence: 1e-3, Context: 1700e-9}
	// 96·100 µs + 13·1 ms + 13·1200·1.7 µs = 9.6 + 13 + 26.5 ms: Step is the 10.9 left of 60.
	prior := capacity.Prior{Costs: truth, Common: 0, Each: 1e-4}
	use := capacity.Use{Took: 15 * time.Second, Gaps: 3000, GapSeconds: 180, PromptTokens: 24000, Context: 1200}
	var f capacity.Fit
	f = f.Learn(prior, use)
	near(t, "Step", f.Estimate(prior).Costs.Step, 10e-3, 1e-6)
	prior.Each, f = 1, capacity.Fit{}
	for range 50 {
		f = f.Learn(prior, use)
	}
	c := f.Estimate(prior).Costs
	near(t, "the row", c.Step+96*c.Prompt+13*c.Sequence+13*1200*c.Context, 60e-3, 0.1e-3)
}

// uses are what a pod of given costs would count at a rate, with the chance of Poisson
// arrivals, of a mix of 1,000 tokens in and 200 out.
func uses(c capacity.Costs, perSecond float64, n int, seed uint64) []capacity.Use {
	random := rand.New(rand.NewPCG(seed, 1))
	const took, input, output, context = 15.0, 1000.0, 200.0, 1100.0
	var all []capacity.Use
	for range n {
		prompts := 0.0
		for at := random.ExpFloat64() / perSecond; at < took; at += random.ExpFloat64() / perSecond {
			prompts++
		}
		each := c.Sequence + c.Context*context
		gap := 0.0
		for range 50 { // gap = Step + Prompt·… + (1 + n)·each, and n = rate·output·gap
			inFlight := prompts / took * (output - 1) * gap
			gap = c.Step + c.Prompt*gap*prompts*input/took + (1+inFlight)*each
		}
		gaps := prompts * (output - 1)
		all = append(all, capacity.Use{
			Took: 15 * time.Second, Gaps: gaps, GapSeconds: gaps * gap * (1 + 0.01*random.NormFloat64()),
			PromptTokens: prompts * input, Context: context,
		})
	}
	return all
}

// INV-5.
func TestFitComesToTheTruth(t *testing.T) {
	truth := capacity.Costs{Step: 12e-3, Prompt: 60e-6, Sequence: 60e-6, Context: 50e-9}
	mix := capacity.Mix{Prompt: 1000, Spread: 1, Output: 200, Context: 1100}
	limits := capacity.Limits{TTFT: time.Second, TPOT: 50 * time.Millisecond, CacheTokens: 300_000, BatchTokens: 8192}
	want, _ := capacity.Replica{Costs: truth, Mix: mix, Limits: limits}.Capacity()
	for _, c := range []struct {
		name  string
		prior capacity.Prior
		rate  float64 // idle nine tenths of the time at 0.5
	}{
		{"busy", capacity.Known(truth), 5},
		{"mostly idle", capacity.Known(truth), 0.5},
		{"half as dear as believed", capacity.Known(capacity.Costs{Step: 24e-3, Prompt: 120e-6, Sequence: 120e-6, Context: 100e-9}), 2},
		{"twice as dear as believed", capacity.Known(capacity.Costs{Step: 6e-3, Prompt: 30e-6, Sequence: 30e-6, Context: 25e-9}), 2},
		{"unknown", capacity.Unknown(), 2},
	} {
		var f capacity.Fit
		for _, u := range uses(truth, c.rate, 40, 7) { // ten minutes
			f = f.Learn(c.prior, u)
		}
		e := capacity.Engine{Fit: f, Prior: c.prior, Mix: mix, Limits: limits}.Estimate(0.9)
		got, _ := e.Replica.Capacity()
		if math.Abs(got/want-1) > 0.06 {
			t.Errorf("%s: %v per second, want %v ± 6 %%", c.name, got, want)
		}
		if !(e.Low <= e.PerSecond && e.PerSecond <= e.High) || e.Doubt != capacity.Identified {
			t.Errorf("%s: %v from %v to %v, %v", c.name, e.PerSecond, e.Low, e.High, e.Doubt)
		}
	}
}

// A new version of the engine that is a third slower shows within a minute or two, and
// what was learned of the old one goes.
func TestChange(t *testing.T) {
	old := capacity.Costs{Step: 12e-3, Prompt: 60e-6, Sequence: 60e-6, Context: 50e-9}
	slow := capacity.Costs{Step: 16e-3, Prompt: 80e-6, Sequence: 80e-6, Context: 67e-9}
	prior := capacity.Known(old)
	var f capacity.Fit
	for _, u := range uses(old, 3, 2000, 3) {
		f = f.Learn(prior, u)
	}
	if f.Changed != 0 {
		t.Errorf("%d changes were seen where there was none", f.Changed)
	}
	for i, u := range uses(slow, 3, 12, 4) {
		if f = f.Learn(prior, u); f.Changed > 0 && i > 6 {
			break
		}
	}
	if f.Changed == 0 {
		t.Fatal("no change was seen within three minutes")
	}
	for _, u := range uses(slow, 3, 40, 5) {
		f = f.Learn(prior, u)
	}
	near(t, "Prompt", f.Estimate(prior).Costs.Prompt, 80e-6, 5e-6)
}

func TestUnknown(t *testing.T) {
	e := capacity.Engine{Prior: capacity.Unknown(), Limits: ramp().Limits}
	if got := e.Estimate(0.9).Doubt; got != capacity.NoRequests {
		t.Errorf("of an engine that nothing was seen of: %v", got)
	}
	e.Mix = ramp().Mix
	if got := e.Estimate(0.9).Doubt; got != capacity.TooWide {
		t.Errorf("of a mix and no use: %v", got)
	}
	e.Prior = capacity.Known(ramp().Costs)
	if got := e.Estimate(0.9).Doubt; got != capacity.OnlyBelieved {
		t.Errorf("of a profile and no use: %v", got)
	}
}

func TestCurve(t *testing.T) {
	odds := math.Log(0.024 / 0.976)
	var c capacity.Curve
	k := c.Calibrated()
	near(t, "unseen: Share", k.Share(odds), 0.024, 0.002)
	bin := -9 + 18*math.Round((odds+9)/18*47)/47 // its middle
	model := 1 / (1 + math.Exp(-bin))            // 2.3 %
	c = c.Learn(bin, 850, 0.05)
	k = c.Calibrated()
	next := 1 / (1 + math.Exp(-bin-18.0/47))
	near(t, "Share", k.Share(bin), (150*model+850*0.05+150*next)/1150, 1e-9)
	// INV-4: 20 % where the model says more than where 5 % missed, and 1 % beyond.
	c = c.Learn(bin+1, 1e6, 0.2).Learn(bin+2, 1e6, 0.01)
	k = c.Calibrated()
	for i := 1; i < len(k); i++ {
		if k[i] < k[i-1] {
			t.Fatalf("it falls from %v to %v", k[i-1], k[i])
		}
	}
	near(t, "pooled: Share", k.Share(bin+1.5), 0.105, 0.001)
	if got := k.Share(100); got != 1 {
		t.Errorf("Share(100) = %v", got)
	}
	faded, fresh := c.Fade(0), capacity.Curve{}
	if faded.Calibrated() != fresh.Calibrated() {
		t.Error("what has faded still counts")
	}
}

func TestTable(t *testing.T) {
	r := ramp()
	table := r.Table()
	perSecond, _ := r.Capacity()
	for _, n := range []int{1, 2, 4, 8, 16} {
		for _, u := range []float64{0.6, 0.8, 0.9, 0.95} {
			want := math.Log(r.Missed(u*perSecond, n) / (1 - r.Missed(u*perSecond, n)))
			near(t, "LogOdds", table.LogOdds(u, n), max(want, -9), 1e-6)
		}
	}
	if a, b, c := table.LogOdds(0.85, 4), table.LogOdds(0.85, 6), table.LogOdds(0.85, 8); !(c <= b && b <= a) {
		t.Errorf("between 4 and 8 replicas: %v, %v, %v", a, b, c)
	}
}

func TestTimes(t *testing.T) {
	var s capacity.Times
	if got := s.Quantile(capacity.Start, 0.5); got != 2*time.Minute {
		t.Errorf("unseen: %v", got)
	}
	for i := range 100 {
		s = s.Learn(capacity.Start, time.Duration(i)*time.Second)
	}
	s = s.Learn(capacity.Start, -time.Second).Learn(capacity.Start, 100*time.Hour).Learn(99, time.Second)
	if got, want := s.Quantile(capacity.Start, 0.5), 87*time.Second; got != want { // of 76 … 99
		t.Errorf("Quantile(0.5) = %v, want %v", got, want)
	}
	if got, want := s.Quantile(capacity.Start, 0.9), 97*time.Second; got != want {
		t.Errorf("Quantile(0.9) = %v, want %v", got, want)
	}
}

// INV-6.
func TestWritten(t *testing.T) {
	var f capacity.Fit
	for _, u := range uses(ramp().Costs, 2, 9, 1) {
		f = f.Learn(capacity.Unknown(), u)
	}
	var s capacity.Times
	type all struct {
		Fit   capacity.Fit
		Curve capacity.Curve
		Table capacity.Table
		Times capacity.Times
	}
	want := all{f, capacity.Curve{}.Learn(-2, 77, 1.0/3), ramp().Table(), s.Learn(capacity.Drain, time.Second)}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got all
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-written +read\n%s", diff)
	}
}
