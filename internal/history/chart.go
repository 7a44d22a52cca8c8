package history

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Subject is of whom a chart is.
type Subject struct {
	Service string // namespace/name
	// Pods is a regular expression of their names, where they are of no InferenceService.
	Pods       string
	Objectives []score.Objective
}

func (s Subject) service() service {
	namespace, name, _ := strings.Cut(s.Service, "/")
	return service{namespace, name, s.Pods}
}

// A Chart is what was counted of one service at points in time, Step apart; NaN is no answer.
type Chart struct {
	Start   time.Time
	Step    time.Duration
	Columns [numColumns][]float64
	Kept    []float64 // the share of the requests that met all objectives; none without objectives
	Whole   Kept      // in all the time
}

// A Column is one line of a Chart.
type Column int

// The columns.
const (
	Arrivals Column = iota // first tokens a second, and what the queues grew by
	Running                // requests
	Waiting                // at the engines
	Pods                   // that are scraped
	TTFT                   // seconds, of the quantile
	TPOT
	numColumns
)

const (
	chartPoints = 240
	// chartLeast has four scrapes, of 15 s each.
	chartLeast = time.Minute
)

// A Span is from one time to another.
type Span struct{ From, To time.Time }

// ReadChart asks a server for one service in a span, and for its latencies at a quantile.
func ReadChart(ctx context.Context, server api.Client, of Subject, in Span, quantile float64) (Chart, error) {
	s := of.service()
	step := max(5*time.Second, in.To.Sub(in.From)/chartPoints).Round(time.Second)
	g := grid{in.From.Truncate(step), step, int(in.To.Sub(in.From) / step)}
	window := promTime(max(chartLeast, 2*step))
	latency := func(metric string) string {
		return fmt.Sprintf("histogram_quantile(%g, %s)", quantile, s.selected("sum by (le) (rate(%s[%s]))", metric+"_bucket", window))
	}
	a := &asker{api: prometheus.NewAPI(server)}
	c := Chart{Start: g.start, Step: step}
	for column, query := range [numColumns]string{
		Arrivals: s.selected("sum(rate(%s[%s]))", firstTokens, window) + " + (" + s.selected("sum(deriv(%s[%s]))", waiting, window) + " or vector(0))",
		Running:  s.selected("sum(%s)", vllm.NumRequestsRunning),
		Waiting:  s.selected("sum(%s)", waiting),
		Pods:     s.selected("sum(%s)", "up"),
		TTFT:     latency(vllm.TimeToFirstTokenSeconds),
		TPOT:     latency(vllm.RequestTimePerOutputTokenSeconds),
	} {
		var err error
		if c.Columns[column], err = a.one(ctx, query, g); err != nil {
			return c, err
		}
	}
	for i, v := range c.Columns[Arrivals] {
		c.Columns[Arrivals][i] = math.Max(0, v) // NaN stays
	}
	if len(of.Objectives) > 0 {
		return c, c.readKept(ctx, a, of, window, g)
	}
	return c, nil
}
