package decide

import "github.com/flyball-dev/flyball/internal/law/promise"

// Missed is the share of requests that is expected to miss the objectives with each number of
// replicas, from one to another, by what was known at the step that made a state; nil where the
// law promises nothing.
func (p Policy) Missed(s State, from, to int) []float64 {
	l, promises := p.Law.(promise.Law)
	known, ok := s.Law.(promise.State)
	if !promises || !ok {
		return nil
	}
	return l.Missed(known, from, to)
}
