//go:build e2e && linux

package bench

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

var (
	parts   = flag.String("parts", "services,steps", "what TestBenchCluster measures, of services, steps and kills")
	sizes   = flag.String("services", "1000/5s,10000/15s", "how many services TestBenchCluster has for what they cost, and how often they are decided")
	rounds  = flag.Int("rounds", 2, "how often TestBenchCluster multiplies the load of each of 50 services")
	kills   = flag.Int("kills", 50, "how often TestBenchCluster kills the scaler that leads")
	written = flag.String("record", "", "file for TestBenchCluster's page, written if no part failed (default: none)")
)

// A row is one measured number, and the bound that is set for it.
type row struct{ what, measured, bound, verdict string }

// A table has the rows of one part.
type table struct {
	title, about string
	rows         []row
}

// add is a number that is to be at most, and is printed by a format.
func (t *table) add(what, format string, measured, most float64) {
	verdict := "met"
	if !(measured <= most) {
		verdict = "missed"
	}
	t.rows = append(t.rows, row{what, fmt.Sprintf(format, measured), "≤ " + fmt.Sprintf(format, most), verdict})
}

// say is a number without a bound.
func (t *table) say(what, format string, measured ...any) {
	t.rows = append(t.rows, row{what, fmt.Sprintf(format, measured...), "", ""})
}

// TestBenchCluster prints what objective mode costs and how fast it reacts: make bench-cluster.
func TestBenchCluster(t *testing.T) {
	all := map[string]func(*testing.T) []table{"services": measureServices, "steps": single(measureSteps), "kills": single(measureKills)}
	order := []string{"services", "steps", "kills"}
	var tables []table
	for part := range strings.SplitSeq(*parts, ",") {
		if all[part] == nil {
			t.Fatalf("-parts %q: there are %v", part, order)
		}
	}
	for _, part := range order {
		if slices.Contains(strings.Split(*parts, ","), part) {
			t.Run(part, func(t *testing.T) { tables = append(tables, all[part](t)...) })
		}
	}
	fmt.Printf("\n%s\n", machine())
	for _, one := range tables {
		fmt.Printf("\n%s. %s\n\n", one.title, one.about)
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		for _, r := range one.rows {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", r.what, r.measured, r.bound, r.verdict)
		}
		if err := w.Flush(); err != nil {
			t.Error(err)
		}
	}
	if *written == "" || t.Failed() {
		return
	}
	if err := os.WriteFile(*written, page(tables), 0o644); err != nil {
		t.Error(err)
	}
}

// single is a part of one table.
func single(part func(*testing.T) table) func(*testing.T) []table {
	return func(t *testing.T) []table { return []table{part(t)} }
}

// page is what is recorded, with the command beside it.
func page(tables []table) []byte {
	text := fmt.Appendf(nil, "# What objective mode costs\n\n    make bench-cluster\n\n%s.\n"+
		"The API server and etcd are real, and `flyball scaler` is the program as it is installed, in a process of\n"+
		"its own. Prometheus and the pods that it has scraped are made up (`e2e/bench`), and use the same machine.\n", machine())
	for _, one := range tables {
		text = fmt.Appendf(text, "\n## %s\n\n%s\n\n| | measured | bound | |\n|---|---|---|---|\n", one.title, one.about)
		for _, r := range one.rows {
			text = fmt.Appendf(text, "| %s | %s | %s | %s |\n", r.what, r.measured, r.bound, r.verdict)
		}
	}
	return text
}

func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, is := strings.CutPrefix(line, "model name\t: "); is {
				model = strings.TrimSpace(name)
				break
			}
		}
	}
	load, _ := os.ReadFile("/proc/loadavg") // none elsewhere
	busy, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("Measured on %d × %s, %s, %s/%s; load average at the end: %s", runtime.NumCPU(), model, runtime.Version(), runtime.GOOS, runtime.GOARCH, busy)
}

// quantile is of values that need not be in order; 0 of none.
func quantile(q float64, of []time.Duration) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
