package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/report"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
)

// simulated is what -o json prints.
type simulated struct {
	Scenario string         `json:"scenario"`
	Results  []simulatedLaw `json:"results"`
}

// simulatedLaw has means over the seeds; times are in seconds.
type simulatedLaw struct {
	Law                 string             `json:"law"`
	Seeds               int                `json:"seeds"`
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
	Aborted             float64            `json:"aborted"`
	PeakWaiting         float64            `json:"peakWaiting"`
	ScaleEvents         float64            `json:"scaleEvents"`
	Thrash              float64            `json:"thrash"`
	Reaction            float64            `json:"reactionSeconds"`
	Excess              *float64           `json:"excess"` // null: it is no law, or the frontier does not reach its attainment
	CI95                map[string]float64 `json:"ci95"`   // half widths
}

func summarize(contenders []*contender) []simulatedLaw {
	all := make([]simulatedLaw, len(contenders))
	var points []score.Point
	for i, c := range contenders {
		half := map[string]float64{}
		over := func(name string, of func(score.Result) float64) float64 {
			values := make([]float64, len(c.results))
			for i, r := range c.results {
				values[i] = of(r)
			}
			interval := score.Over(values)
			if name != "" {
				half[name] = interval.Half
			}
			return interval.Mean
		}
		seconds := func(m score.Metric, of func(score.Quantiles) time.Duration) func(score.Result) float64 {
			return func(r score.Result) float64 { return of(r.Latency[m]).Seconds() }
		}
		p50, p99 := func(q score.Quantiles) time.Duration { return q.P50 }, func(q score.Quantiles) time.Duration { return q.P99 }
		all[i] = simulatedLaw{
			Law: c.name, Seeds: len(c.results), CI95: half,
			Attainment:          over("attainment", func(r score.Result) float64 { return r.Attainment }),
			AttainmentPublished: over("attainmentPublished", func(r score.Result) float64 { return r.AttainmentPublished }),
			WorstFiveMinutes:    over("worstFiveMinutes", func(r score.Result) float64 { return r.WorstFiveMinutes }),
			AverageReplicas:     over("averageReplicas", func(r score.Result) float64 { return r.AverageReplicas }),
			GPUHours:            over("gpuHours", func(r score.Result) float64 { return r.GPUHours }),
			Cost:                over("cost", func(r score.Result) float64 { return r.Cost }),
			TTFTP50:             over("", seconds(score.TTFT, p50)),
			TTFTP99:             over("ttftP99Seconds", seconds(score.TTFT, p99)),
			TPOTP99:             over("tpotP99Seconds", seconds(score.TPOT, p99)),
			E2EP99:              over("", seconds(score.E2E, p99)),
			Requests:            over("", func(r score.Result) float64 { return float64(r.Requests) }),
			Aborted:             over("", func(r score.Result) float64 { return float64(r.Aborted) }),
			PeakWaiting:         over("", func(r score.Result) float64 { return float64(r.PeakWaiting) }),
			ScaleEvents:         over("", func(r score.Result) float64 { return float64(r.ScaleEvents) }),
			Thrash:              over("", func(r score.Result) float64 { return float64(r.Thrash) }),
			Reaction:            over("", func(r score.Result) float64 { return r.Reaction.Seconds() }),
		}
		if !hindsight(c.name) {
			points = append(points, score.Point{Name: c.name, Attainment: all[i].Attainment, GPUHours: all[i].GPUHours})
		}
	}
	front := score.Frontier(points)
	for i, c := range contenders {
		p := score.Point{Attainment: all[i].Attainment, GPUHours: all[i].GPUHours}
		if excess, ok := score.Excess(p, front); ok && !hindsight(c.name) {
			all[i].Excess = &excess
		}
	}
	return all
}

func (o *simulateOptions) print(w io.Writer, f scenario.File, contenders []*contender) error {
	rows := summarize(contenders)
	if o.output == "csv" {
		return csvTable(w, simulatedTable(rows, true))
	}
	return printAs(w, o.output, simulated{f.Setup.Workload.Name, rows}, simulatedTable(rows, o.output == "wide"))
}

