package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// INV-5: while scrapes find nothing, as in Prometheus: a gauge has no newest sample and is absent
// at once; what is made of a window of one or five minutes goes on, is stale after a
// scrape's interval, and absent once fewer than two samples are in it. A mean of no
// request is no number, and a pod that is not up has no sample.
func TestQualities(t *testing.T) {
	f := parse(t, strings.Replace(small, "rate=3,", "rate=0.5,", 1)+"lose 4m..12m\n")
	f.Setup.Phases = &Phases{Scrape: 5 * time.Second}
	seen := map[string]string{} // by signal and time
	times := []time.Duration{
		time.Second, 30 * time.Second, 239 * time.Second, 244 * time.Second, 250 * time.Second, 292 * time.Second, 310 * time.Second,
		550 * time.Second,
	}
	s := spy{needs: []reading.Signal{reading.Running, reading.Arrivals, reading.MeanInput}, n: 2, look: func(in law.Input) {
		if !slices.Contains(times, in.Now) {
			return
		}
		for _, e := range in.Readings {
			seen[fmt.Sprint(e.Signal)] += " " + e.Total.Quality.String()
			for i, p := range e.Pods {
				if up := in.Fleet.Pods[i].Ready; p.Usable() && p.Quality != e.Total.Quality || !up && p.Quality != reading.Absent {
					t.Errorf("at %v %v of a pod, ready %t, is %+v, in all %+v", in.Now, e.Signal, up, p, e.Total)
				}
			}
		}
	}}
	if _, err := Run(f.Setup, s.policy(), 1); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"running":    " absent fresh fresh fresh absent absent absent absent",
		"arrivals":   " absent fresh fresh fresh stale absent absent absent",
		"input-mean": " absent fresh fresh fresh stale stale stale absent",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("qualities at %v: -want +got\n%s", times, diff)
	}
}

// INV-5: a mean of no request is invalid and no number, which is not the same as no answer.
func TestMeanOfNothing(t *testing.T) {
	f := parse(t, strings.Replace(small, "rate=3,", "rate=0.01,", 1))
	seen := map[reading.Quality]int{}
	s := spy{needs: []reading.Signal{reading.MeanInput}, n: 1, look: func(in law.Input) {
		r := in.Readings.Of(reading.MeanInput).Total
		seen[r.Quality]++
		if r.Quality == reading.Invalid && (r.Usable() || !r.Null()) {
			t.Errorf("at %v: %+v", in.Now, r)
		}
	}}
	if _, err := Run(f.Setup, s.policy(), 1); err != nil || seen[reading.Invalid] == 0 {
		t.Errorf("%v; qualities %v, want some invalid", err, seen)
	}
}
