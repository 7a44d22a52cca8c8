package history_test

import (
	"math"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/history"
)

func TestReadChart(t *testing.T) {
	s := newStore(t)
	s.now = time.Hour
	s.scrape("0", 15*time.Second, pod{service: "llama", until: time.Hour, arrived: steadily(2)})
	s.scrape("1", 15*time.Second, pod{service: "other", until: time.Hour, arrived: steadily(50)})
	c, err := history.ReadChart(t.Context(), s.dial(), history.Subject{Service: "demo/llama"}, history.Span{From: epoch(), To: epoch().Add(time.Hour)}, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	if c.Step != 15*time.Second || len(c.Columns[history.Arrivals]) != 241 {
		t.Fatalf("%d points, %v apart, want 241 of 15s", len(c.Columns[history.Arrivals]), c.Step)
	}
	for i, v := range c.Columns[history.Arrivals][10:] {
		if math.Abs(v-2) > 0.1 || c.Columns[history.Pods][10+i] != 1 {
			t.Fatalf("point %d: %v arrivals a second on %v pods, want 2 on 1", 10+i, v, c.Columns[history.Pods][10+i])
		}
	}
	if v := c.Columns[history.TTFT][100]; !math.IsNaN(v) {
		t.Errorf("TTFT = %v without a histogram, want none", v)
	}
}

// A name that is no name of Kubernetes stays a value in its quotes.
func TestReadChartOfHostileName(t *testing.T) {
	s := newStore(t)
	s.now = time.Hour
	s.scrape("0", 15*time.Second, pod{service: "llama", until: time.Hour, arrived: steadily(2)})
	c, err := history.ReadChart(t.Context(), s.dial(), history.Subject{Service: `demo/x"} or vllm:num_requests_waiting{a="`}, history.Span{From: epoch(), To: epoch().Add(time.Hour)}, 0.9)
	if err != nil || !math.IsNaN(c.Columns[history.Waiting][100]) {
		t.Errorf("ReadChart = %v, %v, want nothing", c.Columns[history.Waiting][100], err)
	}
}
