package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/workload"
)

// Tokens are the lengths of one side of the requests that have ended.
type Tokens struct {
	Mean    float64
	Buckets []workload.Bucket
}

func (t Tokens) length() (workload.Length, error) { return workload.Buckets(t.Buckets, t.Mean) }

// readLengths adds up the histograms of g's steps: one query over days could load more
// samples than a server lets it.
func (h *History) readLengths(ctx context.Context, a *asker, s service, g grid) (err error) {
	if h.Input, err = a.lengths(ctx, s, promptTokens, g); err != nil {
		return err
	}
	h.Output, err = a.lengths(ctx, s, generatedTokens, g)
	return err
}

func (a *asker) lengths(ctx context.Context, s service, metric string, g grid) (Tokens, error) {
	window := promTime(g.step)
	upTo := map[float64]float64{} // counts, each with those below it
	err := a.each(ctx, s.selected("sum by (le) (increase(%s[%s]))", metric+"_bucket", window), g, func(le string, i int, v float64) error {
		if i == 0 { // what was before the first step
			return nil
		}
		bound, err := strconv.ParseFloat(le, 64) // 1 and 1.0 are the same
		if err != nil || !(bound > 0) {
			return fmt.Errorf("%s_bucket has le=%q", metric, le)
		}
		upTo[bound] += max(0, v)
		return nil
	})
	if err != nil {
		return Tokens{}, err
	}
	sums, err := a.one(ctx, s.selected("sum(increase(%s[%s]))", metric+"_sum", window), g)
	if err != nil {
		return Tokens{}, err
	}
	sum := 0.0
	for _, v := range sums[1:] {
		if !math.IsNaN(v) {
			sum += v
		}
	}
	t, err := fromHistogram(upTo, sum)
	if err != nil {
		return Tokens{}, hint.With(fmt.Errorf("%s: lengths by %s: %w", s, metric, err), "a longer --last, or see whether Prometheus keeps the classic histograms of vLLM")
	}
	return t, nil
}

// openBucket is how much longer than the last bound a length without one may be: vLLM's
// bounds are 1, 2, 5, 10, … up to the model's length, and so the next would be above it.
const openBucket = 2.5

// fromHistogram makes buckets of cumulative counts. Pods with other bounds make these
// fall somewhere: what was counted below a bound is below all higher ones.
func fromHistogram(upTo map[float64]float64, sum float64) (Tokens, error) {
	if total := upTo[math.Inf(1)]; !(total > 0) {
		return Tokens{}, errors.New("no request has ended")
	}
	t, below := Tokens{}, 0.0
	for _, bound := range slices.Sorted(maps.Keys(upTo)) {
		if below >= upTo[math.Inf(1)] {
			break // the rest is empty
		}
		count := max(0, upTo[bound]-below)
		below += count
		if n := len(t.Buckets); math.IsInf(bound, 1) && n > 0 {
			bound = openBucket * float64(t.Buckets[n-1].UpTo)
		}
		t.Buckets = append(t.Buckets, workload.Bucket{UpTo: int(min(bound, math.MaxInt32)), Count: count})
	}
	t.Mean = sum / below
	return t, nil
}
