package reading

import (
	"math"
	"testing"
)

func TestBelow(t *testing.T) {
	bounds := []float64{2, 4}
	for _, c := range []struct {
		upTo        []float64
		limit, want float64
	}{
		{[]float64{60, 90}, 3, 75}, {[]float64{60, 90}, 1, 30}, {[]float64{60, 90}, 2, 60}, {[]float64{60, 90}, 9, 90}, {[]float64{60, 90}, 0, 0},
		{[]float64{60}, 3, 60}, {nil, 3, 0}, {[]float64{60, 50}, 3, 60}, {[]float64{math.NaN(), 90}, 3, 0}, {[]float64{60, math.Inf(1)}, 3, 60},
	} {
		if got := Below(bounds, c.upTo, c.limit); got != c.want {
			t.Errorf("Below(%v, %v, %v) = %v, want %v", bounds, c.upTo, c.limit, got, c.want)
		}
	}
}
