package scenario

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/score"
)

// The result says which share of the prompts was cached: none where nothing is known of
// what they share, and what the workload takes where it says so. First tokens come sooner.
func TestCachedShare(t *testing.T) {
	var ttft [2]time.Duration
	for i, cached := range []string{"", ",cached=0.5"} {
		f := parse(t, strings.Replace(small, "output=200", "output=200"+cached, 1))
		o, err := Run(f.Setup, named(t, f, "static:n=1"), 1)
		if err != nil {
			t.Fatal(err)
		}
		if want := .5 * float64(i); math.Abs(o.Cached-want) > .01 {
			t.Errorf("%q: %.3f of the prompts were cached, want %v", cached, o.Cached, want)
		}
		ttft[i] = o.Latency[score.TTFT].P50
	}
	if ttft[1] > ttft[0]*8/10 {
		t.Errorf("P50 of TTFT %v with half of each prompt cached, %v without", ttft[1], ttft[0])
	}
}

// A replica that crashes cuts what it has, and starts again.
func TestCrash(t *testing.T) {
	aborts := func(lines string) []score.Abort {
		f := parse(t, strings.Replace(small, "duration=10m", "duration=1h", 1)+lines)
		o, err := Run(f.Setup, named(t, f, "static:n=2"), 1)
		if err != nil {
			t.Fatal(err)
		}
		return o.Aborts
	}
	if got := aborts("crash 5m"); len(got) != 1 || got[0].Why != "cut" || got[0].Requests < 20 {
		t.Errorf("with a crash every five minutes %v were aborted, want some that were cut", got)
	}
	if got := aborts("deletion-cost"); got != nil {
		t.Errorf("without one %v were aborted", got)
	}
}

// Without a request there is nothing to judge.
func TestNoRequests(t *testing.T) {
	f := parse(t, strings.Replace(small, "poisson:rate=3,duration=10m", "poisson:rate=0.001,duration=1s", 1))
	if o, err := Run(f.Setup, named(t, f, "static:n=1"), 1); err == nil || !strings.Contains(err.Error(), "no request arrives in 1s") {
		t.Errorf("Run = %+v, %v", o.Result, err)
	}
}