func csvTable(w io.Writer, t table) error {
	c := csv.NewWriter(w)
	if err := c.WriteAll(append([][]string{t.header}, t.rows...)); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

func simulatedTable(rows []simulatedLaw, wide bool) table {
	t := table{header: []string{"LAW", "ATTAINMENT", "REPLICAS", "GPU-HOURS", "TTFT-P99", "TPOT-P99", "EXCESS"}}
	if wide {
		t.header = append(t.header, "PUBLISHED", "WORST-5M", "COST", "TTFT-P50", "E2E-P99", "REQUESTS", "ABORTED", "PEAK-WAITING", "EVENTS", "THRASH", "REACTION")
	}
	for _, r := range rows {
		cells := []string{
			r.Law, plusMinus(100*r.Attainment, 100*r.CI95["attainment"]) + " %", plusMinus(r.AverageReplicas, r.CI95["averageReplicas"]),
			plusMinus(r.GPUHours, r.CI95["gpuHours"]), shortSeconds(r.TTFTP99), shortSeconds(r.TPOTP99), percentOrDash(r.Excess),
		}
		if wide {
			cells = append(cells, fmt.Sprintf("%.2f %%", 100*r.AttainmentPublished), fmt.Sprintf("%.1f %%", 100*r.WorstFiveMinutes),
				fmt.Sprintf("%.2f", r.Cost), shortSeconds(r.TTFTP50), shortSeconds(r.E2EP99), fmt.Sprintf("%.0f", r.Requests), fmt.Sprintf("%.1f", r.Aborted),
				fmt.Sprintf("%.0f", r.PeakWaiting), fmt.Sprintf("%.1f", r.ScaleEvents), fmt.Sprintf("%.1f", r.Thrash), shortSeconds(r.Reaction))
		}
		t.rows = append(t.rows, cells)
	}
	return t
}

func plusMinus(mean, half float64) string {
	if half == 0 {
		return fmt.Sprintf("%.2f", mean)
	}
	return fmt.Sprintf("%.2f±%.2f", mean, half)
}

func percentOrDash(share *float64) string {
	if share == nil {
		return "-"
	}
	return fmt.Sprintf("%+.0f %%", 100**share)
}

func shortSeconds(s float64) string {
	switch {
	case s == 0:
		return "0"
	case s < 1:
		return fmt.Sprintf("%.0f ms", 1000*s)
	default:
		return fmt.Sprintf("%.1f s", s)
	}
}

// report writes the page of --html: whole, or not at all.
func (o *simulateOptions) report(f scenario.File, contenders []*contender) error {
	rows := summarize(contenders)
	t := simulatedTable(rows, true)
	data := report.Data{
		Title: "Simulated: " + f.Setup.Workload.Name, Command: "flyball " + strings.Join(os.Args[1:], " "), Header: t.header, Rows: t.rows, Facts: facts(f, o.seeds),
	}
	for _, objective := range f.Setup.Terms.Objectives {
		switch objective.Metric {
		case score.TTFT:
			data.Targets.TTFT = objective.Target
		case score.TPOT:
			data.Targets.TPOT = objective.Target
		case score.E2E: // has no chart
		}
	}
	var points []score.Point
	for i, c := range contenders {
		run := report.Run{Law: c.name, Attainment: rows[i].Attainment, GPUHours: rows[i].GPUHours, Hindsight: hindsight(c.name)}
		if !run.Hindsight {
			points = append(points, score.Point{Name: c.name, Attainment: run.Attainment, GPUHours: run.GPUHours})
		}
		for _, p := range c.points {
			m := p.Fleet
			run.Points = append(run.Points, report.Point{
				At: p.At, Arrivals: p.Arrivals, Wanted: m.Wanted, Pending: m.Pending, Starting: m.Starting, Ready: m.Ready, Draining: m.Draining,
				Waiting: m.Waiting, TTFT: p.TTFT, TPOT: p.TPOT, Cost: p.GPUHours * f.Setup.Terms.PricePerHour,
			})
		}
		data.Runs = append(data.Runs, run)
	}
	for _, p := range score.Frontier(points) {
		data.Frontier = append(data.Frontier, p.Name)
	}
	return writeWhole(o.html, func(w io.Writer) error { return report.Write(w, data) })
}

func facts(f scenario.File, seeds int) []string {
	c := f.Setup.Fleet
	var objectives []string
	for _, o := range f.Setup.Terms.Objectives {
		objectives = append(objectives, o.String())
	}
	return []string{
		fmt.Sprintf("objectives %s; %d seeds, the charts show the first", strings.Join(objectives, ", "), seeds),
		fmt.Sprintf("nodes: %d of %d GPUs, %d per replica; a cold start takes %s on average", c.Nodes, c.GPUsPerNode, c.GPUs, c.ColdStart.Mean().Round(time.Second)),
		fmt.Sprintf("routing %s; a scrape every %s", c.Routing, f.Setup.Scrape),
	}
}

// writeWhole leaves the file as it was if write fails.
func writeWhole(path string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".flyball-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer os.Remove(file.Name()) // gone already if all went well
	if err := write(file); err != nil {
		file.Close() // the first error counts
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := file.Chmod(0o644); err != nil {
		file.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// warnOfOverload says, before a long run, that all replicas together cannot serve what
// arrives; a request that no engine can serve is an error.
func warnOfOverload(w io.Writer, f scenario.File) error {
	rate, capacity := f.Setup.Demand()
	most := float64(min(f.Max, f.Setup.Fleet.Capacity()))
	switch {
	case capacity == 0:
		return fmt.Errorf("the workload's mean request cannot meet the objectives on %s even alone: no number of replicas helps", f.Profile.Name)
	case math.IsNaN(rate) || rate <= capacity*most:
		return nil
	}
	_, err := fmt.Fprintf(w, "warning: %.1f requests/s arrive on average, and %.0f replicas serve %.1f within the objectives: this is an overload\n", rate, most, capacity*most)
	return err
}

// newCount shows how many of all are done, on a terminal only.
func newCount(w io.Writer, all int) *counting {
	if !isTerminal(w) {
		w = io.Discard
	}
	return &counting{w: w, all: all}
}

type counting struct {
	w         io.Writer
	mu        sync.Mutex
	done, all int
}

func (c *counting) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	fmt.Fprintf(c.w, "\r\x1b[K%d of %d runs", c.done, c.all)
}

func (c *counting) clear() { fmt.Fprint(c.w, "\r\x1b[K") }
