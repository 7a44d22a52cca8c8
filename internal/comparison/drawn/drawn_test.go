package drawn

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/plotter"
)

// INV-1.
func TestSVG(t *testing.T) {
	p := New("a <title> & more", "x", `"y"`)
	if err := Line(p, "<script>", Blue, true, plotter.XYs{{X: 0, Y: 1}, {X: 2, Y: 3}}); err != nil {
		t.Fatal(err)
	}
	text, err := SVG(200, 100, p, New("", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("SVG() is no XML: %v\n%s", err, text)
		}
		if words, ok := token.(xml.CharData); ok {
			said = append(said, string(words))
		}
	}
	for _, want := range []string{"a <title> & more", "<script>", `"y"`} {
		if !strings.Contains(strings.Join(said, "|"), want) {
			t.Errorf("SVG() does not say %s:\n%s", want, text)
		}
	}
	if err := Line(New("", "", ""), "far", Blue, false, plotter.XYs{{X: 0, Y: math.NaN()}}); err == nil {
		t.Error("a line through no number is drawn")
	}
}
