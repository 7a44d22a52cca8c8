package simulate

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// answer is what -o json prints.
type answer struct {
	Scenario   string           `json:"scenario"`
	Profile    string           `json:"profile"`
	Objectives []string         `json:"objectives"`
	StatedBy   string           `json:"statedBy,omitempty"` // the manifest's object
	Order      string           `json:"order,omitempty"`    // of those that wait in front, where it is not by arrival
	Currency   string           `json:"currency"`
	Results    []simulate.Row   `json:"results"`
	Change     *simulate.Change `json:"change,omitempty"`
}

// print writes the rows; what they are judged by stands above a table, and is part of JSON.
func (o *options) print(w io.Writer, c *simulate.Comparison) error {
	rows := c.Rows()
	switch o.output {
	case "csv":
		return writeCSV(w, rows, c.Currency)
	case "table", "wide":
		if _, err := fmt.Fprintf(w, "%s\n\n", head(c, o.seeds)); err != nil {
			return err
		}
	}
	whole := answer{c.Setup.Workload.Name, c.Profile.Name, objectiveTexts(c.File), c.StatedBy(), order(c.File), c.Currency, rows, c.Change()}
	if err := terminal.PrintAs(w, o.output, whole, rowTable(rows, c.Currency, o.output == "wide")); err != nil {
		return err
	}
	var more []terminal.Table
	if o.output == "wide" {
		more = append(more, objectiveTable(rows))
	}
	if whole.Change != nil && (o.output == "table" || o.output == "wide") {
		more = append(more, changeTable(*whole.Change, c.Currency))
	}
	for _, t := range more {
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		if err := t.Print(w); err != nil {
			return err
		}
	}
	return nil
}

// objectiveTable has a row for each objective of each law.
func objectiveTable(rows []simulate.Row) terminal.Table {
	t := terminal.Table{Header: []string{"LAW", "OBJECTIVE", "MET", "QUANTILE", "MEAN", "P50", "P90", "P99"}}
	for _, r := range rows {
		for _, o := range r.Objectives {
			at := "aborted"
			if o.AtQuantile != nil {
				at = simulate.ShortSeconds(*o.AtQuantile)
			}
			t.Rows = append(t.Rows, []string{
				r.Law, o.Objective, fmt.Sprintf("%.2f %%", 100*o.Share), at,
				simulate.ShortSeconds(o.Mean), simulate.ShortSeconds(o.P50), simulate.ShortSeconds(o.P90), simulate.ShortSeconds(o.P99),
			})
		}
	}
	return t
}

func changeTable(ch simulate.Change, currency string) terminal.Table {
	signed := func(d simulate.Difference, scale float64) string {
		return fmt.Sprintf("%+.2f±%.2f", scale*d.Mean, scale*d.CI95)
	}
	return terminal.Table{
		Header: []string{"CHANGE", "ATTAINMENT", "REPLICAS", "GPU-HOURS", currency + "/MONTH"},
		Rows: [][]string{{
			ch.To + " against " + ch.From, signed(ch.Attainment, 100) + " points", signed(ch.Replicas, 1), signed(ch.GPUHours, 1), signed(ch.CostPerMonth, 1),
		}},
	}
}

// verdict is said beside a table.
func (o *options) verdict(w io.Writer, c *simulate.Comparison) error {
	if o.output != "table" && o.output != "wide" {
		return nil
	}
	if err := o.legend(w, c.Rows()); err != nil {
		return err
	}
	for _, v := range verdicts(c) {
		if _, err := fmt.Fprintln(w, "verdict: "+v.Text); err != nil {
			return err
		}
	}
	for _, line := range c.Plans() {
		if _, err := fmt.Fprintln(w, "note: "+line); err != nil {
			return err
		}
	}
	return nil
}

// verdicts are what the rows amount to.
func verdicts(c *simulate.Comparison) []simulate.Verdict {
	lines := c.Verdict()
	if change := c.Change(); change != nil {
		lines = append(lines, simulate.Verdict{Text: change.Verdict()})
	}
	return lines
}

// promised is what the rows are judged by.
func promised(c *simulate.Comparison) string {
	var good []string
	for _, o := range c.Setup.Terms.Objectives {
		good = append(good, fmt.Sprintf("%s ≤ %s", strings.ToUpper(o.Metric.String()), o.Target))
	}
	return fmt.Sprintf("%g %% of the requests with %s", 100*c.Setup.Terms.Objectives[0].Quantile, strings.Join(good, " and "))
}

