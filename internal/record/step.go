package record

import (
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
)

// Version is of the lines. Another one is refused.
const Version = 1

// A Step is one call of decide.Step with what came of it.
type Step struct {
	Policy   decide.Policy
	State    decide.State // before the step
	Input    decide.Input
	Decision decide.Decision
	// UID is of the object that was stepped; "" where objects have none.
	UID string
	// Brief steps have no state, no readings and no pods: they tell why, and cannot be
	// made again.
	Brief bool
	// Missed is how many steps of the service between the one before and this one could not
	// be recorded.
	Missed int
}

// Now is when it was.
func (s Step) Now() time.Duration { return s.Input.Now }

// Shorten is the step without what a year of them has no room for.
func (s Step) Shorten() Step {
	s.State, s.Brief = decide.State{}, true
	s.Input.Readings, s.Input.Fleet.Pods = nil, nil
	return s
}

// Size is about how many bytes a step takes in memory.
func (s Step) Size() int {
	const rest, pod, reading, number = 1 << 10, 100, 24, 8 // rest: the decision, and what else each step has
	size := rest + pod*len(s.Input.Fleet.Pods)
	for _, e := range s.Input.Readings {
		size += reading*(1+len(e.Pods)) + number*len(e.Bounds)*(1+len(e.Buckets))
	}
	return size
}

// News says whether a decision is another than the one before: another number, or a rule
// that sets or holds it which did not, or one that does no more.
func News(before, after decide.Decision) bool {
	same := func(a, b law.Reason) bool { return a.Rule == b.Rule }
	return before.Replicas != after.Replicas || before.Floor != after.Floor ||
		!slices.EqualFunc(before.Reasons, after.Reasons, same)
}

// Without is what a decision would have been without each of its reasons: what the others
// make of the number that was asked for before, within the policy's bounds, but for a bound
// that is the reason left out.
func Without(p decide.Policy, d decide.Decision) []int {
	all := make([]int, len(d.Reasons))
	for i, left := range d.Reasons {
		n := d.Reasons[0].From
		for j, r := range d.Reasons {
			if j == i {
				continue
			}
			r.From = n
			if to, ok := r.Recompute(); ok {
				n = to
			}
		}
		switch bounds := p.Bounds; left.Rule {
		case law.RuleMinimum, law.RuleFloor:
			all[i] = min(max(n, 0), bounds.Most())
		case law.RuleMaximum:
			all[i] = max(n, bounds.Min, 0)
		default:
			all[i] = bounds.Clamp(n)
		}
	}
	return all
}
