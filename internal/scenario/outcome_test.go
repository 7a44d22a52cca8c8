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

// Always n is always n: from the start, and with drained until the last answer. Of other
// laws the setup's replicas are there.
func TestStaticIsAlways(t *testing.T) {
	for text, want := range map[string][2]int{"static:n=3": {3, 3}, "static:n=0": {0, 0}, "static:n=9": {4, 4}, "hpa": {1, 4}} {
		f := parse(t, strings.Replace(small, "duration=10m", "duration=2m", 1)+"drained\nnodes 4 of 1 GPUs\n")
		f.Setup.Draw, f.Setup.Step = true, time.Second
		o, err := Run(f.Setup, named(t, f, text), 1)
		if err != nil {
			t.Fatal(err)
		}
		least, most := math.Inf(1), 0.0
		for _, p := range o.Points {
			least, most = min(least, p.Fleet.Ready), max(most, p.Fleet.Ready)
		}
		if least < float64(want[0])-1e-9 || most > float64(want[1])+1e-9 {
			t.Errorf("%s: %v to %v replicas were ready, want %v", text, least, most, want)
		}
		if strings.HasPrefix(text, "static:n=3") && (o.ScaleEvents != 0 || o.Duration > 2*time.Minute+20*time.Second) {
			t.Errorf("%s: %d changes, and the run took %v", text, o.ScaleEvents, o.Duration)
		}
	}
}

// Without a request there is nothing to judge.
func TestNoRequests(t *testing.T) {
	f := parse(t, strings.Replace(small, "poisson:rate=3,duration=10m", "poisson:rate=0.001,duration=1s", 1))
	if o, err := Run(f.Setup, named(t, f, "static:n=1"), 1); err == nil || !strings.Contains(err.Error(), "no request arrives in 1s") {
		t.Errorf("Run = %+v, %v", o.Result, err)
	}
}