// head says what the rows below are judged by.
func head(c *simulate.Comparison, seeds int) string {
	simulated := "simulated"
	if o := order(c.File); o != "" {
		simulated += ", requests in front ordered by " + o
	}
	return fmt.Sprintf("%s on %s, %s\nobjectives%s: %s\nseeds: %d, ± is the 95 %% interval of the mean; costs in %s",
		terminal.Shorten(c.Setup.Workload.Name, 50), c.Profile.Name, simulated, statedBy(c), promised(c), seeds, c.Currency)
}

// statedBy goes after the objectives.
func statedBy(c *simulate.Comparison) string {
	if by := c.StatedBy(); by != "" {
		return " of " + by
	}
	return ""
}

// order is that of requests in front, where it is not by arrival.
func order(f scenario.File) string {
	if f.Setup.Fleet.Hold.ByPromise {
		return "promise"
	}
	return ""
}

func objectiveTexts(f scenario.File) []string {
	var all []string
	for _, o := range f.Setup.Terms.Objectives {
		all = append(all, o.String())
	}
	return all
}

// A column is one figure of the rows.
type column struct {
	title string // of the table
	name  string // of the CSV, with the unit
	wide  bool   // not in the narrow table
	scale float64
	half  string // of Row.CI95, if the figure's interval is known
	of    func(simulate.Row) *float64
	show  func(simulate.Row) string
}

// columns are those of every table of rows, in their order.
func columns(currency string) []column {
	number := func(title, name string, wide bool, of func(simulate.Row) float64, format string) column {
		return column{title: title, name: name, wide: wide, scale: 1, of: func(r simulate.Row) *float64 { return new(of(r)) },
			show: func(r simulate.Row) string { return fmt.Sprintf(format, of(r)) }}
	}
	mean := func(title, name, half string, wide bool, of func(simulate.Row) float64) column {
		c := number(title, name, wide, of, "")
		c.half, c.show = half, func(r simulate.Row) string { return simulate.PlusMinus(of(r), r.CI95[half]) }
		return c
	}
	seconds := func(title, name, half string, wide bool, of func(simulate.Row) float64) column {
		c := number(title, name, wide, of, "")
		c.half, c.show = half, func(r simulate.Row) string { return simulate.ShortSeconds(of(r)) }
		return c
	}
	percent := func(c column, show func(simulate.Row) string) column {
		c.scale, c.show = 100, show
		return c
	}
	return []column{
		percent(mean("ATTAINMENT", "attainment_percent", "attainment", false, func(r simulate.Row) float64 { return r.Attainment }),
			func(r simulate.Row) string {
				return simulate.PlusMinus(100*r.Attainment, 100*r.CI95["attainment"]) + " %"
			}),
		mean("REPLICAS", "replicas", "averageReplicas", false, func(r simulate.Row) float64 { return r.AverageReplicas }),
		mean("GPU-HOURS", "gpu_hours", "gpuHours", false, func(r simulate.Row) float64 { return r.GPUHours }),
		number(currency+"/MONTH", strings.ToLower(currency)+"_per_month", false, func(r simulate.Row) float64 { return r.CostPerMonth }, "%.0f"),
		seconds("TTFT-P99", "ttft_p99_seconds", "ttftP99Seconds", false, func(r simulate.Row) float64 { return r.TTFTP99 }),
		seconds("TPOT-P99", "tpot_p99_seconds", "tpotP99Seconds", false, func(r simulate.Row) float64 { return r.TPOTP99 }),
		percent(column{title: "EXCESS", name: "excess_percent", of: func(r simulate.Row) *float64 { return r.Excess }},
			func(r simulate.Row) string { return percentOrDash(r.Excess) }),
		percent(mean("PUBLISHED", "attainment_published_percent", "attainmentPublished", true, func(r simulate.Row) float64 { return r.AttainmentPublished }),
			func(r simulate.Row) string { return fmt.Sprintf("%.2f %%", 100*r.AttainmentPublished) }),
		percent(mean("WORST-5M", "worst_five_minutes_percent", "worstFiveMinutes", true, func(r simulate.Row) float64 { return r.WorstFiveMinutes }),
			func(r simulate.Row) string { return fmt.Sprintf("%.1f %%", 100*r.WorstFiveMinutes) }),
		number("COST", strings.ToLower(currency), true, func(r simulate.Row) float64 { return r.Cost }, "%.2f"),
		seconds("TTFT-P50", "ttft_p50_seconds", "", true, func(r simulate.Row) float64 { return r.TTFTP50 }),
		seconds("E2E-P99", "e2e_p99_seconds", "", true, func(r simulate.Row) float64 { return r.E2EP99 }),
		number("REQUESTS", "requests", true, func(r simulate.Row) float64 { return r.Requests }, "%.0f"),
		number("COMPLETED", "completed", true, func(r simulate.Row) float64 { return r.Completed }, "%.1f"),
		number("ABORTED", "aborted", true, func(r simulate.Row) float64 { return r.Aborted }, "%.1f"),
		number("PEAK-WAITING", "peak_waiting", true, func(r simulate.Row) float64 { return r.PeakWaiting }, "%.0f"),
		number("EVENTS", "scale_events", true, func(r simulate.Row) float64 { return r.ScaleEvents }, "%.1f"),
		number("THRASH", "thrash", true, func(r simulate.Row) float64 { return r.Thrash }, "%.1f"),
		{title: "REACTION", name: "reaction_seconds", wide: true, scale: 1, of: func(r simulate.Row) *float64 { return r.Reaction }, show: func(r simulate.Row) string {
			if r.Reaction == nil {
				return "-"
			}
			return simulate.ShortSeconds(*r.Reaction)
		}},
	}
}

