package law_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/knative"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/reading"
)

var (
	hpaFile = flag.String("hpa", "testdata/hpa.json.gz", "sequences that lab/oracle/hpa wrote")
	kpaFile = flag.String("kpa", "testdata/kpa.json.gz", "sequences that lab/oracle/kpa wrote")
)

// replay reads a file of one JSON object per line and counts how many steps of how
// many sequences differ.
func replay[S any](t *testing.T, path string, differences func(t *testing.T, s S) (steps, different int)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bufio.NewReader(unzipped))
	sequences, steps, different := 0, 0, 0
	for decoder.More() {
		var s S
		if err := decoder.Decode(&s); err != nil {
			t.Fatalf("sequence %d: %v", sequences, err)
		}
		n, d := differences(t, s)
		sequences, steps, different = sequences+1, steps+n, different+d
	}
	t.Logf("%d sequences, %d steps, %d differences", sequences, steps, different)
	if sequences == 0 {
		t.Error("no sequences")
	}
}

// An hpaSequence is a line of lab/oracle/hpa/sequence_test.go.
type hpaSequence struct {
	Period, DownHold, Tolerance, CPUInit, Readiness, Min, Max int

	Metrics  []hpaMetric
	Up, Down *hpaRules
	Steps    []hpaStep
	Want     []int
}

type hpaMetric struct {
	Kind, Target string
	Goal         float64
	Request      float64
	Window       int
}

type hpaRules struct {
	Window    int
	Select    string
	Tolerance *float64
	Policies  []struct {
		Percent       bool
		Value, Period int
	}
}

type hpaStep struct {
	Spec   *int
	Status int
	Values []float64
	Pods   []struct {
		State                 string
		Started, Changed, Age int
		Samples               []float64
	}
}

// INV-5, for the HPA.
func TestHPADecidesAsTheRealOne(t *testing.T) {
	replay(t, *hpaFile, func(t *testing.T, s hpaSequence) (int, int) {
		h, desired, different := s.config(), s.Min, 0
		var state law.State
		for i, st := range s.Steps {
			if st.Spec != nil {
				desired = *st.Spec
			}
			in := s.input(i, desired)
			var out law.Output
			state, out = h.Step(state, in)
			if out.Replicas != s.Want[i] {
				different++
				t.Errorf("%+v\nstep %d of %+v: got %d, the real HPA %d, for %+v", s, i, st, out.Replicas, s.Want[i], out)
			}
			desired = s.Want[i]
		}
		return len(s.Steps), different
	})
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func (s hpaSequence) config() hpa.Law {
	c := hpa.Law{
		Bounds: law.Bounds{Min: s.Min, Max: s.Max}, SyncPeriod: seconds(s.Period),
		DownHold: seconds(s.DownHold), Tolerance: float64(s.Tolerance) / 1000,
		CPUInit: seconds(s.CPUInit), Readiness: seconds(s.Readiness),
	}
	for i, m := range s.Metrics {
		out := hpa.Metric{
			Kind:   map[string]hpa.MetricKind{"External": hpa.External, "Pods": hpa.PerPod, "CPU": hpa.CPU, "Memory": hpa.Memory}[m.Kind],
			Target: map[string]hpa.Target{"AverageValue": hpa.AverageValue, "Value": hpa.Value, "Utilization": hpa.Utilization}[m.Target],
			Signal: reading.Query(i), Goal: m.Goal / 1000, Request: m.Request / 1000, SampleWindow: seconds(m.Window),
		}
		if out.Target == hpa.Utilization {
			out.Goal = m.Goal
		}
		c.Metrics = append(c.Metrics, out)
	}
	if s.Up != nil {
		c.Behavior = &hpa.Behavior{Up: s.Up.rules(c.Tolerance), Down: s.Down.rules(c.Tolerance)}
	}
	return c
}

func (r hpaRules) rules(tolerance float64) hpa.Rules {
	out := hpa.Rules{
		Window: seconds(r.Window), Tolerance: tolerance,
		Select: map[string]hpa.Select{"Max": hpa.SelectMax, "Min": hpa.SelectMin, "Disabled": hpa.SelectDisabled}[r.Select],
	}
	if r.Tolerance != nil {
		out.Tolerance = *r.Tolerance / 1000
	}
	for _, p := range r.Policies {
		out.Policies = append(out.Policies, hpa.Policy{Percent: p.Percent, Value: p.Value, Period: seconds(p.Period)})
	}
	return out
}

func (s hpaSequence) input(i, desired int) law.Input {
	st, now := s.Steps[i], seconds(s.Period*(i+1))
	in := law.Input{Now: now, Fleet: law.Fleet{Desired: desired, Ready: st.Status}}
	for _, p := range st.Pods {
		pod := law.Pod{StartedAt: now - seconds(p.Started), ChangedAt: now - seconds(p.Changed), Phase: law.PodRunning}
		switch p.State {
		case "r":
			pod.Ready = true
		case "d":
			pod.Ready, pod.Deleting = true, true
		case "p":
			pod.Phase = law.PodPending
		case "f":
			pod.Phase = law.PodFailed
		}
		in.Fleet.Pods = append(in.Fleet.Pods, pod)
	}
	column := 0
	for j, m := range s.Metrics {
		series := in.Readings.Add(reading.Query(j))
		if v := st.Values[j]; v >= 0 {
			series.Total = reading.New(v/1000, now)
		}
		if m.Kind != "External" {
			for _, p := range st.Pods {
				sample := reading.Reading{}
				if p.Samples[column] >= 0 && st.Values[j] >= 0 {
					sample = reading.New(p.Samples[column]/1000, now-seconds(p.Age))
				}
				series.Pods = append(series.Pods, sample)
			}
			column++
		}
	}
	return in
}

// A kpaSequence is a line of lab/oracle/kpa/kpa_test.go.
type kpaSequence struct {
	Target                    float64
	Stable, Panic             int
	Threshold, MaxUp, MaxDown float64
	Delay, Activation, Ready  int
	Steps                     []struct {
		Ready       int     `json:"r"`
		Concurrency float64 `json:"c"`
	}
	Want []int
}

// INV-5, for the KPA.
func TestKPADecidesAsTheRealOne(t *testing.T) {
	replay(t, *kpaFile, func(t *testing.T, s kpaSequence) (int, int) {
		c := knative.KPA{}.Defaults()
		c.Target, c.StableWindow, c.PanicWindow = s.Target, seconds(s.Stable), seconds(s.Panic)
		c.PanicThreshold, c.MaxUp, c.MaxDown = s.Threshold, s.MaxUp, s.MaxDown
		c.ScaleDownDelay, c.ActivationScale, c.ToZeroGrace = seconds(s.Delay), s.Activation, 0
		const unasked = 1 << 19 // what it would leave as it is
		state, out := c.Step(nil, law.Input{Fleet: law.Fleet{Desired: unasked, Ready: s.Ready}})
		different := 0
		for i, st := range s.Steps {
			in := law.Input{Now: c.Tick * time.Duration(i+1), Fleet: law.Fleet{Desired: unasked, Ready: st.Ready}}
			if st.Concurrency >= 0 {
				in.Readings = lawtest.See(in.Now, 0, lawtest.Totals{reading.Running: st.Concurrency, reading.Waiting: 0}).Readings
			}
			state, out = c.Step(state, in)
			want := s.Want[i]
			if want < 0 {
				want = unasked
			}
			if out.Replicas != want {
				different++
				t.Errorf("step %d of %+v: got %d, the real KPA %d, for %+v", i, s, out.Replicas, want, out)
			}
		}
		return len(s.Steps), different
	})
}
