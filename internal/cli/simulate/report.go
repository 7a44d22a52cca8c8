package simulate

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/report"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// report writes the page of --html: whole, or not at all.
func (o *options) report(c *simulate.Comparison) error {
	rows := c.Rows()
	t := rowTable(rows, c.Currency, true)
	data := report.Data{
		Title: "Simulated: " + c.Setup.Workload.Name, Command: hint.Command(append([]string{"flyball"}, os.Args[1:]...)...), Header: t.Header, Rows: t.Rows,
		Facts: facts(c, o.seeds), Frontier: simulate.Frontier(rows),
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
				At: p.At, Arrivals: p.Arrivals, Desired: m.Wanted, Pending: m.Pending, Starting: m.Starting, Ready: m.Ready, Draining: m.Draining,
				Waiting: m.Waiting, TTFT: p.TTFT, TPOT: p.TPOT, Cost: p.GPUHours * c.Setup.Terms.PricePerHour,
			})
		}
		data.Runs = append(data.Runs, run)
	}
	return terminal.WriteWhole(o.html, func(w io.Writer) error { return report.Write(w, data) })
}

// facts are what was simulated, and what came out in words.
func facts(c *simulate.Comparison, seeds int) []string {
	f := c.Setup.Fleet
	routing := fmt.Sprintf("routing %s", f.Routing)
	if o := order(c.File); o != "" {
		routing = "requests in front ordered by " + o
	}
	return append([]string{
		fmt.Sprintf("objectives %s%s; %d seeds, the charts show the first", strings.Join(objectiveTexts(c.File), ", "), statedBy(c), seeds),
		fmt.Sprintf("nodes: %d of %d GPUs, %d per replica; a cold start takes %s on average", f.Nodes, f.GPUsPerNode, f.GPUs, f.ColdStart.Mean().Round(time.Second)),
		fmt.Sprintf("%s; a scrape every %s", routing, c.Setup.Scrape),
	}, c.Verdict()...)
}
