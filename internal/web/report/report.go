package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/web/page"
)

// Data is what is shown.
type Data struct {
	Name    string // of what arrives
	Command string // that makes this file again
	Verdict []Verdict
	Facts   []Fact
	Columns []Column // of the table, the law's first
	Rows    []Row
	Runs    []Run
	Targets Targets
	Promise float64 // the share of the requests that should meet all objectives
	// Frontier are the laws' points that none beats; all are Runs' as well.
	Frontier []string
	Currency string
}

// A Keeps says whether a promise is kept: yes, no, unsure, or "" for what is no answer.
type Keeps string

// Mark says by its shape what colour says too.
func (k Keeps) Mark() string {
	return map[Keeps]string{"yes": "✓", "no": "✕", "unsure": "?"}[k]
}

// Kind is the class of its colour.
func (k Keeps) Kind() string {
	return map[Keeps]string{"yes": "good", "no": "bad", "unsure": "moving"}[k]
}

// A Verdict is a line of what came out.
type Verdict struct {
	Keeps Keeps
	Text  string
}

// A Fact is what was simulated.
type Fact struct{ Name, Text string }

// A Column has a legend; those that are not Main are in a table of their own.
type Column struct {
	Title, Legend string
	Main          bool
}

// A Row has a cell for each column.
type Row struct {
	Keeps Keeps
	Part  bool // of the row above
	Cells []string
}

// Targets are the objectives' lines in the charts; 0 is none.
type Targets struct{ TTFT, TPOT time.Duration }

// A Run is one law's, of the seed that is drawn.
type Run struct {
	Law              string
	Attainment, Half float64 // 0 to 1, over all seeds
	GPUHours         float64
	Hindsight        bool // it knows what no law can
	Points           []Point
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

//go:embed report.html report.css *.js
var files embed.FS

// Write writes the file.
func Write(w io.Writer, d Data) error {
	t, err := template.ParseFS(files, "report.html")
	if err != nil {
		return fmt.Errorf("reading the report's template: %w", err)
	}
	var document strings.Builder
	if err := t.Execute(&document, d); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	text, err := page.Whole(document.String(), files, d.drawn())
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// A Table is some columns of the rows.
type Table struct {
	Columns []Column
	Rows    []Row
}

// Tables are that of the main columns and that of the others, if there are any.
func (d Data) Tables() []Table {
	var all []Table
	for _, main := range []bool{true, false} {
		var t Table
		for i, c := range d.Columns {
			if i == 0 || c.Main == main {
				t.Columns = append(t.Columns, c)
			}
		}
		for _, r := range d.Rows {
			cells := r.Cells
			r.Cells = nil
			for i, cell := range cells {
				if i == 0 || d.Columns[i].Main == main {
					r.Cells = append(r.Cells, cell)
				}
			}
			t.Rows = append(t.Rows, r)
		}
		if len(t.Columns) > 1 {
			all = append(all, t)
		}
	}
	return all
}

// drawn is what the script draws.
type drawn struct {
	Promise     float64 `json:"promise"`
	TTFTSeconds float64 `json:"ttftSeconds"`
	TPOTSeconds float64 `json:"tpotSeconds"`
	Currency    string  `json:"currency"`
	Laws        []law   `json:"laws"`
}

type law struct {
	Name       string             `json:"name"`
	Attainment float64            `json:"attainment"`
	Half       float64            `json:"half"`
	GPUHours   float64            `json:"gpuHours"`
	On         bool               `json:"on"`     // none beats it
	Hollow     bool               `json:"hollow"` // it knows what no law can
	Series     map[string]figures `json:"series"`
}

func (d Data) drawn() drawn {
	out := drawn{Promise: d.Promise, TTFTSeconds: d.Targets.TTFT.Seconds(), TPOTSeconds: d.Targets.TPOT.Seconds(), Currency: d.Currency}
	for _, r := range d.Runs {
		out.Laws = append(out.Laws, law{
			Name: r.Law, Attainment: r.Attainment, Half: r.Half, GPUHours: r.GPUHours, On: !r.Hindsight && slices.Contains(d.Frontier, r.Law), Hollow: r.Hindsight,
			Series: r.series(),
		})
	}
	return out
}

// series are the points by what they are of.
func (r Run) series() map[string]figures {
	known := func(d time.Duration) float64 {
		if d == 0 {
			return math.NaN()
		}
		return d.Seconds()
	}
	all := map[string]figures{}
	for name, of := range map[string]func(Point) float64{
		"at":       func(p Point) float64 { return p.At.Seconds() },
		"arrivals": func(p Point) float64 { return p.Arrivals },
		"desired":  func(p Point) float64 { return p.Desired }, "ready": func(p Point) float64 { return p.Ready },
		"starting": func(p Point) float64 { return p.Starting }, "pending": func(p Point) float64 { return p.Pending },
		"draining": func(p Point) float64 { return p.Draining }, "waiting": func(p Point) float64 { return p.Waiting },
		"ttft": func(p Point) float64 { return known(p.TTFT) }, "tpot": func(p Point) float64 { return known(p.TPOT) },
		"cost": func(p Point) float64 { return p.Cost },
	} {
		values := make(figures, len(r.Points))
		for i, p := range r.Points {
			values[i] = of(p)
		}
		all[name] = values
	}
	return all
}

// figures are written with the digits that a chart shows; what is no number is null.
type figures []float64

// MarshalJSON is for encoding/json.
func (f figures) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i, v := range f {
		if i > 0 {
			text = append(text, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			text = append(text, "null"...)
			continue
		}
		text = strconv.AppendFloat(text, v, 'g', 6, 64)
	}
	return append(text, ']'), nil
}
