package history_test

import (
	"cmp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/history"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/workload"
)

// A tape is a scenario.PromQL that keeps what was scraped, and a law of two replicas.
type tape struct {
	*store
	arrived []workload.Request
	seen    int // of arrived
	lengths [2]histogram
}

type histogram struct {
	sum    float64
	counts [15]float64
}

func bounds() []int { return []int{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000} }

func (h *histogram) add(tokens int) {
	h.sum += float64(tokens)
	i, _ := slices.BinarySearch(bounds(), tokens)
	h.counts[i]++
}

func (s *tape) Scrape(at time.Duration, pod string, values []float64) error {
	base := []string{"namespace", "demo", "isvc_name", "llama", "pod", pod}
	for i, c := range scenario.Exposed() {
		switch {
		case c.Family == reading.FirstToken && c.Part == scenario.Count:
			s.write(at, values[i], firstTokens, base...)
		case c.Family == reading.EngineWaiting:
			s.write(at, values[i], waiting, base...)
		}
	}
	s.write(at, 1, "up", base...)
	if pod != "pod-1" {
		return nil
	}
	// A simulated engine shows no lengths: one pod shows those of all that has arrived.
	for ; s.seen < len(s.arrived) && s.arrived[s.seen].At <= at; s.seen++ {
		s.lengths[0].add(s.arrived[s.seen].Input)
		s.lengths[1].add(s.arrived[s.seen].Output)
	}
	for i, name := range []string{"vllm:request_prompt_tokens", "vllm:request_generation_tokens"} {
		h, n := s.lengths[i], 0.0
		s.write(at, h.sum, name+"_sum", base...)
		for i, b := range bounds() {
			n += h.counts[i]
			s.write(at, n, name+"_bucket", append(base, "le", strconv.Itoa(b))...)
		}
		s.write(at, float64(s.seen), name+"_bucket", append(base, "le", "+Inf")...)
	}
	return nil
}

func (s *tape) Gone(time.Duration, string) {}
func (s *tape) Query(at time.Duration, _ string) reading.Reading {
	return reading.Reading{At: at, Quality: reading.Absent}
}

func (s *tape) Name() string            { return "tape" }
func (s *tape) Needs() []reading.Signal { return []reading.Signal{reading.Query(0)} }
func (s *tape) Step(_ law.State, in law.Input) (law.State, law.Output) {
	return nil, law.Output{Replicas: 2, Next: in.Now + time.Minute}
}

// What a simulated fleet's vLLM counts brings the arrivals back that made it: the rates,
// also while more arrive than two replicas serve, and the lengths.
func TestSimulatedFleet(t *testing.T) {
	const text = `
workload  poisson:stages=20m:6/10m:40/60m:6,input=lognormal:1200:900:10:8000,output=lognormal:200:150:5:1000
profile   qwen3-14b-h100
replicas  2..2 from 2
objective ttft:p90:1s
`
	f, err := scenario.Parse("test", text, scenario.Env{
		Workload: func(text string) (workload.Workload, error) { return workload.Find(text, nil) },
		Profile:  func(name string) (plant.Profile, error) { return plant.FindProfile(name, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &tape{store: newStore(t), arrived: slices.Collect(replayed(f.Setup.Workload).All(0))}
	f.Setup.Workload = replayed(f.Setup.Workload)
	f.Setup.PromQL = func(time.Duration, time.Duration, []string) (scenario.PromQL, error) { return s, nil }
	if _, err := scenario.Run(f.Setup, decide.Policy{Law: s, Queries: []string{"up"}}, 1); err != nil {
		t.Fatal(err)
	}
	s.now = 90*time.Minute - epoch().Sub(epoch().Truncate(time.Minute)) // the end of a minute
	h, err := history.Read(t.Context(), s.dial(), "", 90*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(h)

	// What was read until a minute is over had arrived by the scrape before it, or just
	// before that.
	begin := s.now - time.Duration(len(h.PerSecond))*h.Step
	read := s.until(begin)
	for i, v := range h.PerSecond {
		read += 60 * v
		at := begin + time.Duration(i+1)*h.Step
		if low, high := s.until(at-20*time.Second), s.until(at); read < low-250 || read > high+250 {
			t.Errorf("until %v: %.0f requests, %.0f to %.0f had arrived", at, read, low, high)
		}
	}
	w, err := h.Workload()
	if err != nil {
		t.Fatal(err)
	}
	truth, drawn := workload.Describe(replayed(f.Setup.Workload), 1, 1), workload.Describe(w, 1, 1)
	for _, c := range []struct {
		name        string
		want, got   workload.Tokens
		mean, tails float64
	}{{"input", truth.Input, drawn.Input, .02, .25}, {"output", truth.Output, drawn.Output, .02, .25}} {
		if !near(c.got.Mean, c.want.Mean, c.mean) || !near(float64(c.got.P50), float64(c.want.P50), c.tails) || !near(float64(c.got.P99), float64(c.want.P99), c.tails) {
			t.Errorf("%s: %+v, want %+v", c.name, c.got, c.want)
		}
	}
}

// until is how many had arrived.
func (s *tape) until(at time.Duration) float64 {
	n, _ := slices.BinarySearchFunc(s.arrived, at, func(r workload.Request, at time.Duration) int { return cmp.Compare(r.At, at) })
	return float64(n)
}

// replayed is the same for every seed, so that what arrived is known.
func replayed(w workload.Workload) workload.Workload {
	open := w.Open
	w.Open = func(uint64) workload.Source { return open(1) }
	return w
}
