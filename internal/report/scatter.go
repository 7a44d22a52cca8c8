package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A scatter has the laws by cost and attainment.
type scatter struct {
	Dots           []dot
	XTicks, YTicks []tick
	Line           string // through the frontier
}

type dot struct {
	X, Y   float64
	LabelY float64 // of the name's baseline
	Name   string
	Class  string
}

const (
	scatterHeight = 260.0
	scatterTop    = 16.0
)

// scatter is nil where there is nothing to compare.
func (d Data) scatter() *scatter {
	if len(d.Runs) < 2 {
		return nil
	}
	most, least := 0.0, 1.0
	for _, r := range d.Runs {
		most, least = max(most, r.GPUHours), min(least, r.Attainment)
	}
	most, least = nice(most), math.Floor(least*20)/20
	x := func(hours float64) float64 { return left + (width-left-140)*hours/most }
	y := func(attainment float64) float64 {
		return scatterTop + (scatterHeight-bottom-scatterTop)*(1-(attainment-least)/max(1-least, 1e-9))
	}
	s := &scatter{}
	for _, f := range []float64{0, .25, .5, .75, 1} {
		s.XTicks = append(s.XTicks, tick{x(most * f), number(most * f)})
	}
	for _, f := range []float64{0, .5, 1} {
		s.YTicks = append(s.YTicks, tick{y(least + (1-least)*f), number(100*(least+(1-least)*f)) + " %"})
	}
	runs := slices.Clone(d.Runs)
	slices.SortStableFunc(runs, func(a, b Run) int { return cmp.Compare(a.GPUHours, b.GPUHours) })
	for _, r := range runs {
		c := dot{X: x(r.GPUHours), Y: y(r.Attainment), Name: r.Law, Class: "dot"}
		switch {
		case r.Hindsight:
			c.Class = "dot hindsight"
		case slices.Contains(d.Frontier, r.Law):
			c.Class = "dot front"
			s.Line += fmt.Sprintf("%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[s.Line == ""], c.X, c.Y)
		}
		c.LabelY = s.free(c)
		s.Dots = append(s.Dots, c)
	}
	return s
}

// free is where a dot's name hides none of those that are there: beside it, or below.
func (s *scatter) free(c dot) float64 {
	const letter, line = 7, 13
	y := c.Y + 4
	for i := 0; i < len(s.Dots); i++ {
		d := s.Dots[i]
		if math.Abs(d.LabelY-y) < line && c.X < d.X+float64(letter*len(d.Name)) {
			y, i = d.LabelY+line, -1
		}
	}
	return y
}
