package simulate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSweep(t *testing.T) {
	s, err := ParseSweep("target=0.5..0.7/0.1")
	if diff := cmp.Diff([]string{"0.5", "0.6", "0.7"}, s.values()); diff != "" || err != nil || s.Key != "target" {
		t.Errorf("ParseSweep = %+v, %v, -want +got\n%s", s, err, diff)
	}
	if s, err := ParseSweep("min=4..7"); err != nil || strings.Join(s.values(), " ") != "4 5 6 7" {
		t.Errorf("ParseSweep = %+v, %v", s, err)
	}
	for _, text := range []string{"", "target", "target=4", "target=4..", "target=8..4", "target=4..4", "=1..2", "target=1..2/0", "target=-1..2", "target=a..b", "target=1..2/x", "target=1..1e9", "target=NaN..2"} {
		if _, err := ParseSweep(text); err == nil {
			t.Errorf("ParseSweep(%q) took it", text)
		}
	}
}

func TestWithParameter(t *testing.T) {
	for text, want := range map[string]string{
		"hpa": "hpa:target=5", "hpa:target=3": "hpa:target=5", "hpa:metric=running,target=3,max=4": "hpa:metric=running,max=4,target=5",
	} {
		if got := WithParameter(text, "target", "5"); got != want {
			t.Errorf("WithParameter(%s) = %s, want %s", text, got, want)
		}
	}
}

// A search by hand: 41 values, of which those up to the 17th keep the promise, each cheaper
// than the one before. The first nine are 0, 5, 10, …; then the gaps beside the best close.
func TestGaps(t *testing.T) {
	tried := map[int]string{}
	for _, i := range evenly(41) {
		tried[i] = "x"
	}
	if len(tried) != coarse || tried[0] == "" || tried[40] == "" {
		t.Fatalf("first %v", tried)
	}
	best := func() int {
		for i := 17; ; i-- {
			if tried[i] != "" {
				return i
			}
		}
	}
	for range 10 {
		for _, i := range gaps(best(), tried, 41) {
			tried[i] = "x"
		}
	}
	if best() != 17 || tried[18] == "" || len(tried) > coarse+7 {
		t.Errorf("the best is %d after %d values: %v", best(), len(tried), tried)
	}
}

func TestEvenly(t *testing.T) {
	if got := evenly(3); !cmp.Equal(got, []int{0, 1, 2}) {
		t.Errorf("evenly(3) = %v", got)
	}
	if got := evenly(2); !cmp.Equal(got, []int{0, 1}) {
		t.Errorf("evenly(2) = %v", got)
	}
}

// All of a short sweep is tried, in its order, and beside it what else is asked for, once.
func TestSweep(t *testing.T) {
	in, load := inputsOf(t, scaledBy(`sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`))
	in.Plan = nil
	sweep, err := ParseSweep("n=1..3")
	if err != nil {
		t.Fatal(err)
	}
	c, err := sweep.Run(t.Context(), func(value string) (*Comparison, error) {
		in.Laws = []string{WithParameter("static", "n", value), "kpa"}
		return compare(t, in, load)
	}, 2, func() {})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range c.Rows() {
		names = append(names, r.Law)
	}
	if diff := cmp.Diff([]string{"n=1", "n=2", "n=3", "kpa"}, names); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := c.Verdict(); len(got) != 2 || !strings.HasPrefix(got[0].Text, "of 3 values of n that were tried n=1 is the cheapest that keeps 90 %: 100.00 % at ") ||
		got[1].Text != "n=1 is the end of the sweep and as cheap: beyond it may be a cheaper one" {
		t.Errorf("Verdict() = %q", got)
	}
}

func TestSweepVerdict(t *testing.T) {
	rows := []Row{
		{Law: "target=1", Keeps: Yes, GPUHours: 4, Attainment: 1}, {Law: "target=2", Keeps: Yes, GPUHours: 3, Attainment: .95},
		{Law: "target=3", Keeps: Unsure, GPUHours: 2, Attainment: .9}, {Law: "target=4", Keeps: No, GPUHours: 1}, {Law: "hpa", Keeps: Yes, GPUHours: .5},
	}
	for i := range rows {
		rows[i].Promise, rows[i].CI95 = .9, map[string]float64{}
	}
	s := Sweep{Key: "target"}
	want := []Verdict{
		{Yes, "of 4 values of target that were tried target=2 is the cheapest that keeps 90 %: 95.00 % at 3.00 GPU-hours"},
		{Unsure, "target=3 is cheaper, and it takes more seeds to tell whether it does: 90.00 % at 2.00 GPU-hours"},
	}
	if diff := cmp.Diff(want, s.verdict(rows)); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if got := s.verdict(rows[2:4]); len(got) != 1 || got[0] != (Verdict{No, "of 2 values of target that were tried none keeps 90 %, as far as the seeds tell"}) {
		t.Errorf("verdict = %q", got)
	}
}
