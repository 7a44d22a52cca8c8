package score

import (
	"cmp"
	"math"
	"slices"
)

// A Point is one law's run: what it reached and what it took.
type Point struct {
	Name       string
	Attainment float64
	GPUHours   float64
}

// Frontier are the points that none beats, by rising GPU-hours.
func Frontier(points []Point) []Point {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.GPUHours, b.GPUHours), cmp.Compare(b.Attainment, a.Attainment), cmp.Compare(a.Name, b.Name))
	})
	var front []Point
	best := math.Inf(-1)
	for _, p := range sorted {
		if p.Attainment > best {
			front = append(front, p)
			best = p.Attainment
		}
	}
	return front
}

// Excess is how many more GPU-hours a point takes than the frontier does for the same
// attainment, as a share: 0.1 is 10 % more. The frontier's GPU-hours lie on straight
// lines between its points. It is false where the frontier does not reach that
// attainment; below the frontier's least the cheapest point counts.
func Excess(p Point, front []Point) (float64, bool) {
	for i, f := range front {
		if f.Attainment < p.Attainment {
			continue
		}
		hours := f.GPUHours
		if i > 0 {
			before := front[i-1]
			hours = before.GPUHours + (f.GPUHours-before.GPUHours)*(p.Attainment-before.Attainment)/(f.Attainment-before.Attainment)
		}
		if hours <= 0 {
			return 0, false
		}
		return p.GPUHours/hours - 1, true
	}
	return 0, false
}
