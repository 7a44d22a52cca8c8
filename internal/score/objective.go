package score

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Metric is a latency of one request.
type Metric int

// The metrics.
const (
	TTFT Metric = iota // arrival to first token
	TPOT               // mean time between the tokens after the first
	E2E                // arrival to last token
	numMetrics
)

func (m Metric) String() string {
	names := [numMetrics]string{"ttft", "tpot", "e2e"}
	if m < 0 || m >= numMetrics {
		return "unknown"
	}
	return names[m]
}

// An Objective is met by a request whose latency is at most Target, and by a service
// if the Quantile of its requests' latencies is.
type Objective struct {
	Metric   Metric
	Quantile float64 // above 0, at most 1
	Target   time.Duration
}

// Usual are the objectives where nobody states any: ttft:p90:3s and tpot:p90:100ms.
func Usual() []Objective {
	return []Objective{{TTFT, 0.9, 3 * time.Second}, {TPOT, 0.9, 100 * time.Millisecond}}
}

// String is what ParseObjective reads: ttft:p90:3s.
func (o Objective) String() string {
	return fmt.Sprintf("%s:p%s:%s", o.Metric, strconv.FormatFloat(o.Quantile*100, 'g', 6, 64), o.Target)
}

// A Mistake is what is wrong with objectives, and how to correct it.
type Mistake struct{ What, Fix string }

func (m *Mistake) Error() string { return m.What + "; " + m.Fix }

// ParseObjective reads METRIC:pQUANTILE:TARGET, as ttft:p90:3s. Its error is a *Mistake.
func ParseObjective(text string) (Objective, error) {
	fail := func(why string) (Objective, error) {
		return Objective{}, &Mistake{fmt.Sprintf("objective %q: %s", text, why), "write METRIC:pQUANTILE:TARGET, as ttft:p90:3s or tpot:p99:100ms"}
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return fail("it has not three parts")
	}
	o := Objective{Metric: numMetrics}
	for m := range numMetrics {
		if parts[0] == m.String() {
			o.Metric = m
		}
	}
	if o.Metric == numMetrics {
		return fail("the metric is none of ttft, tpot and e2e")
	}
	digits, ok := strings.CutPrefix(parts[1], "p")
	percent, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(percent > 0 && percent <= 100) {
		return fail("the quantile is not within p0 and p100")
	}
	o.Quantile = percent / 100
	if o.Target, err = time.ParseDuration(parts[2]); err != nil || o.Target <= 0 {
		return fail("the target is no time above 0")
	}
	return o, nil
}

// ParseObjectives reads those of one service. Its error is a *Mistake.
func ParseObjectives(texts []string) ([]Objective, error) {
	all := make([]Objective, len(texts))
	for i, text := range texts {
		var err error
		if all[i], err = ParseObjective(text); err != nil {
			return nil, err
		}
	}
	_, err := Promise(all)
	return all, err
}

// Promise is the share of requests that a service promises to meet all objectives with. It
// has one: objectives of several quantiles, or two of one metric, contradict each other,
// which is a *Mistake.
func Promise(objectives []Objective) (float64, error) {
	if len(objectives) == 0 {
		return 0, &Mistake{"no objective is stated, and without one nothing can be judged", "state one, as ttft:p90:3s"}
	}
	for i, o := range objectives {
		for _, other := range objectives[:i] {
			switch {
			case other.Metric == o.Metric:
				return 0, &Mistake{fmt.Sprintf("objectives %s and %s are both of %s", other, o, o.Metric), "state one"}
			case other.Quantile != o.Quantile:
				return 0, &Mistake{
					fmt.Sprintf("objectives %s and %s promise different shares of the requests: a service has one, that of the requests that meet all", other, o),
					"give both one quantile",
				}
			}
		}
	}
	return objectives[0].Quantile, nil
}

// Target is the target of a metric; an hour where no objective is of it.
func Target(objectives []Objective, m Metric) time.Duration {
	least := time.Hour
	for _, o := range objectives {
		if o.Metric == m {
			least = min(least, o.Target)
		}
	}
	return least
}

// A Request is what became of one.
type Request struct {
	Arrival     time.Duration // since the start of the run
	First, Last time.Duration // its tokens, at the same clock; not read if it was aborted
	Input       int           // tokens of the prompt
	Cached      int           // of these, in an engine's prefix cache
	Output      int           // tokens
	Aborted     bool          // not answered in full
	Why         string        // it was aborted
}

// Latency is one of the request's. TPOT of fewer than two tokens is 0.
func (r Request) Latency(m Metric) time.Duration {
	switch m {
	case TTFT:
		return r.First - r.Arrival
	case E2E:
		return r.Last - r.Arrival
	case TPOT:
		if r.Output > 1 {
			return (r.Last - r.First) / time.Duration(r.Output-1)
		}
	case numMetrics:
	}
	return 0
}

// Meets says whether the request is good for an objective.
func (r Request) Meets(o Objective) bool { return !r.Aborted && r.Latency(o.Metric) <= o.Target }
