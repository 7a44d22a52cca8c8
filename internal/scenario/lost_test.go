package scenario

import (
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Of the scrapes that fail a replica has no reading until the next.
func TestLost(t *testing.T) {
	f := parse(t, strings.Replace(small, "duration=10m", "duration=1h", 1)+"scrape 5s\nlost 20%\n")
	seen := map[bool]float64{} // by whether there was a reading
	s := spy{needs: []reading.Signal{reading.Running, reading.Ended}, n: 1, look: func(in law.Input) {
		running, ended := in.Readings.Of(reading.Running).Pods, in.Readings.Of(reading.Ended).Pods
		for i := range running {
			seen[running[i].Usable()]++
			if running[i].Usable() != ended[i].Usable() {
				t.Errorf("at %v of one scrape %v was read and %v", in.Now, running[i], ended[i])
			}
		}
	}}
	if _, err := Run(f.Setup, s.policy(), 1); err != nil {
		t.Fatal(err)
	}
	if share := seen[false] / (seen[false] + seen[true]); share < 0.15 || share > 0.25 {
		t.Errorf("%.1f %% of the readings are absent, want about 20", 100*share)
	}
}

// Steps that take longer than the profile says are the engine's alone: fewer requests are in
// time, and what a law is told of the engine stays as it was.
func TestSteps(t *testing.T) {
	attained := map[string]float64{}
	for _, steps := range []string{"1", "3"} {
		f := parse(t, small+"steps "+steps+"\n")
		out, err := Run(f.Setup, spy{n: 1, look: func(law.Input) {}}.policy(), 1)
		if err != nil {
			t.Fatal(err)
		}
		attained[steps] = out.Attainment
		if told, want := f.Setup.informed(promise.Law{}, 1), parse(t, small).Setup.informed(promise.Law{}, 1); told != want {
			t.Errorf("with steps %s a law is told %+v, want %+v", steps, told, want)
		}
	}
	if attained["1"] < 0.9 || attained["3"] > 0.5 {
		t.Errorf("attained by how long steps take: %v", attained)
	}
}
