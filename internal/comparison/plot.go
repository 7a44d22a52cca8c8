package comparison

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/flyball-dev/flyball/internal/comparison/drawn"
)

const leastShown, mostShown = 0.5, 0.9995

// rank puts a share where as many requests miss as lie beyond it: from one in two at 0 to one
// in 2,000 at 1.
func rank(share float64) float64 {
	share = min(max(share, leastShown), mostShown)
	return math.Log((1-leastShown)/(1-share)) / math.Log((1-leastShown)/(1-mostShown))
}

// ranks is the scale of shares by rank.
type ranks struct{}

// Normalize is where a share lies between two others.
func (ranks) Normalize(least, most, share float64) float64 {
	return (rank(share) - rank(least)) / (rank(most) - rank(least))
}

func byRank(a *plot.Axis, least, most float64, shares []float64) {
	a.Min, a.Max, a.Scale = least, most, ranks{}
	var ticks plot.ConstantTicks
	for _, share := range shares {
		ticks = append(ticks, plot.Tick{Value: share, Label: percent(share)})
	}
	a.Tick.Marker = ticks
}

// attained is an empty plot of shares that were attained.
func attained(title, x string) *plot.Plot {
	p := drawn.New(title, x, "attained")
	byRank(&p.Y, leastShown, mostShown, []float64{0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999})
	return p
}

// dots adds some, that nobody takes for others.
func dots(p *plot.Plot, name string, c color.NRGBA, points plotter.XYs) error {
	for i := range points { // what lies outside is drawn at the edge
		points[i].Y = min(max(points[i].Y, leastShown), mostShown)
	}
	s, err := plotter.NewScatter(points)
	if err != nil {
		return fmt.Errorf("drawing %s: %w", name, err)
	}
	c.A = 0xa0
	s.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(2), Shape: draw.CircleGlyph{}}
	p.Add(s)
	p.Legend.Add(name, s)
	return nil
}

// Plot is the calibration curve, beside what the others attain.
func (p Page) Plot() (string, error) {
	ours, err := p.oursPlot()
	if err != nil {
		return "", err
	}
	others, err := p.othersPlot()
	if err != nil {
		return "", err
	}
	return drawn.SVG(430, 420, ours, others)
}

func (p Page) oursPlot() (*plot.Plot, error) {
	out := attained("Flyball", "promised")
	shares := Promises()
	byRank(&out.X, shares[0]-0.02, shares[len(shares)-1]+0.0005, shares)
	out.Legend.Top, out.Legend.Left = true, true
	var diagonal, days, first, later plotter.XYs
	for _, q := range shares {
		diagonal = append(diagonal, plotter.XY{X: q, Y: q})
	}
	for _, o := range p.outcomes(flyball) {
		into := &later
		switch {
		case o.Workload.Days:
			into = &days
		case o.Begin:
			into = &first
		}
		*into = append(*into, plotter.XY{X: o.Promise, Y: o.Attained})
	}
	if err := drawn.Line(out, "attained = promised", drawn.Grey, false, diagonal); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		name   string
		colour color.NRGBA
		points plotter.XYs
	}{
		{"days", drawn.Blue, days}, {"runs of ½ to 1½ hours, first of their service", drawn.Orange, first},
		{"the same, later ones", drawn.Green, later},
	} {
		if len(s.points) == 0 {
			continue
		}
		if err := dots(out, s.name, s.colour, s.points); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p Page) othersPlot() (*plot.Plot, error) {
	out := attained("The others as shipped, whatever is promised", "")
	out.Legend.Top = true
	names := p.others()
	out.NominalX(names...)
	out.X.Tick.Label.Rotation, out.X.Tick.Label.XAlign, out.X.Tick.Label.YAlign = math.Pi/3, draw.XRight, draw.YCenter
	for _, s := range []struct {
		name   string
		colour color.NRGBA
		days   bool
	}{{"days", drawn.Blue, true}, {"runs", drawn.Green, false}} {
		var points plotter.XYs
		for _, o := range p.outcomes(published) {
			if o.Workload.Days == s.days {
				points = append(points, plotter.XY{X: float64(slices.Index(names, o.name())), Y: o.Attained})
			}
		}
		if len(points) == 0 {
			continue
		}
		if err := dots(out, s.name, s.colour, points); err != nil {
			return nil, err
		}
	}
	return out, nil
}
