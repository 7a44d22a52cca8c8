package des

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

func pop(t *testing.T, q *Queue[string]) string {
	t.Helper()
	e, ok := q.Pop()
	if !ok {
		t.Fatal("Pop on a queue that should hold something: nothing")
	}
	return e.What
}

// INV-1: time, then priority, then order of pushing.
func TestOrder(t *testing.T) {
	var q Queue[string]
	q.Push(2, 0, "later")
	q.Push(1, 5, "second of its time")
	q.Push(1, 5, "third of its time")
	q.Push(1, -1, "first of its time")
	for _, want := range []string{"first of its time", "second of its time", "third of its time", "later"} {
		if got := pop(t, &q); got != want {
			t.Errorf("Pop = %q, want %q", got, want)
		}
	}
	if _, ok := q.Pop(); ok || q.Len() != 0 {
		t.Errorf("Pop of an empty queue = true, Len %d", q.Len())
	}
	if _, ok := q.Next(); ok {
		t.Error("Next of an empty queue = true")
	}
}

// INV-2: what is pushed for the past, or before 0, is due now, after what was due now already.
func TestThePastIsNow(t *testing.T) {
	var q Queue[string]
	q.Push(-time.Second, 0, "before the start")
	if at, _ := q.Next(); at != 0 {
		t.Errorf("Next = %v, want 0", at)
	}
	pop(t, &q)
	q.Push(10, 0, "ten")
	q.Push(10, 0, "ten too")
	pop(t, &q)
	q.Push(3, 0, "three, too late")
	if got := pop(t, &q); got != "ten too" {
		t.Errorf("Pop = %q, want what was due at ten first", got)
	}
	if e, _ := q.Pop(); e.At != 10 || q.Now() != 10 {
		t.Errorf("Pop = %+v at %v, want it at 10", e, q.Now())
	}
}

// FuzzOrder compares INV-1 with a stable sort, pushing and popping in turns.
func FuzzOrder(f *testing.F) {
	f.Add([]byte{1, 2, 3, 1, 2, 255, 0, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var q Queue[int]
		var want []Event[int]
		var now time.Duration
		for i, op := range ops {
			if op >= 192 && len(want) > 0 {
				slices.SortStableFunc(want, func(a, b Event[int]) int {
					return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Priority, b.Priority))
				})
				got, _ := q.Pop()
				if got.What != want[0].What || got.At != want[0].At {
					t.Fatalf("Pop after %v = %+v, want %+v", ops[:i], got, want[0])
				}
				now, want = got.At, want[1:]
				continue
			}
			at, priority := time.Duration(op%16), int(op/16%4)
			q.Push(at, priority, i)
			want = append(want, Event[int]{At: max(at, now), Priority: priority, What: i})
		}
		if q.Len() != len(want) {
			t.Errorf("Len = %d, want %d", q.Len(), len(want))
		}
	})
}

// INV-3.
func TestStreamsAreFunctionsOfSeedAndName(t *testing.T) {
	draw := func(r *rand.Rand) (all [4]uint64) {
		for i := range all {
			all[i] = r.Uint64()
		}
		return all
	}
	first := draw(Stream(1, "arrivals"))
	draw(Stream(1, "other"))
	if diff := gocmp.Diff(first, draw(Stream(1, "arrivals"))); diff != "" {
		t.Errorf("Stream(1, arrivals) again: -first +second\n%s", diff)
	}
	if draw(Stream(1, "lengths")) == first || draw(Stream(2, "arrivals")) == first {
		t.Error("another name or seed gives the same numbers")
	}
}

// TestStreamsDoNotResembleEachOther: the correlation of 20,000 uniform numbers of two
// streams has a standard deviation of 1/sqrt(20000) = 0.007; five of them are allowed.
func TestStreamsDoNotResembleEachOther(t *testing.T) {
	const n = 20000
	for _, pair := range [][2]*rand.Rand{
		{Stream(1, "a"), Stream(2, "a")}, {Stream(1, "a"), Stream(1, "b")}, {Stream(0, ""), Stream(1, "")},
	} {
		sum := 0.0
		for range n {
			sum += (pair[0].Float64() - 0.5) * (pair[1].Float64() - 0.5)
		}
		if r := sum / n * 12; r < -0.035 || r > 0.035 {
			t.Errorf("correlation of two streams = %.4f, want 0 ± 0.035", r)
		}
	}
}

// TestSteadyStateAllocatesNothing holds what Queue says of itself.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	var q Queue[[2]int]
	for i := range 100 {
		q.Push(time.Duration(i), i%3, [2]int{i})
	}
	got := testing.AllocsPerRun(1000, func() {
		e, _ := q.Pop()
		q.Push(e.At+50, e.Priority, e.What)
	})
	if got != 0 {
		t.Errorf("Pop and Push allocate %v times, want 0", got)
	}
}

func BenchmarkQueue(b *testing.B) {
	var q Queue[int]
	random := Stream(1, "benchmark")
	for i := range 1000 {
		q.Push(time.Duration(random.Int64N(1e9)), 0, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		e, _ := q.Pop()
		q.Push(e.At+time.Duration(random.Int64N(1e9)), 0, e.What)
	}
}
