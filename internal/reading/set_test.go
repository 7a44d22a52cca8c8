package reading_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flyball-dev/flyball/internal/reading"
)

// bits compares numbers to the last bit, so that NaN is NaN and -0 is not 0.
var bits = cmp.Comparer(func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })

func anyReading(r *rand.Rand) reading.Reading {
	values := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, 5e-324, 1.0 / 3, 7}
	return reading.Reading{
		Value: values[r.IntN(len(values))], At: time.Duration(r.Uint64()), Quality: reading.Quality(r.IntN(5)),
	}
}

// INV-4 and INV-5: any order of filling gives the same set, which JSON brings back.
func TestSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var again reading.Set
	for range 300 {
		want := map[reading.Signal]reading.Series{}
		again = again[:0]
		for range r.IntN(9) {
			signal := reading.Signal(1 + r.IntN(len(reading.Signals())))
			if r.IntN(3) == 0 {
				signal = reading.Query(r.IntN(4))
			}
			want[signal] = fill(again.Add(signal), r)
		}
		if !slices.IsSortedFunc(again, func(a, b reading.Entry) int { return int(a.Signal - b.Signal) }) || len(again) != len(want) {
			t.Fatalf("%v is not in order, or has not %d signals", again, len(want))
		}
		text, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		var back reading.Set
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		for _, signal := range append(reading.Signals(), reading.Query(0), reading.Query(1), reading.Query(2), reading.Query(3)) {
			for from, set := range map[string]reading.Set{"filled": again, "from JSON": back} {
				got := set.Of(signal)
				if diff := cmp.Diff(want[signal], got, bits, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("%s: Of(%v) -want +got\n%s", from, signal, diff)
				}
			}
		}
	}
}

// fill puts anything into a series, and returns a copy.
func fill(s *reading.Series, r *rand.Rand) reading.Series {
	s.Total = anyReading(r)
	for range r.IntN(3) {
		s.Bounds = append(s.Bounds, r.Float64())
	}
	for range r.IntN(3) {
		s.Pods = append(s.Pods, anyReading(r))
		for i, b := 0, s.AddBuckets(); i < len(b); i++ {
			b[i] = anyReading(r).Value
		}
	}
	return reading.Series{Total: s.Total, Pods: slices.Clone(s.Pods), Bounds: slices.Clone(s.Bounds), Buckets: clone(s.Buckets)}
}

func clone(buckets [][]float64) [][]float64 {
	var all [][]float64
	for _, b := range buckets {
		all = append(all, slices.Clone(b))
	}
	return all
}

// A set that is filled as before allocates nothing.
func TestSetIsUsedAgain(t *testing.T) {
	var set reading.Set
	fill := func() {
		set = set[:0]
		for _, signal := range []reading.Signal{reading.Waiting, reading.Running, reading.Query(0)} {
			s := set.Add(signal)
			s.Bounds = append(s.Bounds, 1, 2)
			s.Pods = append(s.Pods, reading.New(1, 0), reading.New(2, 0))
			s.AddBuckets()
			s.AddBuckets()
		}
	}
	for range 4 { // each place has had pods
		fill()
	}
	if n := testing.AllocsPerRun(100, fill); n > 0 {
		t.Errorf("filling a set again allocates %v times, want none", n)
	}
}

func TestSetRefusesDisorder(t *testing.T) {
	for text, want := range map[string]string{
		`[{"Signal":"waiting"},{"Signal":"running"}]`: "reading a set: running does not come after waiting",
		`[{"Signal":"held"},{"Signal":"held"}]`:       "reading a set: held does not come after held",
		`[{"Signal":"query:-1"}]`:                     `reading a set: signal "query:-1": no place of a query`,
		`[{"Signal":"queue"}]`:                        `reading a set: signal "queue": there is none of that name`,
		`[{"Total":{"Quality":"good"}}]`:              `reading a set: reading a reading: quality "good": there is none of that name`,
	} {
		var s reading.Set
		if err := json.Unmarshal([]byte(text), &s); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestSignals(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range reading.Signals() {
		d := s.Definition()
		if d.Name == "" || d.Family == reading.FamilyUnset || seen[d.Name] {
			t.Errorf("signal %d is %+v: incomplete, or a name twice", s, d)
		}
		seen[d.Name] = true
		if (d.Func == reading.Last || d.Func >= reading.Count) != (d.Window == 0) || (d.Func == reading.Quantile) != (d.Quantile > 0) {
			t.Errorf("%s: window or quantile", d.Name)
		}
		if again, ok := reading.Named(d.Name); !ok || again != s {
			t.Errorf("Named(%s) = %v, %v", d.Name, again, ok)
		}
	}
}

func TestQuerySignals(t *testing.T) {
	if i, ok := reading.Query(3).Query(); i != 3 || !ok || reading.Query(3).String() != "query:3" {
		t.Errorf("Query(3) is %v of %v", i, reading.Query(3))
	}
	if d := reading.Query(3).Definition(); d != (reading.Definition{}) {
		t.Errorf("a query is made as %+v", d)
	}
	if got := reading.Quantile.String() + " " + reading.Func(9).String(); got != "quantile unknown" {
		t.Errorf("String() = %q", got)
	}
}
