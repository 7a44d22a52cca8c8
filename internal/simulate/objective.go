package simulate

import "github.com/flyball-dev/flyball/internal/score"

// An Objective says how far one objective was kept: means over the seeds, times in seconds.
type Objective struct {
	Objective string  `json:"objective"`
	Share     float64 `json:"share"` // of the requests that meet it; an aborted one does not
	// AtQuantile is the promised quantile of all requests; null where it is one of an
	// aborted request's in some seed. The others are of the requests that were completed.
	AtQuantile *float64 `json:"atQuantileSeconds"`
	Mean       float64  `json:"meanSeconds"`
	P50        float64  `json:"p50Seconds"`
	P90        float64  `json:"p90Seconds"`
	P99        float64  `json:"p99Seconds"`
}

func (c *Contender) objectives(t score.Terms) []Objective {
	all := make([]Objective, len(t.Objectives))
	for i, o := range t.Objectives {
		mean := func(of func(score.Result) float64) float64 { return Over(c.Results, of).Mean }
		latency := func(r score.Result) score.Quantiles { return r.Latency[o.Metric] }
		all[i] = Objective{
			Objective: o.String(), Share: mean(func(r score.Result) float64 { return r.Objectives[i].Share }),
			Mean: mean(func(r score.Result) float64 { return latency(r).Mean.Seconds() }),
			P50:  mean(func(r score.Result) float64 { return latency(r).P50.Seconds() }),
			P90:  mean(func(r score.Result) float64 { return latency(r).P90.Seconds() }),
			P99:  mean(func(r score.Result) float64 { return latency(r).P99.Seconds() }),
		}
		endless := false
		at := mean(func(r score.Result) float64 {
			endless = endless || r.Objectives[i].AtQuantile == score.Endless
			return r.Objectives[i].AtQuantile.Seconds()
		})
		if !endless {
			all[i].AtQuantile = &at
		}
	}
	return all
}

// aborts are the means over the seeds, by cause.
func (c *Contender) aborts() map[string]float64 {
	by := map[string]float64{}
	for _, r := range c.Results {
		for _, a := range r.Aborts {
			by[a.Why] += float64(a.Requests) / float64(len(c.Results))
		}
	}
	return by
}
