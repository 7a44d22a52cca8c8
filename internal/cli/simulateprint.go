package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/report"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// simulated is what -o json prints.
type simulated struct {
	Scenario string         `json:"scenario"`
	Results  []simulate.Row `json:"results"`
}

func (o *simulateOptions) print(w io.Writer, c *simulate.Comparison) error {
	rows := c.Rows()
	if o.output == "csv" {
		return csvTable(w, simulatedTable(rows, true))
	}
	return printAs(w, o.output, simulated{c.Setup.Workload.Name, rows}, simulatedTable(rows, o.output == "wide"))
}

func csvTable(w io.Writer, t table) error {
	c := csv.NewWriter(w)
	if err := c.WriteAll(append([][]string{t.header}, t.rows...)); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

func simulatedTable(rows []simulate.Row, wide bool) table {
	t := table{header: []string{"LAW", "ATTAINMENT", "REPLICAS", "GPU-HOURS", "TTFT-P99", "TPOT-P99", "EXCESS"}}
	if wide {
		t.header = append(t.header, "PUBLISHED", "WORST-5M", "COST", "TTFT-P50", "E2E-P99", "REQUESTS", "ABORTED", "PEAK-WAITING", "EVENTS", "THRASH", "REACTION")
	}
	for _, r := range rows {
		cells := []string{
			r.Law, simulate.PlusMinus(100*r.Attainment, 100*r.CI95["attainment"]) + " %", simulate.PlusMinus(r.AverageReplicas, r.CI95["averageReplicas"]),
			simulate.PlusMinus(r.GPUHours, r.CI95["gpuHours"]), simulate.ShortSeconds(r.TTFTP99), simulate.ShortSeconds(r.TPOTP99), percentOrDash(r.Excess),
		}
		if wide {
			cells = append(cells, fmt.Sprintf("%.2f %%", 100*r.AttainmentPublished), fmt.Sprintf("%.1f %%", 100*r.WorstFiveMinutes),
				fmt.Sprintf("%.2f", r.Cost), simulate.ShortSeconds(r.TTFTP50), simulate.ShortSeconds(r.E2EP99), fmt.Sprintf("%.0f", r.Requests), fmt.Sprintf("%.1f", r.Aborted),
				fmt.Sprintf("%.0f", r.PeakWaiting), fmt.Sprintf("%.1f", r.ScaleEvents), fmt.Sprintf("%.1f", r.Thrash), simulate.ShortSeconds(r.Reaction))
		}
		t.rows = append(t.rows, cells)
	}
	return t
}

func percentOrDash(share *float64) string {
	if share == nil {
		return "-"
	}
	return fmt.Sprintf("%+.0f %%", 100**share)
}

// report writes the page of --html: whole, or not at all.
func (o *simulateOptions) report(c *simulate.Comparison) error {
	rows := c.Rows()
	t := simulatedTable(rows, true)
	data := report.Data{
		Title: "Simulated: " + c.Setup.Workload.Name, Command: "flyball " + strings.Join(os.Args[1:], " "), Header: t.header, Rows: t.rows,
		Facts: facts(c.File, o.seeds), Frontier: simulate.Frontier(rows),
	}
	for _, objective := range c.Setup.Terms.Objectives {
		switch objective.Metric {
		case score.TTFT:
			data.Targets.TTFT = objective.Target
		case score.TPOT:
			data.Targets.TPOT = objective.Target
		case score.E2E: // has no chart
		}
	}
	for i, one := range c.Contenders {
		run := report.Run{Law: one.Name, Attainment: rows[i].Attainment, GPUHours: rows[i].GPUHours, Hindsight: simulate.Hindsight(one.Name)}
		for _, p := range one.Points {
			m := p.Fleet
			run.Points = append(run.Points, report.Point{
				At: p.At, Arrivals: p.Arrivals, Wanted: m.Wanted, Pending: m.Pending, Starting: m.Starting, Ready: m.Ready, Draining: m.Draining,
				Waiting: m.Waiting, TTFT: p.TTFT, TPOT: p.TPOT, Cost: p.GPUHours * c.Setup.Terms.PricePerHour,
			})
		}
		data.Runs = append(data.Runs, run)
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

// writable refuses, before anything is run for it, a file that writeWhole cannot write.
func writable(flag, path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch folder, noFolder := os.Stat(filepath.Dir(path)); {
	case err == nil && info.IsDir():
		return hint.With(fmt.Errorf("%s %s: it is a folder", flag, path), "name a file in it")
	case noFolder != nil:
		return hint.With(fmt.Errorf("%s %s: %w", flag, path, plain(noFolder)), "make the folder %s first, or name another", filepath.Dir(path))
	case !folder.IsDir():
		return hint.With(fmt.Errorf("%s %s: %s is no folder", flag, path, filepath.Dir(path)), "name a file in a folder")
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".flyball-*")
	if err != nil {
		return hint.With(fmt.Errorf("%s %s: %w", flag, path, plain(err)), "name a file in a folder that you may write to")
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
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
