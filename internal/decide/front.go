package decide

import (
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law/promise"
)

// A Front is what requests may go by that wait in front of all replicas: the objective of their
// first token, and what one replica may have at a time. The zero value is not known yet.
type Front struct {
	TTFT time.Duration
	capacity.Room
}

// Front is that of a policy, by what was known at the step that made a state.
func (p Policy) Front(s State) Front {
	l, promises := p.Law.(promise.Law)
	known, ok := s.Law.(promise.State)
	if !promises || !ok || known.Model.Front.Sequences < 1 {
		return Front{}
	}
	return Front{l.TTFT, known.Model.Front}
}

// Ordered is the policy of a service in front of whose replicas requests wait by promise.
func (p Policy) Ordered() Policy {
	if l, promises := p.Law.(promise.Law); promises {
		l.Ordered = true
		p.Law = l
	}
	return p
}
