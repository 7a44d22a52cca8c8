package comparison

import (
	"fmt"
	"math"
	"strings"
)

// A Series of a plot is drawn alike.
type Series struct {
	Name   string
	Colour string
	Line   bool // through its points, in place of dots
	Points []Point
}

// A Point is a share that was promised and one that was attained.
type Point struct{ X, Y float64 }

// A Panel is one of a plot's: what is attained against what is promised, where the places on
// the axis are those of shares, or against names, where X is the number of the name.
type Panel struct {
	Title  string
	Names  []string // none: X is a share
	Shares []float64
	Series []Series
}

const (
	plotHeight, plotTop, plotBottom = 420.0, 34.0, 110.0
	panelWidth, panelLeft           = 430.0, 56.0
	leastShown, mostShown           = 0.5, 0.9995
)

// rank puts a share where as many requests miss as lie beyond it: from one in two at 0 to one
// in 2,000 at 1.
func rank(share float64) float64 {
	share = min(max(share, leastShown), mostShown)
	return math.Log((1-leastShown)/(1-share)) / math.Log((1-leastShown)/(1-mostShown))
}

// Plot is an SVG of some panels side by side.
func Plot(panels ...Panel) string {
	var b strings.Builder
	width := panelWidth * float64(len(panels))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="11">`+"\n", width, plotHeight)
	fmt.Fprintf(&b, `<rect width="%.0f" height="%.0f" fill="#fff"/>`+"\n", width, plotHeight)
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%.0f 0)">`+"\n", panelWidth*float64(i))
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (p Panel) x(v float64) float64 {
	span := panelWidth - panelLeft - 14
	if len(p.Names) > 0 {
		return panelLeft + span*(v+0.5)/float64(len(p.Names))
	}
	low, high := rank(p.Shares[0]), rank(p.Shares[len(p.Shares)-1])
	return panelLeft + 18 + (span-36)*(rank(v)-low)/(high-low)
}

func y(share float64) float64 { return plotTop + (plotHeight-plotTop-plotBottom)*(1-rank(share)) }

func (p Panel) draw(b *strings.Builder) {
	right, bottom := panelWidth-14, plotHeight-plotBottom
	fmt.Fprintf(b, `<text x="%.0f" y="20" font-size="13">%s</text>`+"\n", panelLeft, p.Title)
	for _, share := range []float64{0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999} {
		fmt.Fprintf(b, `<path d="M%.0f %.1fH%.0f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end">%s</text>`+"\n",
			panelLeft, y(share), right, panelLeft-6, y(share)+4, percent(share))
	}
	for _, share := range p.Shares {
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`+"\n", p.x(share), bottom+18, percent(share))
	}
	for i, name := range p.Names {
		at := p.x(float64(i))
		fmt.Fprintf(b, `<text transform="translate(%.1f %.1f) rotate(-55)" text-anchor="end" font-size="10">%s</text>`+"\n", at+4, bottom+12, name)
	}
	legend := bottom + 40
	for _, s := range p.Series {
		p.series(b, s)
		if len(p.Names) == 0 {
			fmt.Fprintf(b, `<rect x="%.0f" y="%.1f" width="10" height="10" fill="%s"/><text x="%.0f" y="%.1f">%s</text>`+"\n",
				panelLeft, legend-9, s.Colour, panelLeft+16, legend, s.Name)
			legend += 16
		}
	}
}

func (p Panel) series(b *strings.Builder, s Series) {
	if s.Line {
		b.WriteString(`<path fill="none" stroke-width="1.5" stroke="` + s.Colour + `" d="`)
		for i, at := range s.Points {
			fmt.Fprintf(b, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], p.x(at.X), y(at.Y))
		}
		b.WriteString(`"/>` + "\n")
		return
	}
	// Dots of no length with round ends: a byte or two each beside their places.
	b.WriteString(`<path stroke-width="4" stroke-linecap="round" stroke-opacity=".45" stroke="` + s.Colour + `" d="`)
	for i, at := range s.Points {
		aside := float64(i%7-3) * 1.6 // so that those at one place are seen
		fmt.Fprintf(b, "M%.1f %.1fh0", p.x(at.X)+aside, y(at.Y))
	}
	b.WriteString(`"/>` + "\n")
}

func percent(share float64) string { return fmt.Sprintf("%.4g %%", 100*share) }
