package page

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/api"

	"github.com/flyball-dev/flyball/internal/history"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/web"
)

// quantile is that of the TTFT and the TPOT which the charts show of who promises nothing.
const quantile = 0.9

func subject(s web.Subject) history.Subject { return history.Subject(s) }

func count(ctx context.Context, server api.Client, of web.Subject, from, until time.Time) (*web.Counted, error) {
	at := quantile
	if len(of.Objectives) > 0 {
		at = objective.Promise(of.Objectives).Share()
	}
	c, err := history.ReadChart(ctx, server, subject(of), history.Span{From: from, To: until}, at)
	if err != nil {
		return nil, err
	}
	out := &web.Counted{
		Quantile: at, At: make([]int64, len(c.Columns[history.Arrivals])),
		Arrivals: known(c.Columns[history.Arrivals]), Running: known(c.Columns[history.Running]), Waiting: known(c.Columns[history.Waiting]),
		Pods: known(c.Columns[history.Pods]), TTFT: known(c.Columns[history.TTFT]), TPOT: known(c.Columns[history.TPOT]),
		Kept: known(c.Kept), Whole: web.Kept(c.Whole),
	}
	for i := range out.At {
		out.At[i] = c.Start.Add(time.Duration(i) * c.Step).Unix()
	}
	return out, nil
}

func keep(ctx context.Context, server api.Client, all []web.Subject, last time.Duration) ([]web.Kept, error) {
	of := make([]history.Subject, len(all))
	for i, s := range all {
		of[i] = subject(s)
	}
	read, err := history.ReadKept(ctx, server, of, last)
	kept := make([]web.Kept, len(read))
	for i, k := range read {
		kept[i] = web.Kept(k)
	}
	return kept, err
}

// known has nil for what is no number: JSON has no NaN.
func known(values []float64) []*float64 {
	out := make([]*float64, len(values))
	for i, v := range values {
		if !math.IsNaN(v) {
			out[i] = &v
		}
	}
	return out
}
