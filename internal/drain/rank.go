package drain

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// A Pod is one replica with what would be lost if it went.
type Pod struct {
	Name     string
	Measured bool // false: the rest is not known
	InFlight int  // requests sent to it and not ended
	// WorkTokens is what these are still owed, prompt and answer.
	WorkTokens int64
	// Remaining is the time after which the last of them is expected to end.
	Remaining time.Duration
	// PrefixTokens is how much of recent prompts its prefix cache saved.
	PrefixTokens int64
}

// Unmeasured is the cost of a pod that no one measures: it leaves last.
const Unmeasured = math.MaxInt32

// Each quantity takes digitBits bits of a cost: as many as a number of 64 bits
// has lengths.
const digitBits = 7

// Cost is the value for controller.kubernetes.io/pod-deletion-cost: a ReplicaSet
// deletes the pod of the lowest first, and counts one without a cost as 0, like
// an idle pod with nothing cached.
//
// Its digits are the lengths of the three quantities as binary numbers, so that
// it changes, and is written, only when one of them halves or doubles: the
// annotation is not meant to follow a metric.
//
// With 3 requests that are owed 900 tokens (10 bits) within 6 s (6000 ms, 13
// bits) and 5000 tokens saved (13 bits) it is 10·2¹⁴ + 13·2⁷ + 13 = 165517
// (TestCost).
func (p Pod) Cost() int32 {
	if !p.Measured {
		return Unmeasured
	}
	work := max(p.WorkTokens, int64(p.InFlight)) // a request is owed one token at least
	return length(work)<<(2*digitBits) | length(p.Remaining.Milliseconds())<<digitBits | length(p.PrefixTokens)
}

// length is how many binary digits n has; 0 for what is not positive.
func length(n int64) int32 { return int32(bits.Len64(uint64(max(0, n)))) }

// CostPeriod is how often costs are looked at: a ReplicaSet reads them only when it
// deletes, and each that is written is a change that every watcher of pods is told.
const CostPeriod = 20 * time.Second

// Costs are those to write, by name, so that the pods leave in the order of Rank: none
// while those that they have give it.
//
// Worked example (TestCosts): a has 3 requests and is owed 900 tokens, b has nothing, c
// has no cost yet and 1 request: b stays at 0, a and c get theirs.
func Costs(pods []Pod, have map[string]int32) map[string]int32 {
	ranked := Rank(pods)
	if inOrder(ranked, have) {
		return nil
	}
	want := map[string]int32{}
	for _, p := range ranked {
		if cost := p.Cost(); cost != have[p.Name] {
			want[p.Name] = cost
		}
	}
	return want
}

// inOrder says whether every pod of a higher cost has a higher cost already.
func inOrder(ranked []Pod, have map[string]int32) bool {
	below, most := int64(math.MinInt64), int64(math.MinInt64) // the most in the groups before, and with this one
	for i, p := range ranked {
		if i > 0 && p.Cost() != ranked[i-1].Cost() {
			below = most
		}
		cost := int64(have[p.Name])
		if cost <= below {
			return false
		}
		most = max(most, cost)
	}
	return true
}

// Rank is the pods in the order in which they should leave, equal ones by name.
func Rank(pods []Pod) []Pod {
	return slices.SortedFunc(slices.Values(pods), func(a, b Pod) int {
		return cmp.Or(cmp.Compare(a.Cost(), b.Cost()), strings.Compare(a.Name, b.Name))
	})
}
