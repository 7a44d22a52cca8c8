package load

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Snapshot is the state of a load under way.
type Snapshot struct {
	Elapsed        time.Duration
	Sent, InFlight int
	Outcomes       Counts
	OutputTokens   int           // of the requests that have ended
	Lag            time.Duration // how late the latest request to end was sent
	TTFT           time.Duration // median of the requests that ended ok since the last snapshot; 0 without one
}

// Quantiles of a latency, in seconds; each is the latency of a real request.
type Quantiles struct {
	Count int     `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

// Result is what became of a load. Latencies are those of the requests that ended ok, except Lag.
type Result struct {
	ElapsedSeconds        float64           `json:"elapsed_seconds"`
	Sent                  int               `json:"sent"`
	Outcomes              Counts            `json:"outcomes"`
	Statuses              map[int]int       `json:"http_errors,omitempty"`  // by status
	FirstErrors           map[string]string `json:"first_errors,omitempty"` // by outcome
	InputTokens           int               `json:"input_tokens"`
	OutputTokens          int               `json:"output_tokens"`
	RequestsPerSecond     float64           `json:"ok_requests_per_second"`
	OutputTokensPerSecond float64           `json:"output_tokens_per_second"`
	TTFT                  Quantiles         `json:"ttft_seconds,omitzero"`
	TTFTFromSend          Quantiles         `json:"ttft_from_send_seconds,omitzero"`
	TPOT                  Quantiles         `json:"tpot_seconds,omitzero"`
	E2E                   Quantiles         `json:"e2e_seconds,omitzero"`
	E2EFromSend           Quantiles         `json:"e2e_from_send_seconds,omitzero"`
	Lag                   Quantiles         `json:"lag_seconds,omitzero"` // scheduled arrival to sending, of all requests
}

// stats gathers endings from the requests' goroutines.
type stats struct {
	mu      sync.Mutex
	sent    int
	counts  Counts
	status  map[int]int
	first   map[string]string
	in, out int
	lastLag time.Duration
	recent  []time.Duration // TTFTs since the last snapshot

	lag, ttft, ttftFromSend, tpot, e2e, e2eFromSend []time.Duration
}

func newStats() *stats { return &stats{status: map[int]int{}, first: map[string]string{}} }

func (s *stats) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent++
}

func (s *stats) end(e ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[e.outcome]++
	s.in, s.out = s.in+e.inputTokens, s.out+e.outputTokens
	s.lastLag = e.lag
	s.lag = append(s.lag, e.lag)
	if e.outcome == HTTPError {
		s.status[e.status]++
	}
	if _, seen := s.first[e.outcome.String()]; !seen && e.detail != "" {
		s.first[e.outcome.String()] = e.detail
	}
	if e.outcome != OK {
		return
	}
	s.ttft, s.ttftFromSend = append(s.ttft, e.lag+e.ttft), append(s.ttftFromSend, e.ttft)
	s.e2e, s.e2eFromSend = append(s.e2e, e.lag+e.e2e), append(s.e2eFromSend, e.e2e)
	s.recent = append(s.recent, e.lag+e.ttft)
	if tpot, ok := e.tpot(); ok {
		s.tpot = append(s.tpot, tpot)
	}
}

// snapshot starts a new interval for what is recent.
func (s *stats) snapshot(elapsed time.Duration) Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.recent)
	ttft := rank(s.recent, 0.5)
	s.recent = s.recent[:0]
	return Snapshot{elapsed, s.sent, s.sent - s.counts.Total(), s.counts, s.out, s.lastLag, ttft}
}

func (s *stats) result(elapsed time.Duration) Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Result{
		ElapsedSeconds: elapsed.Seconds(), Sent: s.sent, Outcomes: s.counts, Statuses: s.status, FirstErrors: s.first,
		InputTokens: s.in, OutputTokens: s.out,
		TTFT: quantiles(s.ttft), TTFTFromSend: quantiles(s.ttftFromSend), TPOT: quantiles(s.tpot),
		E2E: quantiles(s.e2e), E2EFromSend: quantiles(s.e2eFromSend), Lag: quantiles(s.lag),
	}
	if elapsed > 0 {
		r.RequestsPerSecond = float64(s.counts[OK]) / elapsed.Seconds()
		r.OutputTokensPerSecond = float64(s.out) / elapsed.Seconds()
	}
	return r
}

func quantiles(all []time.Duration) Quantiles {
	if len(all) == 0 {
		return Quantiles{}
	}
	slices.Sort(all)
	sum := 0.0
	for _, d := range all {
		sum += d.Seconds()
	}
	at := func(q float64) float64 { return rank(all, q).Seconds() }
	return Quantiles{len(all), sum / float64(len(all)), at(0.5), at(0.9), at(0.99), at(1)}
}

// rank is the smallest element that a share q of all does not exceed; 0 of none.
func rank(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
