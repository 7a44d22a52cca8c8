package dynamo

import (
	"slices"

	"github.com/flyball-dev/flyball/internal/law"
)

// Rates are what a benchmark found: the most requests per second within the objectives,
// on a grid of tokens that are to be prefilled for a request and tokens that it puts
// out. Both rise, and the rates are in the order of the inputs, then the outputs.
type Rates struct{ Inputs, Outputs, PerSecond []float64 }

// At is the rate of a shape: its inverse, the time that a request takes of an engine, is
// linear between the points of the grid, and beyond them it is that of the nearest. It
// is 0 where none meets the objectives.
//
// Worked example (TestRates): 10 per second of 100 tokens in, 5 of 300: 200 take 0.15 s,
// the mean of 0.1 s and 0.2 s, which is 6.67 per second.
func (r Rates) At(s law.Shape) float64 {
	if len(r.Inputs) == 0 || len(r.Outputs) == 0 || len(r.PerSecond) < len(r.Inputs)*len(r.Outputs) {
		return 0
	}
	i, x := place(r.Inputs, s.Input*(1-s.Hit))
	j, y := place(r.Outputs, s.Output)
	seconds := 0.0
	for _, corner := range []struct {
		i, j   int
		weight float64
	}{{i, j, (1 - x) * (1 - y)}, {i + 1, j, x * (1 - y)}, {i, j + 1, (1 - x) * y}, {i + 1, j + 1, x * y}} {
		if corner.weight == 0 {
			continue
		}
		rate := r.PerSecond[corner.i*len(r.Outputs)+corner.j]
		if !(rate > 0) {
			return 0
		}
		seconds += corner.weight / rate
	}
	return 1 / seconds
}

// place is the point of the grid at or below x, and how far x is to the next: 0 to 1.
func place(grid []float64, x float64) (int, float64) {
	i, _ := slices.BinarySearch(grid, x)
	switch {
	case i == 0:
		return 0, 0
	case i == len(grid):
		return i - 1, 0
	case !(grid[i] > grid[i-1]):
		return i, 0
	}
	return i - 1, (x - grid[i-1]) / (grid[i] - grid[i-1])
}
