package workload_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/flyball-dev/flyball/internal/workload"
)

// drawn is the mean of many lengths, the shortest and the longest.
func drawn(l workload.Length) (mean float64, low, high int) {
	const n = 200_000
	random, sum := rand.New(rand.NewPCG(1, 2)), 0
	low = math.MaxInt
	for range n {
		x := l(random)
		sum += x
		low, high = min(low, x), max(high, x)
	}
	return float64(sum) / n, low, high
}

func TestBuckets(t *testing.T) {
	for _, c := range []struct {
		name            string
		buckets         []workload.Bucket
		mean            float64
		want            float64
		wantLow, wantUp int
	}{
		{"all alike: the worked example", []workload.Bucket{{1000, 0}, {2000, 1000}}, 1024, 1024, 1000, 1048},
		{"evenly", []workload.Bucket{{100, 1}}, 50, 50, 1, 100},
		{"at the upper end", []workload.Bucket{{100, 0}, {200, 3}, {500, 0}}, 190, 190, 180, 200},
		{"several", []workload.Bucket{{100, 1}, {200, 2}, {500, 1}}, 150, 150, 1, 400},
		{"a mean that is too low", []workload.Bucket{{100, 0}, {200, 3}}, 50, 100, 100, 100},
		{"a mean that is too high", []workload.Bucket{{100, 0}, {200, 3}}, 500, 200, 200, 200},
		{"one token", []workload.Bucket{{1, 5}}, 1, 1, 1, 1},
	} {
		l, err := workload.Buckets(c.buckets, c.mean)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		mean, low, high := drawn(l)
		if math.Abs(mean-c.want) > 0.01*c.want || low != c.wantLow || high != c.wantUp {
			t.Errorf("%s: Buckets(%v, %v) draws %d to %d with mean %v, want %d to %d with %v", c.name, c.buckets, c.mean, low, high, mean, c.wantLow, c.wantUp, c.want)
		}
	}
}

func TestBucketsRefuses(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		buckets []workload.Bucket
		mean    float64
	}{
		{nil, 1}, {[]workload.Bucket{{1, 0}}, 1}, {[]workload.Bucket{{5, 1}, {5, 1}}, 1}, {[]workload.Bucket{{0, 1}}, 1},
		{[]workload.Bucket{{1 << 30, 1}}, 1}, {[]workload.Bucket{{5, -1}}, 1}, {[]workload.Bucket{{5, nan}}, 1},
		{[]workload.Bucket{{5, math.Inf(1)}}, 1}, {[]workload.Bucket{{5, 1}}, nan}, {[]workload.Bucket{{5, 1}}, 0}, {[]workload.Bucket{{5, 1}}, -3},
	} {
		if _, err := workload.Buckets(c.buckets, c.mean); err == nil {
			t.Errorf("Buckets(%v, %v) succeeded", c.buckets, c.mean)
		}
	}
}
