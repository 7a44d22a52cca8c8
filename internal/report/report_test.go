package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func sample() Data {
	run := func(law string, attainment, hours float64) Run {
		r := Run{Law: law, Attainment: attainment, GPUHours: hours}
		for i := range 61 {
			at := time.Duration(i) * time.Minute
			p := Point{
				At: at, Arrivals: 4 + 3*math.Sin(float64(i)/8), Desired: float64(1 + i/12), Ready: float64(1 + i/15), Starting: float64(i % 3 / 2),
				Waiting: float64(i % 7), TTFT: time.Duration(400+i*50) * time.Millisecond, TPOT: 40 * time.Millisecond, Cost: float64(i) * hours / 20,
			}
			if i > 20 && i < 24 {
				p.TTFT = 0 // nothing arrived
			}
			r.Points = append(r.Points, p)
		}
		return r
	}
	return Data{
		Title: "examples/guide <under> load", Command: "flyball simulate -f examples/guide", Facts: []string{"4 nodes & 8 GPUs"},
		Header: []string{"LAW", "ATTAINMENT"}, Rows: [][]string{{"hpa", "0.95"}, {"kpa", "0.91"}},
		Runs:    []Run{run("hpa", .95, 12), run("kpa", .91, 13), {Law: "oracle", Attainment: .99, GPUHours: 9, Hindsight: true}},
		Targets: Targets{TTFT: 3 * time.Second}, Frontier: []string{"hpa"},
	}
}

// INV-1, INV-2 and INV-3. REPORT=FILE leaves the file to be looked at.
func TestWrite(t *testing.T) {
	var one, two bytes.Buffer
	for _, w := range []io.Writer{&one, &two} {
		if err := Write(w, sample()); err != nil {
			t.Fatal(err)
		}
	}
	if one.String() != two.String() {
		t.Error("the same data gave other bytes")
	}
	if path := os.Getenv("REPORT"); path != "" {
		if err := os.WriteFile(path, one.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := one.String()
	if asks := regexp.MustCompile(`(?i)(src|href|url\(|@import|<script|https?://)`).FindString(text); asks != "" {
		t.Errorf("the file asks for something: %q", asks)
	}
	for _, want := range []string{
		"examples/guide &lt;under&gt; load", "4 nodes &amp; 8 GPUs", "<td>0.95</td>", "objective 3 s", "20m", `class="area starting"`, "simulated", `class="dot hindsight"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the file does not contain %q", want)
		}
	}
	if bad := regexp.MustCompile(`NaN|Inf|ZgotmplZ`).FindString(text); bad != "" {
		t.Errorf("the file contains %s", bad)
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		if err := wellFormed(svg); err != nil {
			t.Errorf("a drawing is broken: %v", err)
		}
	}
}

func wellFormed(svg string) error {
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// A gap in the values is a gap in the line.
func TestGap(t *testing.T) {
	r := sample().Runs[0]
	for _, c := range r.charts(Targets{}) {
		if want := map[bool]int{true: 2, false: 1}[c.Title == "TTFT, p90"]; strings.Count(c.Paths[len(c.Paths)-1].D, "M") != want {
			t.Errorf("%s begins %d lines, want %d", c.Title, strings.Count(c.Paths[len(c.Paths)-1].D, "M"), want)
		}
	}
}

func TestEmpty(t *testing.T) {
	if err := Write(io.Discard, Data{Runs: []Run{{Law: "hpa"}}}); err != nil {
		t.Error(err)
	}
}

func TestNice(t *testing.T) {
	for v, want := range map[float64]float64{0: .001, .7: 1, 1: 1, 3: 4, 4.5: 5, 7: 10, 130: 200, 1000: 1000} {
		if got := nice(v); math.Abs(got-want) > 1e-9 {
			t.Errorf("nice(%v) = %v, want %v", v, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", time.Minute: "1m", 90 * time.Second: "1m30s", 2 * time.Hour: "2h"} {
		if got := short(d); got != want {
			t.Errorf("short(%v) = %q, want %q", d, got, want)
		}
	}
}

// Laws that cost and achieve the same have their names below each other.
func TestNamesHideNone(t *testing.T) {
	d := Data{Runs: []Run{
		{Law: "kpa", Attainment: .9998, GPUHours: .97}, {Law: "wva-v2", Attainment: .9998, GPUHours: .97},
		{Law: "hpa", Attainment: 1, GPUHours: 1.2}, {Law: "keda", Attainment: 1, GPUHours: 8},
	}}
	dots := d.scatter().Dots
	for i, a := range dots {
		if a.LabelY < a.Y {
			t.Errorf("%s stands at %v, above its dot at %v", a.Name, a.LabelY, a.Y)
		}
		for _, b := range dots[:i] {
			if over := b.X + 7*float64(len(b.Name)) - a.X; over > 0 && math.Abs(a.LabelY-b.LabelY) < 13 {
				t.Errorf("%s at %v hides %s at %v", a.Name, a.LabelY, b.Name, b.LabelY)
			}
		}
	}
	if last := dots[len(dots)-1]; last.LabelY != last.Y+4 {
		t.Errorf("%s, which stands alone, is at %v, want %v", last.Name, last.LabelY, last.Y+4)
	}
}
