package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// A Bucket of a histogram: so many lengths above the bucket before it, or above 0, and
// up to UpTo.
type Bucket struct {
	UpTo  int
	Count float64
}

// Buckets draws from a histogram whose mean is known as well. Buckets are wide, so that
// lengths which lie evenly in them would have another mean: they lie evenly in a part of
// each, at its lower or its upper end, and this part is the share of the bucket, the same
// for all, with which the mean is right. A mean that these buckets cannot have is taken
// for the nearest that they can.
//
// Worked example: 1000 prompts of 1024 tokens are 1000 in the bucket from 1000 to 2000
// with a mean of 1024. They are drawn from 1000 to 1048 (TestBuckets).
func Buckets(buckets []Bucket, mean float64) (Length, error) {
	low, total, least, width := 0, 0.0, 0.0, 0.0
	upTo := make([]float64, len(buckets))
	for i, b := range buckets {
		switch {
		case b.UpTo <= low || b.UpTo > maxTokens:
			return nil, fmt.Errorf("a bucket up to %d tokens after one up to %d: must grow, to at most %d", b.UpTo, low, maxTokens)
		case !(b.Count >= 0 && b.Count <= math.MaxInt64):
			return nil, fmt.Errorf("%v lengths up to %d tokens: must be a number, not negative", b.Count, b.UpTo)
		}
		total += b.Count
		least += b.Count * float64(low)
		width += b.Count * float64(b.UpTo-low)
		upTo[i], low = total, b.UpTo
	}
	if total == 0 {
		return nil, fmt.Errorf("no lengths in any bucket")
	}
	if !(mean > 0 && mean <= maxTokens) {
		return nil, fmt.Errorf("a mean of %v tokens: must be more than 0 and at most %d", mean, maxTokens)
	}
	middle := min(max(0, (mean-least/total)/(width/total)), 1)
	from, part := max(0, 2*middle-1), min(2*middle, 2-2*middle)
	buckets = slices.Clone(buckets)
	return func(r *rand.Rand) int {
		u := min(total*r.Float64(), math.Nextafter(total, 0)) // a product may round up to total
		i := sort.Search(len(upTo), func(i int) bool { return upTo[i] > u })
		low, share := 0, 1-(upTo[i]-u)/buckets[i].Count
		if i > 0 {
			low = buckets[i-1].UpTo
		}
		return max(1, int(math.Round(float64(low)+(from+part*share)*float64(buckets[i].UpTo-low))))
	}, nil
}
