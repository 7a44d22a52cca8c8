package drawn

import (
	"bytes"
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The colours.
var (
	Blue   = color.NRGBA{0x00, 0x72, 0xb2, 0xff}
	Orange = color.NRGBA{0xe6, 0x9f, 0x00, 0xff}
	Green  = color.NRGBA{0x00, 0x9e, 0x73, 0xff}
	Grey   = color.NRGBA{0x44, 0x44, 0x44, 0xff}
)

// Faint is a colour for what others are drawn over.
func Faint(c color.NRGBA) color.NRGBA {
	c.A = 0x40
	return c
}

// New is an empty plot with a grid.
func New(title, x, y string) *plot.Plot {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.X.Label.TextStyle.Font.Size, p.Y.Label.TextStyle.Font.Size, p.Legend.TextStyle.Font.Size = 10, 10, 9
	p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size = 9, 9
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = Faint(Grey), Faint(Grey)
	p.Add(grid)
	return p
}

// Line adds a line, with a name of the legend if it has one.
func Line(p *plot.Plot, name string, c color.Color, dashed bool, points plotter.XYs) error {
	l, err := plotter.NewLine(points)
	if err != nil {
		return fmt.Errorf("drawing %s: %w", name, err)
	}
	l.Color, l.Width = c, vg.Points(1.5)
	if dashed {
		l.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	}
	p.Add(l)
	if name != "" {
		p.Legend.Add(name, l)
	}
	return nil
}

// SVG is a row of plots of one size, in points, on white.
func SVG(width, height float64, plots ...*plot.Plot) (string, error) {
	c := vgsvg.New(vg.Points(width*float64(len(plots))), vg.Points(height))
	all := draw.New(c)
	all.SetColor(color.White)
	all.Fill(all.Path())
	tiles := draw.Tiles{Rows: 1, Cols: len(plots), PadX: vg.Points(14), PadTop: vg.Points(6), PadBottom: vg.Points(6), PadLeft: vg.Points(6), PadRight: vg.Points(6)}
	for i, canvas := range plot.Align([][]*plot.Plot{plots}, tiles, all)[0] {
		plots[i].Draw(canvas)
	}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", fmt.Errorf("drawing: %w", err)
	}
	// Who has no Liberation has one of these.
	return strings.ReplaceAll(b.String(), "font-family:Liberation Sans", "font-family:Liberation Sans,Helvetica,Arial,sans-serif"), nil
}
