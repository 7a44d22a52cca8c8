package scenario

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/reading"
)

// What a scrape sees of the counters is what the engine has counted, and of a histogram
// the buckets add up.
func TestCounters(t *testing.T) {
	fleet, engine := counting(t)
	s := newSampler(Setup{Fleet: plant.FleetConfig{Engine: engine}, Scrape: 15 * time.Second}, 1)
	s.scrape(time.Minute, fleet)
	var set reading.Set
	for signal, want := range map[reading.Signal]float64{
		reading.Ended: 20, reading.PromptTokensRead: 14000, reading.CachedTokens: 0, reading.TokenGaps: 40, reading.TTFTs: 20,
		reading.TPOTs: 20, reading.InputLengths: 20, reading.InputTokens: 14000, reading.AnswerLengths: 20, reading.AnswerTokens: 60,
	} {
		series := set.Add(signal)
		s.read(time.Minute, signal, fleet.Replicas(), series)
		if series.Total.Value != want || len(series.Pods) != 3 || series.Pods[0].Value != want/2 || series.Pods[2].Usable() {
			t.Errorf("%v: %+v, want %v in all, half of it each, and nothing of the third", signal, *series, want)
		}
		for i, b := range series.Buckets[:min(2, len(series.Buckets))] {
			if len(b) != len(series.Bounds) || b[len(b)-1] != series.Pods[i].Value {
				t.Errorf("%v: buckets %v of bounds %v", signal, b, series.Bounds)
			}
		}
	}
}

func TestBuckets(t *testing.T) {
	fleet, engine := counting(t)
	s := newSampler(Setup{Fleet: plant.FleetConfig{Engine: engine}, Scrape: 15 * time.Second}, 1)
	s.scrape(time.Minute, fleet)
	var set reading.Set
	series := set.Add(reading.InputLengths)
	s.read(time.Minute, reading.InputLengths, fleet.Replicas(), series)
	for i, bound := range series.Bounds {
		if got := series.Buckets[0][i]; (bound >= 1000) != (got == 10) {
			t.Errorf("%v prompts of up to %v tokens: all have 700", got, bound)
		}
	}
}

// counting is a fleet of two replicas that have served ten requests each, and one that
// starts.
func counting(t *testing.T) (*plant.Fleet, plant.Config) {
	p, err := plant.FindProfile("qwen3-14b-h100", 0)
	if err != nil {
		t.Fatal(err)
	}
	fleet, err := plant.NewFleet(plant.FleetConfig{Engine: p.Engine(), GPUs: 1, GPUsPerNode: 2, Nodes: 1, Routing: plant.RoundRobin})
	if err != nil {
		t.Fatal(err)
	}
	if err := fleet.Prime(0, 2); err != nil {
		t.Fatal(err)
	}
	for id := range plant.ID(20) {
		fleet.Offer(0, plant.Request{ID: id + 1, PromptTokens: 700, MaxTokens: 3}, 0)
	}
	fleet.SetReplicas(0, 3)
	fleet.Advance(time.Minute)
	fleet.Sync(time.Minute)
	return fleet, p.Engine()
}
