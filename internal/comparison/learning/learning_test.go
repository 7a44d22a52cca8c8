package learning

import (
	"math"
	"testing"
	"time"
)

// chat is a busy engine of short requests.
func chat() Engine {
	return Engine{Profile: "qwen3-14b-h100", Input: 1000, Output: 200, TTFT: 2 * time.Second, TPOT: 60 * time.Millisecond}
}

// What a replica serves is known better from minute to minute, and within its interval.
//
// INV-1.
func TestEstimates(t *testing.T) {
	all, err := chat().Estimates(Priors()[0], 1)
	if err != nil || len(all) != int(watched/time.Minute) {
		t.Fatalf("Estimates() = %v, %v, want one of each minute", all, err)
	}
	last := all[len(all)-1]
	if math.Abs(last.Value-1) > 0.06 || last.Low > 1 || last.High < 1 || last.At != watched {
		t.Errorf("after %v: %+v, want the truth within 6 %% and within the interval", watched, last)
	}
	if width := all[0].High / all[0].Low; !(width > last.High/last.Low) {
		t.Errorf("the interval of %v is no narrower after %v", width, watched)
	}
}

// The curve that was learned of a service lies nearer to the true one than the first did.
func TestMisses(t *testing.T) {
	e := Engine{Profile: "qwen3-32b-h100-tp2", Input: 4000, Output: 1000, TTFT: 3 * time.Second, TPOT: 100 * time.Millisecond}
	all, err := e.Misses(1, 10*time.Minute, 2*time.Hour)
	if err != nil || len(all) != 3 {
		t.Fatalf("Misses() = %v, %v, want two and the true one", all, err)
	}
	truth := all[2].Shares
	if !(truth[0] < 0.01 && truth[loads-1] > 0.5) {
		t.Errorf("the true curve goes from %v to %v, want from nothing to most", truth[0], truth[loads-1])
	}
	if early, late := distance(all[0].Shares, truth), distance(all[1].Shares, truth); late > early+0.01 {
		t.Errorf("%v away from the truth after two hours, %v after ten minutes", late, early)
	}
}

// The starts that a service had are known, about as long as they are.
func TestStarts(t *testing.T) {
	known, truth, err := chat().Starts(1)
	if err != nil || len(known) < 10 {
		t.Fatalf("Starts() = %v, %v, want those of twelve rises", known, err)
	}
	last := known[len(known)-1]
	if off := math.Abs(last.Median.Seconds()/truth.Median.Seconds() - 1); off > 0.15 {
		t.Errorf("a median of %v was learned of %d starts, want %v", last.Median, last.From, truth.Median)
	}
	if truth.P90 <= truth.Median || last.P90 <= last.Median {
		t.Errorf("nine tenths take up to %v, learned %v, want more than the medians", truth.P90, last.P90)
	}
}

// distance is the mean difference of two curves.
func distance(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(a[i] - b[i])
	}
	return sum / float64(len(a))
}
