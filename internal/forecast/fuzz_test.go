package forecast_test

import (
	"math"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/forecast"
)

// FuzzForecast: INV-1 and INV-2, whatever arrives whenever.
func FuzzForecast(f *testing.F) {
	f.Add(int64(5e9), 30.0, int64(5e9), 45.0, 0.3)
	f.Add(int64(-1), math.NaN(), int64(math.MaxInt64), math.Inf(1), -1e300)
	f.Add(int64(3600e9), 1e11, int64(1), 0.0, math.NaN())
	f.Fuzz(func(t *testing.T, step int64, arrivals float64, step2 int64, arrivals2, rise float64) {
		var r forecast.Rate
		var h forecast.History
		var rises forecast.Rises
		var search forecast.Search
		s := forecast.Season{Period: time.Duration(step2)}
		at := time.Duration(0)
		for i := range 40 {
			n := arrivals
			at += time.Duration(step)
			if i%3 == 0 {
				n = arrivals2
				at += time.Duration(step2)
			}
			r = r.Add(at, n)
			h = h.Add(at, n)
			rises = rises.Learn(rise, time.Duration(step))
			s = s.Learn(&h, at, time.Duration(step), time.Duration(step)/5, time.Duration(step))
			search, _ = search.Look(&h, 3)
		}
		rate, _ := r.Now()
		expected, _ := s.Rise(&h, at, time.Duration(step), 0)
		most, _ := s.Most(&h, at, time.Duration(step2), time.Duration(step))
		peak, _ := h.Peak(0, at)
		for _, x := range []float64{rate, expected, most, peak, s.Weight(), s.Skill(), r.Dispersion, search.Score} {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				t.Fatalf("%v is no number: %v %v %v %v %v %v", x, rate, expected, most, peak, s, r.Dispersion)
			}
		}
		if w := s.Weight(); rate < 0 || w < 0 || w > 1 {
			t.Fatalf("rate %v, weight %v", rate, w)
		}
		sum := 0.0
		for _, o := range rises.Within(time.Duration(step), nil) {
			if sum += o.Share; !(o.Share > 0) {
				t.Fatalf("a share of %v", o.Share)
			}
		}
		if math.Abs(sum-1) > 1e-4 {
			t.Fatalf("the shares add up to %v", sum)
		}
	})
}
