package promise

import (
	"cmp"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/score"
)

// Law is Flyball's own: it takes a promise, the share of requests that is to meet the
// objectives, and asks for the fewest replicas that keep it.
type Law struct {
	law.Bounds
	Promise    float64 // share of the requests that is to meet all objectives
	TTFT, TPOT time.Duration
	// Prior is what is known of the engine from a profile; the zero value is nothing.
	Prior capacity.Prior `json:",omitzero"`
	// CacheTokens is what an engine's KV cache holds, where it does not say itself, and
	// BatchTokens is --max-num-batched-tokens; 0 is vLLM's default.
	CacheTokens, BatchTokens int `json:",omitzero"`
	// Ordered says that requests wait in front of all replicas by promise (admit.Promise).
	Ordered bool `json:",omitzero"`
}

// defaultBatch is vLLM's on the GPUs where it is least.
const defaultBatch = 2048

// Name is flyball.
func (Law) Name() string { return "flyball" }

// Promising fills in what objectives say, where the law has nothing of its own; what none
// is of may take an hour.
func (l Law) Promising(objectives []score.Objective) Law {
	l.TTFT = cmp.Or(l.TTFT, score.Target(objectives, score.TTFT))
	l.TPOT = cmp.Or(l.TPOT, score.Target(objectives, score.TPOT))
	if l.Promise == 0 && len(objectives) > 0 {
		l.Promise = objectives[0].Quantile // score.Promise: all have the same
	}
	return l
}

// Needs is what any vLLM counts.
func (Law) Needs() []reading.Signal {
	return []reading.Signal{
		reading.Running, reading.Waiting, reading.KVUsage, reading.KVCapacity, reading.Ended, reading.PromptTokensRead,
		reading.CachedTokens, reading.TokenGaps, reading.TokenSeconds, reading.TTFTs, reading.TPOTs, reading.InputLengths,
		reading.InputTokens, reading.AnswerLengths, reading.AnswerTokens,
	}
}

// tick is how long a step waits at most where no reading is due before.
const tick = 5 * time.Second

// Step looks, learns and decides.
func (l Law) Step(state law.State, in law.Input) (law.State, law.Output) {
	s := law.Resume[State](state)
	scratch := s.Version != 0 && s.Version != Version
	if s.Version != Version {
		s = State{Version: Version, Began: in.Now}
	}
	seen := l.look(&s, in)
	if seen.took > 0 {
		l.learn(&s, in, seen)
	}
	out := l.decide(&s, in, seen)
	out.Counted = law.Counted{Promised: 1 - l.allowed()}
	if seen.took > 0 {
		out.Counted.Requests = max(seen.First, 0)
		out.Counted.Missed = min(max(seen.missed(), 0), out.Counted.Requests) // who waits has not been judged yet
	}
	if scratch {
		out.Reasons = append([]law.Reason{{Rule: law.RuleScratch, From: in.Fleet.Desired, To: in.Fleet.Desired}}, out.Reasons...)
	}
	out.Next = s.next(in.Now)
	return s, out
}

// allowed is the share of requests that may miss.
func (l Law) allowed() float64 { return min(max(1-l.Promise, 1e-4), 0.5) }
