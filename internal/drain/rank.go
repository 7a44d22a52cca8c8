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

// Rank is the pods in the order in which they should leave, equal ones by name.
func Rank(pods []Pod) []Pod {
	return slices.SortedFunc(slices.Values(pods), func(a, b Pod) int {
		return cmp.Or(cmp.Compare(a.Cost(), b.Cost()), strings.Compare(a.Name, b.Name))
	})
}
