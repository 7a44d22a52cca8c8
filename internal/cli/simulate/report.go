package simulate

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/simulate"
	"github.com/flyball-dev/flyball/internal/web/report"
)

// report writes the page of --html: whole, or not at all.
func (o *options) report(c *simulate.Comparison) error {
	rows := c.Rows()
	data := report.Data{
		Name: c.Setup.Workload.Name, Command: hint.Command(append([]string{"flyball"}, os.Args[1:]...)...), Facts: facts(c, o.seeds),
		Columns: reportColumns(c.Currency), Rows: reportRows(rows, c.Currency),
		Promise: c.Setup.Terms.Objectives[0].Quantile, Frontier: simulate.Frontier(rows), Currency: c.Currency,
	}
	for _, v := range verdicts(c) {
		data.Verdict = append(data.Verdict, report.Verdict{Keeps: report.Keeps(v.Keeps), Text: v.Text})
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
		r := rows[i]
		run := report.Run{Law: one.Name, Attainment: r.Attainment, Half: r.CI95["attainment"], GPUHours: r.GPUHours, Hindsight: simulate.Hindsight(one.Name)}
		for _, p := range one.Points {
			m := p.Fleet
			run.Points = append(run.Points, report.Point{
				At: p.At, Arrivals: p.Arrivals, Desired: m.Wanted, Pending: m.Pending, Starting: m.Starting, Ready: m.Ready, Draining: m.Draining,
				Waiting: m.Waiting, TTFT: p.TTFT, TPOT: p.TPOT, Cost: p.GPUHours * c.Setup.Terms.PricePerHour,
			})
		}
		data.Runs = append(data.Runs, run)
	}
	return terminal.WriteWhole(o.html, func(w io.Writer) error { return report.Write(w, data) })
}

func reportColumns(currency string) []report.Column {
	said := legends(currency)
	all := []report.Column{{Title: "LAW", Legend: said["LAW"] + "; ✓ keeps the promise, ✕ does not, ? the seeds do not tell", Main: true}}
	for _, c := range columns(currency) {
		all = append(all, report.Column{Title: c.title, Legend: said[c.title], Main: !c.wide})
	}
	return all
}

// reportRows are those of the whole table.
func reportRows(rows []simulate.Row, currency string) []report.Row {
	cells := rowTable(rows, currency, true).Rows
	var all []report.Row
	for i, r := range withPortions(rows) {

		cells[i][0] = strings.TrimSpace(cells[i][0])
		all = append(all, report.Row{Keeps: report.Keeps(r.Keeps), Part: r.Portion != "", Cells: cells[i]})
	}
	return all
}

// facts are what was simulated.
func facts(c *simulate.Comparison, seeds int) []report.Fact {
	f := c.Setup.Fleet
	requests := fmt.Sprintf("routing %s", f.Routing)
	if o := order(c.File); o != "" {
		requests = "in front ordered by " + o
	}
	return []report.Fact{
		{Name: "Objectives" + statedBy(c), Text: promised(c)},
		{Name: "Seeds", Text: fmt.Sprintf("%d; ± is the 95 %% interval of the mean", seeds)},
		{Name: "Costs", Text: fmt.Sprintf("%.2f %s per GPU-hour", c.Setup.Terms.PricePerHour, c.Currency)},
		{Name: "Model and GPU", Text: c.Profile.Name},
		{Name: "Nodes", Text: fmt.Sprintf("%d of %d GPUs, %d per replica", f.Nodes, f.GPUsPerNode, f.GPUs)},
		{Name: "Cold start", Text: fmt.Sprintf("%s on average", f.ColdStart.Mean().Round(time.Second))},
		{Name: "Requests", Text: requests},
		{Name: "Scrapes", Text: fmt.Sprintf("every %s", c.Setup.Scrape)},
	}
}