func rowTable(rows []simulate.Row, currency string, wide bool) terminal.Table {
	all := slices.DeleteFunc(columns(currency), func(c column) bool { return c.wide && !wide })
	t := terminal.Table{Header: []string{"LAW"}}
	for _, c := range all {
		t.Header = append(t.Header, c.title)
	}
	for _, r := range withPortions(rows) {
		cells := []string{r.Law}
		if r.Portion != "" {
			cells[0] = "  " + r.Portion
		}
		for _, c := range all {
			if r.Fault != "" {
				cells = append(cells, "-")
				continue
			}
			cells = append(cells, c.show(r))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// withPortions are the rows, each with those of its portions after it.
func withPortions(rows []simulate.Row) []simulate.Row {
	var all []simulate.Row
	for _, r := range rows {
		all = append(append(all, r), r.Portions...)
	}
	return all
}

func percentOrDash(share *float64) string {
	if share == nil {
		return "-"
	}
	return fmt.Sprintf("%+.0f %%", 100**share)
}

// writeCSV has numbers alone, with the units in the header: a figure that is not known
// is empty, and the bounds of the 95 % interval of a mean have columns of their own.
func writeCSV(w io.Writer, rows []simulate.Row, currency string) error {
	header := []string{"law", "seeds", "fault", "promise_percent", "keeps"}
	for _, c := range columns(currency) {
		header = append(header, c.name)
		if c.half != "" {
			header = append(header, c.name+"_low", c.name+"_high")
		}
	}
	lines := [][]string{append(header, "portion")}
	for _, r := range withPortions(rows) {
		cells := []string{r.Law, strconv.Itoa(r.Seeds), r.Fault, plainNumber(100 * r.Promise), string(r.Keeps)}
		for _, c := range columns(currency) {
			cells = append(cells, c.numbers(r)...)
		}
		lines = append(lines, append(cells, r.Portion))
	}
	if err := csv.NewWriter(w).WriteAll(lines); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

// numbers are a figure and the bounds of its interval, which one seed does not tell.
func (c column) numbers(r simulate.Row) []string {
	value := c.of(r)
	if r.Fault != "" {
		value = nil
	}
	cells := []string{""}
	if value != nil {
		cells[0] = plainNumber(c.scale * *value)
	}
	if c.half == "" {
		return cells
	}
	if value == nil || r.Seeds < 2 {
		return append(cells, "", "")
	}
	half := r.CI95[c.half]
	return append(cells, plainNumber(c.scale*(*value-half)), plainNumber(c.scale*(*value+half)))
}

// plainNumber leaves out the digits that only say how floats are made.
func plainNumber(x float64) string { return strconv.FormatFloat(math.Round(x*1e6)/1e6, 'f', -1, 64) }
