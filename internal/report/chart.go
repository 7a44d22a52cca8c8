package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The drawing's size, in SVG's units.
const (
	width, height = 860.0, 150.0
	left, bottom  = 56.0, 22.0
)

// A chart has lines and areas over time.
type chart struct {
	Title, Unit string
	Paths       []path
	XTicks      []tick
	YTicks      []tick
	Target      *tick // the objective
}

type path struct {
	D, Class, Name string
}

type tick struct {
	At    float64
	Label string
}

// A line is one value of each point; NaN leaves a gap.
type line struct {
	name, class string
	of          func(Point) float64
}

// charts are those of a run, in the order in which one reads them.
func (r Run) charts(t Targets) []chart {
	seconds := func(d func(Point) time.Duration) func(Point) float64 {
		return func(p Point) float64 {
			if d(p) == 0 {
				return math.NaN()
			}
			return d(p).Seconds()
		}
	}
	return []chart{
		r.chart("Arrivals", "requests/s", 0, line{"arrivals", "a", func(p Point) float64 { return p.Arrivals }}),
		r.replicas(),
		r.chart("Waiting requests", "", 0, line{"waiting", "d", func(p Point) float64 { return p.Waiting }}),
		r.chart("TTFT, p90", "s", t.TTFT.Seconds(), line{"TTFT", "b", seconds(func(p Point) time.Duration { return p.TTFT })}),
		r.chart("TPOT, p90", "s", t.TPOT.Seconds(), line{"TPOT", "c", seconds(func(p Point) time.Duration { return p.TPOT })}),
		r.chart("Cost so far", "", 0, line{"cost", "a", func(p Point) float64 { return p.Cost }}),
	}
}

func (r Run) chart(title, unit string, target float64, lines ...line) chart {
	c := chart{Title: title, Unit: unit}
	top := nice(max(r.highest(lines), 1.15*target))
	c.XTicks, c.YTicks = r.xTicks(), yTicks(top)
	for _, l := range lines {
		c.Paths = append(c.Paths, path{r.lineThrough(l.of, top), "line " + l.class, l.name})
	}
	if target > 0 {
		c.Target = &tick{y(target, top), "objective " + number(target) + " " + unit}
	}
	return c
}

// replicas stacks the states, and draws the desired replicas over them.
func (r Run) replicas() chart {
	states := []line{
		{"ready", "ready", func(p Point) float64 { return p.Ready }},
		{"starting", "starting", func(p Point) float64 { return p.Starting }},
		{"pending", "pending", func(p Point) float64 { return p.Pending }},
		{"draining", "draining", func(p Point) float64 { return p.Draining }},
	}
	upTo := func(i int) func(Point) float64 {
		return func(p Point) float64 {
			sum := 0.0
			for _, s := range states[:i] {
				sum += s.of(p)
			}
			return sum
		}
	}
	desired := line{"desired", "desired", func(p Point) float64 { return p.Desired }}
	top := nice(r.highest([]line{desired, {of: upTo(len(states))}}))
	c := chart{Title: "Replicas", XTicks: r.xTicks(), YTicks: yTicks(top)}
	for i, s := range states {
		c.Paths = append(c.Paths, path{r.area(upTo(i), upTo(i+1), top), "area " + s.class, s.name})
	}
	c.Paths = append(c.Paths, path{r.lineThrough(desired.of, top), "line desired", "desired"})
	return c
}

func (r Run) highest(lines []line) float64 {
	top := 0.0
	for _, l := range lines {
		for _, p := range r.Points {
			if v := l.of(p); v > top && !math.IsInf(v, 0) {
				top = v
			}
		}
	}
	return top
}

func (r Run) end() time.Duration {
	if len(r.Points) == 0 {
		return 0
	}
	return r.Points[len(r.Points)-1].At
}

func (r Run) x(at time.Duration) float64 {
	return left + (width-left-8)*at.Seconds()/max(r.end().Seconds(), 1e-9)
}

func y(v, top float64) float64 { return (height - bottom) * (1 - min(v/top, 1)) }

func (r Run) lineThrough(of func(Point) float64, top float64) string {
	var b strings.Builder
	move := true
	for _, p := range r.Points {
		v := of(p)
		if math.IsNaN(v) {
			move = true
			continue
		}
		b.WriteString(map[bool]string{true: "M", false: "L"}[move])
		fmt.Fprintf(&b, "%.1f %.1f", r.x(p.At), y(v, top))
		move = false
	}
	return b.String()
}

func (r Run) area(from, to func(Point) float64, top float64) string {
	var b strings.Builder
	for i, p := range r.Points {
		b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0])
		fmt.Fprintf(&b, "%.1f %.1f", r.x(p.At), y(to(p), top))
	}
	for _, p := range slices.Backward(r.Points) {
		fmt.Fprintf(&b, "L%.1f %.1f", r.x(p.At), y(from(p), top))
	}
	if b.Len() > 0 {
		b.WriteString("Z")
	}
	return b.String()
}

// xTicks are at round times, at most eight.
func (r Run) xTicks() []tick {
	var ticks []tick
	step := 7 * 24 * time.Hour
	for _, s := range []time.Duration{
		10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute,
		time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 48 * time.Hour,
	} {
		if r.end()/s <= 8 {
			step = s
			break
		}
	}
	for at := time.Duration(0); at <= r.end(); at += step {
		ticks = append(ticks, tick{r.x(at), short(at)})
	}
	return ticks
}

func short(d time.Duration) string {
	s := d.String()
	if d > 0 && d%time.Minute == 0 {
		s = strings.TrimSuffix(s, "0s")
	}
	if d > 0 && d%time.Hour == 0 {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func yTicks(top float64) []tick {
	return []tick{{y(0, top), "0"}, {y(top/2, top), number(top / 2)}, {y(top, top), number(top)}}
}

// nice is the next of 1, 2, 4, 5, 10 times a power of ten, at least 1e-3.
func nice(v float64) float64 {
	v = max(v, 1e-3)
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 4, 5, 10} {
		if v <= m*unit*(1+1e-9) {
			return m * unit
		}
	}
	return 10 * unit
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
