package load

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func times(p Pacer, most int) []time.Duration {
	var at []time.Duration
	for a := range p.All() {
		if at = append(at, a.At); len(at) == most {
			break
		}
	}
	return at
}

// INV-1
func TestConstantArrivals(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stages []Stage
		want   []time.Duration
	}{
		{"one stage", []Stage{{time.Second, 4}}, []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond}},
		{"a stage that ends between two arrivals", []Stage{{1500 * time.Millisecond, 1}, {time.Second, 2}},
			[]time.Duration{0, time.Second, 1750 * time.Millisecond, 2250 * time.Millisecond}},
		{"a pause", []Stage{{2 * time.Second, 1}, {5 * time.Second, 0}, {2 * time.Second, 1}},
			[]time.Duration{0, time.Second, 7 * time.Second, 8 * time.Second}},
		{"no end", []Stage{{0, 0.5}}, []time.Duration{0, 2 * time.Second, 4 * time.Second, 6 * time.Second, 8 * time.Second}},
		{"beyond the horizon", []Stage{{0, 1e-12}}, []time.Duration{0}},
	} {
		p := Pacer{Process: Constant, Stages: tt.stages, InputTokens: 1, OutputTokens: 1}
		if d := cmp.Diff(tt.want, times(p, 5)); d != "" {
			t.Errorf("%s: arrivals (-want +got):\n%s", tt.name, d)
		}
	}
}

// INV-1
func TestPoissonArrivals(t *testing.T) {
	p := Pacer{Process: Poisson, Stages: []Stage{{1000 * time.Second, 5}, {500 * time.Second, 20}}, Seed: 7, InputTokens: 1, OutputTokens: 1}
	at := times(p, 0)
	if !slices.Equal(at, times(p, 0)) || !slices.IsSorted(at) {
		t.Error("the same Pacer gave other arrivals, or not in order")
	}
	other := p
	other.Seed = 8
	if slices.Equal(at, times(other, 0)) {
		t.Error("another seed gave the same arrivals")
	}
	second, _ := slices.BinarySearch(at, 1000*time.Second)
	for _, stage := range []struct {
		at   []time.Duration
		mean float64
	}{{at[:second], 5000}, {at[second:], 10000}} {
		if n := float64(len(stage.at)); math.Abs(n-stage.mean) > 4*math.Sqrt(stage.mean) {
			t.Errorf("%v arrivals in a stage, want %v ± 4 standard deviations", n, stage.mean)
		}
	}
	// Of exponential gaps, 1/e are longer than their mean.
	long := 0
	for i := 1; i < second; i++ {
		if at[i]-at[i-1] > 200*time.Millisecond {
			long++
		}
	}
	if share := float64(long) / float64(second); math.Abs(share-1/math.E) > 0.03 {
		t.Errorf("%.3f of the gaps are longer than the mean, want 0.368", share)
	}
}

func TestPacerValidate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pacer Pacer
		want  string
	}{
		{"nothing", Pacer{Process: Poisson}, "nothing would arrive"},
		{"no process", Pacer{Stages: []Stage{{1, 1}}}, "no arrival process"},
		{"negative rate", Pacer{Process: Constant, Stages: []Stage{{1, -1}}}, "stage 1: rate -1"},
		{"infinite rate", Pacer{Process: Constant, Stages: []Stage{{1, math.Inf(1)}}}, "stage 1: rate +Inf"},
		{"endless in the middle", Pacer{Process: Constant, Stages: []Stage{{0, 1}, {1, 1}}}, "only the last stage"},
		{"endless and empty", Pacer{Process: Constant, Stages: []Stage{{0, 0}}}, "no rate and no end"},
		{"no tokens", Pacer{Process: Constant, Stages: []Stage{{1, 1}}}, "at least 1"},
		{"both", Pacer{Trace: []Arrival{{0, 1, 1}}, Stages: []Stage{{1, 1}}}, "exclude"},
		{"back in time", Pacer{Trace: []Arrival{{2, 1, 1}, {1, 1, 1}}}, "arrival 2"},
		{"trace", Pacer{Trace: []Arrival{{0, 1, 1}, {0, 1, 1}}}, ""},
		{"stages", Pacer{Process: Constant, Stages: []Stage{{1, 0}, {0, 1}}, InputTokens: 1, OutputTokens: 1}, ""},
	} {
		if got := errorText(tt.pacer.Validate()); got != tt.want && (tt.want == "" || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: Validate() = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestReadTrace(t *testing.T) {
	const header = "arrival_s,input_tokens,output_tokens\n"
	for _, tt := range []struct {
		name, csv string
		want      []Arrival
		err       string
	}{
		{"times from the first", header + "4.5,10,20\n5,30,40\n", []Arrival{{0, 10, 20}, {500 * time.Millisecond, 30, 40}}, ""},
		{"other columns", "service,output_tokens,input_tokens,arrival_s\nconv,2,1,0\n", []Arrival{{0, 1, 2}}, ""},
		{"empty", "", nil, "reading the header: EOF"},
		{"no row", header, nil, "no row"},
		{"no column", "arrival_s,input_tokens\n0,1\n", nil, "no column output_tokens"},
		{"no time", header + "0,1,1\nNaN,1,1\n", nil, `line 3: arrival_s "NaN"`},
		{"no size", header + "0,1,0\n", nil, "line 2: 1 input and 0 output tokens"},
		{"no number", header + "0,1,many\n", nil, "line 2: output_tokens"},
		{"back in time", header + "2,1,1\n1,1,1\n", nil, "line 3: arrival_s goes back in time"},
		{"short row", header + "2,1\n", nil, "line 2"},
	} {
		got, err := ReadTrace(strings.NewReader(tt.csv))
		if text := errorText(err); !strings.Contains(text, tt.err) || (tt.err == "") != (err == nil) {
			t.Errorf("%s: ReadTrace = %q, want %q", tt.name, text, tt.err)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: ReadTrace (-want +got):\n%s", tt.name, d)
		}
	}
}
