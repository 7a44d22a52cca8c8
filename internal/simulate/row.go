package simulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/score"
)

// A Row is what became of one contender: means over the seeds; times are in seconds.
type Row struct {
	Law                 string             `json:"law"`
	Portion             string             `json:"portion,omitempty"` // of the runs; "": all
	Seeds               int                `json:"seeds"`
	Fault               string             `json:"fault,omitempty"` // why the figures say nothing of what scales
	Attainment          float64            `json:"attainment"`
	AttainmentPublished float64            `json:"attainmentPublished"`
	WorstFiveMinutes    float64            `json:"worstFiveMinutes"`
	AverageReplicas     float64            `json:"averageReplicas"`
	GPUHours            float64            `json:"gpuHours"`
	Cost                float64            `json:"cost"`
	TTFTP50             float64            `json:"ttftP50Seconds"`
	TTFTP99             float64            `json:"ttftP99Seconds"`
	TPOTP99             float64            `json:"tpotP99Seconds"`
	E2EP99              float64            `json:"e2eP99Seconds"`
	Requests            float64            `json:"requests"`
	Completed           float64            `json:"completed"`
	Aborted             float64            `json:"aborted"`
	Aborts              map[string]float64 `json:"aborts,omitempty"` // by what aborted them
	Objectives          []Objective        `json:"objectives"`
	Cached              float64            `json:"cachedShare"` // of the prompts' tokens, that were in a prefix cache
	PeakWaiting         float64            `json:"peakWaiting"`
	ScaleEvents         float64            `json:"scaleEvents"`
	Thrash              float64            `json:"thrash"`
	Reaction            *float64           `json:"reactionSeconds"` // null: it never raised the replicas after a miss
	Promise             float64            `json:"promise"`         // the share of requests that should meet all objectives
	Keeps               Answer             `json:"keeps"`           // the promise
	CostPerMonth        float64            `json:"costPerMonth"`    // if it went on like this for 730 hours
	Excess              *float64           `json:"excess"`          // null: it knows the future, or misses the promise, or no other law is there to compare
	CI95                map[string]float64 `json:"ci95"`            // half widths
	Portions            []Row              `json:"portions,omitempty"`
	Found               *Found             `json:"bestPlanFound,omitempty"`
}

// Hindsight says that a law knows what none can.
func Hindsight(law string) bool {
	name, _, _ := strings.Cut(law, ":")
	spec, err := catalog.Find(name)
	return err == nil && spec.Hindsight
}

// Rows are the contenders' figures, in their order.
func (c *Comparison) Rows() []Row {
	rows := make([]Row, len(c.Contenders))
	for i, one := range c.Contenders {
		rows[i] = one.row(c.Setup.Terms)
		for _, p := range one.portions {
			part := Contender{Name: one.Name, Results: p.results}
			row := part.row(c.Setup.Terms)
			row.Portion = p.name
			rows[i].Portions = append(rows[i].Portions, row)
		}
	}
	all := points(rows)
	front := score.Frontier(all)
	for i, r := range rows {
		if r.Fault != "" {
			rows[i].Keeps = Unsure
			continue
		}
		if excess, ok := score.Excess(r.point(), front); ok && !Hindsight(r.Law) && r.Attainment >= r.Promise && len(all) > 1 {
			rows[i].Excess = &excess
		}
	}
	return rows
}

// An Answer is what the seeds say of a bound: yes or no, or that they do not tell.
type Answer string

// The answers.
const (
	Yes    Answer = "yes"
	No     Answer = "no"
	Unsure Answer = "unsure" // the bound lies within the interval of the mean
)

// reaches says whether a mean is at least so much.
func reaches(i score.Interval, least float64) Answer {
	switch {
	case i.Mean-i.Half >= least:
		return Yes
	case i.Mean+i.Half < least:
		return No
	}
	return Unsure
}

// month is how long one is taken to be, as clouds do for their prices.
const month = 730 * time.Hour

// Frontier names the laws of which none is better and cheaper, from the cheapest on.
func Frontier(rows []Row) []string {
	var names []string
	for _, p := range score.Frontier(points(rows)) {
		names = append(names, p.Name)
	}
	return names
}

// points are those of the laws that know no more than a law can.
func points(rows []Row) []score.Point {
	var all []score.Point
	for _, r := range rows {
		if !Hindsight(r.Law) && r.Fault == "" {
			all = append(all, r.point())
		}
	}
	return all
}

