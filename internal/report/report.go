package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

// Data is what is shown.
type Data struct {
	Title   string
	Command string   // that makes this file again
	Facts   []string // what was simulated, a line each
	Header  []string // of the table
	Rows    [][]string
	Runs    []Run
	Targets Targets
	// Frontier are the laws' points that none beats; all are Runs' as well.
	Frontier []string
}

// Targets are the objectives' lines in the charts; 0 is none.
type Targets struct{ TTFT, TPOT time.Duration }

// A Run is one law's, of the seed that is drawn.
type Run struct {
	Law        string
	Attainment float64 // 0 to 1, over all seeds
	GPUHours   float64
	Hindsight  bool // it knows what no law can
	Points     []Point
}

// A Point is the mean or the sum over one step of time.
type Point struct {
	At                                 time.Duration
	Arrivals                           float64 // per second
	Desired                            float64
	Pending, Starting, Ready, Draining float64       // replicas
	Waiting                            float64       // requests
	TTFT, TPOT                         time.Duration // 90 % of the requests that arrived then; 0 if none did
	Cost                               float64       // since the start
}

//go:embed page.html
var page string

// Write writes the file.
func Write(w io.Writer, d Data) error {
	t, err := template.New("report").Parse(page)
	if err != nil {
		return fmt.Errorf("reading the report's template: %w", err)
	}
	type section struct {
		Run
		Charts []chart
	}
	view := struct {
		Data
		Frontier *scatter
		Sections []section
	}{Data: d, Frontier: d.scatter()}
	for _, r := range d.Runs {
		view.Sections = append(view.Sections, section{r, r.charts(d.Targets)})
	}
	if err := t.Execute(w, view); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
