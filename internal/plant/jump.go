package plant

import (
	"sort"
	"time"
)

// jumpSteps is how many steps one jump covers at most: as many of the longest that are
// valid fit into picos.
const jumpSteps = 4096

// Between events every step works on the same sequences, each with one token of
// context more than before, so that step p takes
//
//	d(p) = α + δ·b + host·b + γ·(base + b·(p−1))
//
// and the steps from a on take an arithmetic series: Σ d = n·d(a) + γ·b·n·(n−1)/2.

// decodeStep is d(p).
func (e *Engine) decodeStep(p int64) picos {
	n := e.decodes.count
	return e.cost.step(Batch{Sequences: n, Decodes: n, DecodeContext: e.decodes.context(p)})
}

// decodeSteps is Σ d over the n steps from p on.
func (e *Engine) decodeSteps(p int64, n int) picos {
	k := picos(n)
	return k*e.decodeStep(p) + e.growth()*(k*(k-1)/2)
}

// growth is how much longer each step is than the one before.
func (e *Engine) growth() picos { return e.cost.gammaD * picos(e.decodes.count) }

// plain is how many steps end up to now of which nothing comes but a token for each
// of the decodes, and at whose ends the same sequences are chosen again.
func (e *Engine) plain(now time.Duration) int {
	first := e.done + 1
	if !e.steady || len(e.steps[0].prefills) > 0 || len(e.steps[0].stragglers) > 0 {
		return 0
	}
	for i := range e.chosen - e.done { // chosen when other sequences were there
		if e.steps[i].decodes != e.decodes.count || e.steps[i].took != e.decodeStep(first+i) {
			return 0
		}
	}
	n := min(jumpSteps, int(e.ends[0].endStep-e.chosen), e.plainBlocks())
	if e.waiting.len() > 0 && !e.stuck {
		now = min(now, e.waiting.first().Queued-1)
	}
	if n <= 0 || e.endsAt.nanos > now {
		return 0
	}
	if e.endOf(n).nanos <= now {
		return n
	}
	return sort.Search(n, func(i int) bool { return e.endOf(i+1).nanos > now })
}

// plainBlocks is how many steps can be chosen before the blocks run out.
func (e *Engine) plainBlocks() int {
	free, next := e.pool.free, e.chosen+1
	n := jumpSteps
	if e.decodes.takesWithin(next, n) <= free {
		return n
	}
	block := len(e.decodes.takes)
	n = free / e.decodes.count * block
	for free -= e.decodes.takesWithin(next, n); free >= e.decodes.takesAt(next+int64(n)); n++ {
		free -= e.decodes.takesAt(next + int64(n))
	}
	return n
}

// endOf is when the nth step from now on ends, the one in flight being the first, if
// all before it are plain.
func (e *Engine) endOf(n int) instant {
	if n <= 1 {
		return e.endsAt
	}
	return e.endsAt.add(e.decodeSteps(e.done+2, n-1))
}

// jump lets n plain steps end.
func (e *Engine) jump(n int) {
	end := e.endOf(n)
	e.meter.decodeSteps(e.decodes.count, n, e.decodeStep(e.done+1), e.growth(), end.nanos-e.now.nanos)
	e.pool.take(e.decodes.takesWithin(e.chosen+1, n))
	e.now = end
	e.done += int64(n)
	e.chosen += int64(n)
	for i := range e.chosen - e.done {
		e.steps[i].took = e.decodeStep(e.done + 1 + i)
	}
	e.endsAt = e.now.add(e.steps[0].took)
}
