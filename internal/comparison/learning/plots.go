package learning

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/flyball-dev/flyball/internal/comparison/drawn"
)

// Plot is the page's picture.
func (p Page) Plot() (string, error) {
	capacity, err := p.capacityPlot()
	if err != nil {
		return "", err
	}
	misses, err := p.missesPlot()
	if err != nil {
		return "", err
	}
	starts, err := p.startsPlot()
	if err != nil {
		return "", err
	}
	return drawn.SVG(300, 300, capacity, misses, starts)
}

func (p Page) capacityPlot() (*plot.Plot, error) {
	out := drawn.New("What one replica serves", "busy minutes", "learned ÷ true")
	out.Y.Min, out.Y.Max, out.Legend.Top = 0.5, 2, true
	colours := []color.NRGBA{drawn.Blue, drawn.Orange, drawn.Green, drawn.Grey}
	for i, d := range p.Drawn {
		var values, band, back plotter.XYs
		for _, e := range d.Estimates {
			if e.Value == 0 {
				continue
			}
			x := e.At.Minutes()
			values = append(values, plotter.XY{X: x, Y: e.Value})
			band = append(band, plotter.XY{X: x, Y: min(e.High, out.Y.Max)})
			back = append(plotter.XYs{{X: x, Y: max(e.Low, out.Y.Min)}}, back...)
		}
		area, err := plotter.NewPolygon(append(band, back...))
		if err != nil {
			return nil, fmt.Errorf("drawing an interval: %w", err)
		}
		area.Color, area.Width = drawn.Faint(colours[i%len(colours)]), 0
		out.Add(area)
		name := fmt.Sprintf("%s, %d in", d.Profile, d.Input)
		if err := drawn.Line(out, name, colours[i%len(colours)], false, values); err != nil {
			return nil, err
		}
	}
	return out, drawn.Line(out, "", drawn.Grey, true, plotter.XYs{{X: 1, Y: 1}, {X: watched.Minutes(), Y: 1}})
}

func (p Page) missesPlot() (*plot.Plot, error) {
	out := drawn.New("Share that misses, four replicas", "load ÷ capacity", "share")
	out.Legend.Top, out.Legend.Left = true, true
	colours := []color.NRGBA{drawn.Orange, drawn.Blue, drawn.Green}
	for i, c := range p.Misses {
		var points plotter.XYs
		for k, share := range c.Shares {
			points = append(points, plotter.XY{X: load(k), Y: share})
		}
		truth := i == len(p.Misses)-1
		colour := drawn.Grey
		if !truth {
			colour = colours[i%len(colours)]
		}
		if err := drawn.Line(out, c.Name, colour, truth, points); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p Page) startsPlot() (*plot.Plot, error) {
	out := drawn.New("How long a start takes", "starts seen", "seconds")
	out.Y.Min, out.Legend.Top = 0, true
	var median, p90 plotter.XYs
	for _, s := range p.Starts {
		median = append(median, plotter.XY{X: float64(s.From), Y: s.Median.Seconds()})
		p90 = append(p90, plotter.XY{X: float64(s.From), Y: s.P90.Seconds()})
	}
	end := float64(p.Starts[len(p.Starts)-1].From)
	for _, l := range []struct {
		name   string
		colour color.Color
		points plotter.XYs
		dashed bool
	}{
		{"half", drawn.Blue, median, false}, {"nine in ten", drawn.Orange, p90, false},
		{"", drawn.Blue, plotter.XYs{{X: 0, Y: p.Start.Median.Seconds()}, {X: end, Y: p.Start.Median.Seconds()}}, true},
		{"", drawn.Orange, plotter.XYs{{X: 0, Y: p.Start.P90.Seconds()}, {X: end, Y: p.Start.P90.Seconds()}}, true},
	} {
		if err := drawn.Line(out, l.name, l.colour, l.dashed, l.points); err != nil {
			return nil, err
		}
	}
	return out, nil
}
