package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Sweep tries values of one number of what scales, from Low to High.
type Sweep struct {
	Key       string
	Low, High float64
	Step      float64
}

// ParseSweep reads KEY=LOW..HIGH or KEY=LOW..HIGH/STEP.
func ParseSweep(text string) (Sweep, error) {
	wrong := fmt.Errorf("%q is no sweep; write KEY=LOW..HIGH, as target=4..48, or with a step, as target=0.5..0.9/0.05", text)
	key, span, ok := strings.Cut(text, "=")
	span, step, stepped := strings.Cut(span, "/")
	low, high, _ := strings.Cut(span, "..")
	s := Sweep{Key: key, Step: 1}
	var errs [3]error
	s.Low, errs[0] = strconv.ParseFloat(low, 64)
	s.High, errs[1] = strconv.ParseFloat(high, 64)
	if stepped {
		s.Step, errs[2] = strconv.ParseFloat(step, 64)
	}
	if !ok || key == "" || errors.Join(errs[:]...) != nil || !(s.Low >= 0 && s.High > s.Low && s.Step > 0) {
		return s, wrong
	}
	if n := (s.High - s.Low) / s.Step; !(n < 10000) {
		return s, fmt.Errorf("%q has %.0f values, at most 10000", text, n+1)
	}
	return s, nil
}

// values are all, written without the digits that only say how floats are made.
func (s Sweep) values() []string {
	var all []string
	for i := 0; ; i++ {
		v := math.Round((s.Low+float64(i)*s.Step)*1e9) / 1e9
		if v > s.High+s.Step*1e-6 {
			return all
		}
		all = append(all, strconv.FormatFloat(v, 'f', -1, 64))
	}
}

// coarse is how many values are tried first, evenly over all.
const coarse = 9

// Run tries values on what scales: first some over the whole sweep, then the middle of the
// gaps beside the cheapest that keeps the promise, or if none does beside the one that
// attains most, until no gap is left there. variant is the comparison of a value: its first
// contender scales by it, the others run once. Where the context ends the values that were
// tried are left.
func (s Sweep) Run(ctx context.Context, variant func(value string) (*Comparison, error), seeds int, done func()) (*Comparison, error) {
	values := s.values()
	var c *Comparison
	tried := map[int]string{} // by their place the names of the contenders
	for next := evenly(len(values)); len(next) > 0; next = gaps(c.place(tried), tried, len(values)) {
		for _, i := range next {
			one, err := variant(values[i])
			if err != nil {
				return nil, err
			}
			tried[i] = s.Key + "=" + values[i]
			if c == nil {
				c = one
				c.sweep = &s
				c.Contenders[0].Name = tried[i]
				continue
			}
			another := one.Contenders[0]
			another.Name, another.setup = tried[i], &one.Setup
			c.Contenders = append(c.Contenders, another)
		}
		err := c.Run(ctx, seeds, done)
		slices.SortStableFunc(c.Contenders, func(a, b *Contender) int { return cmp.Compare(order(a, tried), order(b, tried)) })
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// WithParameter is the text of a law with another value of a parameter.
func WithParameter(text, key, value string) string {
	name, rest, _ := strings.Cut(text, ":")
	pairs := slices.DeleteFunc(strings.Split(rest, ","), func(pair string) bool { return pair == "" || strings.HasPrefix(pair, key+"=") })
	return name + ":" + strings.Join(append(pairs, key+"="+value), ",")
}

// evenly are the places of the values that are tried first.
func evenly(n int) []int {
	var all []int
	for i := range min(n, coarse) {
		all = append(all, i*(n-1)/max(1, min(n, coarse)-1))
	}
	return all
}

// place is that of the best value so far.
func (c *Comparison) place(tried map[int]string) int {
	rows := c.Rows()
	best := -1
	row := func(i int) Row {
		return rows[slices.IndexFunc(rows, func(r Row) bool { return r.Law == tried[i] })]
	}
	for _, i := range slices.Sorted(maps.Keys(tried)) {
		if best < 0 || better(row(i), row(best)) {
			best = i
		}
	}
	return best
}

// better says whether a value is: cheaper, of two that keep the promise, or else nearer to it.
func better(a, b Row) bool {
	switch {
	case a.Keeps == Yes && b.Keeps == Yes:
		return a.GPUHours < b.GPUHours
	case a.Keeps == Yes || b.Keeps == Yes:
		return a.Keeps == Yes
	}
	return a.Attainment > b.Attainment
}

// gaps are the middles of those beside a place.
func gaps(at int, tried map[int]string, n int) []int {
	low, high := at, at
	for low > 0 && (low == at || tried[low] == "") {
		low--
	}
	for high < n-1 && (high == at || tried[high] == "") {
		high++
	}
	var all []int
	for _, middle := range []int{(low + at) / 2, (at + high + 1) / 2} {
		if tried[middle] == "" {
			all = append(all, middle)
		}
	}
	return all
}

// order puts the values in theirs, before what is not swept.
func order(c *Contender, tried map[int]string) int {
	for i, name := range tried {
		if name == c.Name {
			return i
		}
	}
	return math.MaxInt
}

// verdict says which value is the cheapest that keeps the promise, and which may be.
func (s Sweep) verdict(rows []Row) []Verdict {
	swept := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return !strings.HasPrefix(r.Law, s.Key+"=") || r.Fault != "" })
	var keep []Row
	for _, r := range swept {
		if r.Keeps == Yes {
			keep = append(keep, r)
		}
	}
	promise, best := 100*rows[0].Promise, cheapest(keep)
	if best == nil {
		return []Verdict{{No, fmt.Sprintf("of %d values of %s that were tried none keeps %g %%, as far as the seeds tell", len(swept), s.Key, promise)}}
	}
	figures := func(r Row) string {
		return fmt.Sprintf("%s %% at %s GPU-hours", PlusMinus(100*r.Attainment, 100*r.CI95["attainment"]), PlusMinus(r.GPUHours, r.CI95["gpuHours"]))
	}
	lines := []Verdict{{Yes, fmt.Sprintf("of %d values of %s that were tried %s is the cheapest that keeps %g %%: %s", len(swept), s.Key, best.Law, promise, figures(*best))}}
	for _, end := range []Row{swept[0], swept[len(swept)-1]} {
		if end.Keeps == Yes && end.GPUHours <= 1.005*best.GPUHours {
			lines = append(lines, Verdict{Text: fmt.Sprintf("%s is the end of the sweep and as cheap: beyond it may be a cheaper one", end.Law)})
		}
	}
	for _, r := range swept {
		if r.Keeps == Unsure && r.GPUHours < best.GPUHours {
			lines = append(lines, Verdict{Unsure, fmt.Sprintf("%s is cheaper, and it takes more seeds to tell whether it does: %s", r.Law, figures(r))})
		}
	}
	return lines
}
