package validate

import (
	"fmt"
	"math"
	"slices"
)

// A bound is the most that a figure may be off. Bounds of one group are the same
// figure of several runs.
type bound struct {
	group, where string
	off, most    float64 // percent, or percentage points
}

func (b bound) holds() bool { return math.Abs(b.off) <= b.most }

func (b bound) String() string {
	return fmt.Sprintf("%s, %s: %+.1f %%, at most %g", b.group, b.where, b.off, b.most)
}

// A knownMiss is a bound that does not hold, and why.
type knownMiss struct{ group, where, reason string }

func knownMisses() []knownMiss {
	return []knownMiss{
		{"published ramp, score", "llmd-slo", "the published rules read what the router's trained predictor expects of a request that arrives; " +
			"its training is not published, and here they read what was measured, a whole answer late"},
	}
}

// judge has a line for each bound that does not hold and is not known, and for each
// known miss that holds. A known miss of nothing is only reported if all bounds are here.
func judge(bounds []bound, known []knownMiss, all bool) []string {
	var said []string
	listed := func(b bound) bool {
		return slices.ContainsFunc(known, func(k knownMiss) bool { return k.group == b.group && k.where == b.where })
	}
	for _, b := range bounds {
		switch {
		case !b.holds() && !listed(b):
			said = append(said, "a bound does not hold: "+b.String())
		case b.holds() && listed(b):
			said = append(said, "a known miss holds, take it off the list: "+b.String())
		}
	}
	for _, k := range known {
		if all && !slices.ContainsFunc(bounds, func(b bound) bool { return k.group == b.group && k.where == b.where }) {
			said = append(said, fmt.Sprintf("a known miss is of no bound: %s, %s", k.group, k.where))
		}
	}
	return said
}

// summary is a line per group, with its worst.
func (v *validation) summary(bounds []bound, known []knownMiss) {
	t := table{header: []string{"figure", "off by at most", "worst", "where", "hold"}}
	for i, first := range bounds {
		group := slices.Collect(func(yield func(bound) bool) {
			for _, b := range bounds {
				if b.group == first.group && !yield(b) {
					return
				}
			}
		})
		if slices.IndexFunc(bounds, func(b bound) bool { return b.group == first.group }) < i {
			continue
		}
		hold := 0
		for _, b := range group {
			if b.holds() {
				hold++
			}
		}
		worst := slices.MaxFunc(group, func(a, b bound) int {
			switch x, y := math.Abs(a.off), math.Abs(b.off); {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		t.rows = append(t.rows, []string{
			first.group, fmt.Sprintf("%g %%", first.most), fmt.Sprintf("%+.1f %%", worst.off), worst.where, fmt.Sprintf("%d of %d", hold, len(group)),
		})
	}
	v.printf("\n")
	v.table(t)
	if len(known) == 0 {
		v.printf("There is no known miss.\n")
		return
	}
	v.printf("Known misses:\n\n")
	for _, k := range known {
		v.printf("- %s, %s: %s\n", k.group, k.where, k.reason)
	}
}