func (r Row) point() score.Point {
	return score.Point{Name: r.Law, Attainment: r.Attainment, GPUHours: r.GPUHours}
}

func (c *Contender) row(t score.Terms) Row {
	half := map[string]float64{}
	mean := func(of func(score.Result) float64) float64 { return Over(c.Results, of).Mean }
	within := func(name string, of func(score.Result) float64) float64 {
		half[name] = Over(c.Results, of).Half
		return mean(of)
	}
	seconds := func(m score.Metric, of func(score.Quantiles) time.Duration) func(score.Result) float64 {
		return func(r score.Result) float64 { return of(r.Latency[m]).Seconds() }
	}
	p50, p99 := func(q score.Quantiles) time.Duration { return q.P50 }, func(q score.Quantiles) time.Duration { return q.P99 }
	promise := t.Objectives[0].Quantile // score.Promise: all have the same
	fault := ""
	if err := c.fault(); err != nil {
		fault = strings.TrimPrefix(err.Error(), c.Name+": ")
	}
	return Row{
		Law: c.Name, Seeds: len(c.Results), CI95: half, Fault: fault, Found: c.Found,
		Attainment:          within("attainment", Attainment),
		AttainmentPublished: within("attainmentPublished", func(r score.Result) float64 { return r.AttainmentPublished }),
		WorstFiveMinutes:    within("worstFiveMinutes", func(r score.Result) float64 { return r.WorstFiveMinutes }),
		AverageReplicas:     within("averageReplicas", AverageReplicas),
		GPUHours:            within("gpuHours", gpuHours),
		Cost:                within("cost", func(r score.Result) float64 { return r.Cost }),
		TTFTP50:             mean(seconds(score.TTFT, p50)),
		TTFTP99:             within("ttftP99Seconds", seconds(score.TTFT, p99)),
		TPOTP99:             within("tpotP99Seconds", seconds(score.TPOT, p99)),
		E2EP99:              mean(seconds(score.E2E, p99)),
		Requests:            mean(func(r score.Result) float64 { return float64(r.Requests) }),
		Completed:           mean(func(r score.Result) float64 { return float64(r.Completed()) }),
		Aborted:             mean(func(r score.Result) float64 { return float64(r.Aborted) }),
		Cached:              mean(func(r score.Result) float64 { return r.Cached }),
		Aborts:              c.aborts(),
		Objectives:          c.objectives(t),
		PeakWaiting:         mean(func(r score.Result) float64 { return float64(r.PeakWaiting) }),
		ScaleEvents:         mean(func(r score.Result) float64 { return float64(r.ScaleEvents) }),
		Thrash:              mean(func(r score.Result) float64 { return float64(r.Thrash) }),
		Reaction:            c.reaction(),
		Promise:             promise,
		Keeps:               reaches(Over(c.Results, Attainment), promise),
		CostPerMonth:        within("costPerMonth", perMonth),
	}
}

// reaction is the mean over the seeds in which the replicas were raised after a miss.
func (c *Contender) reaction() *float64 {
	var all []float64
	for _, r := range c.Results {
		if r.Reaction > 0 {
			all = append(all, r.Reaction.Seconds())
		}
	}
	if len(all) == 0 {
		return nil
	}
	return new(score.Over(all).Mean)
}

func gpuHours(r score.Result) float64 { return r.GPUHours }

func perMonth(r score.Result) float64 {
	if r.Duration <= 0 {
		return 0
	}
	return r.Cost * float64(month) / float64(r.Duration)
}

// Over is one figure's mean over the seeds, with its interval.
func Over(results []score.Result, of func(score.Result) float64) score.Interval {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = of(r)
	}
	return score.Over(values)
}

// Attainment is the share of a run's requests that meet every objective.
func Attainment(r score.Result) float64 { return r.Attainment }

// AverageReplicas are a run's, over its time.
func AverageReplicas(r score.Result) float64 { return r.AverageReplicas }

// PlusMinus writes a mean with the half width of its interval, if that is known.
func PlusMinus(mean, half float64) string {
	if half == 0 {
		return fmt.Sprintf("%.2f", mean)
	}
	return fmt.Sprintf("%.2f±%.2f", mean, half)
}

// ShortSeconds writes a time to what is read of it.
func ShortSeconds(s float64) string {
	switch {
	case s == 0:
		return "0"
	case s < 1:
		return fmt.Sprintf("%.0f ms", 1000*s)
	default:
		return fmt.Sprintf("%.1f s", s)
	}
}
