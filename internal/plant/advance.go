package plant

import (
	"slices"
	"time"
)

// Advance lets all happen that is due up to now, and returns the requests that ended,
// in order. The slice is good until the next call of Advance or Step.
func (e *Engine) Advance(now time.Duration) []Finished {
	e.ended = e.ended[:0]
	for {
		switch next := e.nextStep(); {
		case next > now:
			return e.ended
		case e.chosen > e.done:
			if n := e.plain(now); n > 0 {
				e.jump(n)
				continue
			}
			e.finishStep(nil)
		default:
			e.now = later(e.now, next)
		}
		e.fill()
	}
}

// Next is when the engine wants to be called of Advance next, or Never: no request
// ends, and no counter but that of generated tokens moves, before that.
func (e *Engine) Next() time.Duration {
	if e.chosen == e.done {
		return e.nextStep()
	}
	return e.endOf(e.plain(Never) + 1).nanos
}

// Step ends the step in flight if its time has come and starts the next one if
// there is work. It returns when it wants to be called next, or Never. A caller that
// is late calls it until the returned time lies in the future; the steps still
// follow each other without a gap.
func (e *Engine) Step(now time.Duration) (Events, time.Duration) {
	var ev Events
	before := e.meter
	e.ended = e.ended[:0]
	next := e.nextStep()
	if next > now {
		return ev, next
	}
	if e.chosen > e.done {
		e.finishStep(&ev)
	} else {
		e.now = later(e.now, next)
	}
	e.fill()
	ev.Finished = slices.Clone(e.ended)
	ev.Preemptions = e.meter.Preemptions - before.Preemptions
	ev.CacheQueries = e.meter.CacheQueries - before.CacheQueries
	ev.CacheHits = e.meter.CacheHits - before.CacheHits
	return ev, e.nextStep()
}

// nextStep is when the step in flight ends, or one can start.
func (e *Engine) nextStep() time.Duration {
	switch {
	case e.chosen > e.done:
		return e.endsAt.nanos
	case e.waiting.len() > 0:
		return e.waiting.first().Queued
	}
	return Never
}

// fill chooses steps: the one to run now, and with asynchronous scheduling the one
// after it.
func (e *Engine) fill() {
	depth := int64(1)
	if e.config.AsyncScheduling {
		depth = 2
	}
	for e.chosen-e.done < depth && e.choose() {
	}
	if e.chosen > e.done {
		e.endsAt = e.now.add(e.steps[0].took)
	}
}

// finishStep gives each sequence that the step brought up to date its next token:
// those that had one in the step before it, then those preempted since it was chosen,
// then those whose prompt it completed, each in order of admission.
func (e *Engine) finishStep(ev *Events) {
	before, at := e.now, e.steps[0]
	e.now = e.endsAt
	e.done++
	e.steps[0], e.steps[1] = e.steps[1], step{prefills: at.prefills[:0], stragglers: at.stragglers[:0]}
	e.meter.tokens(at.decodes, at.took, e.now.nanos-before.nanos)
	if at.decodes+len(at.prefills) > 0 {
		e.meter.Steps++
	}
	if ev != nil {
		e.listTokens(ev, &at, before)
	}
	for len(e.ends) > 0 && e.ends[0].endStep == e.done && e.ends[0].firstStep < e.done {
		s := e.ends[0]
		e.settle(s)
		e.last(s)
	}
	for _, s := range slices.Backward(at.stragglers) { // preempted the newest first
		s.Generated++
		s.LastToken = e.now.nanos
		if s.Generated == s.ends {
			e.waiting.remove(s)
			e.last(s)
		}
	}
	for _, s := range at.prefills {
		e.prefilled(s)
	}
}

// prefilled gives a sequence the token that comes of completing its prompt: the
// first, unless it had been preempted.
func (e *Engine) prefilled(s *sequence) {
	now := e.now.nanos
	if s.Generated == 0 {
		s.FirstToken = now
		e.meter.first(s.PromptTokens, now-s.Submitted)
	} else {
		e.meter.tokens(1, picos(now-s.LastToken)*picosPerNano, now-s.LastToken)
	}
	s.Generated++
	s.LastToken = now
	if s.Generated == s.ends {
		if !s.decoding { // preempted since
			e.waiting.remove(s)
		}
		e.last(s)
	}
}

// last ends a sequence that has all its tokens.
func (e *Engine) last(s *sequence) {
	o := Length
	if s.stops {
		o = Stop
	}
	e.ended = append(e.ended, e.end(s, o, e.now.nanos))
}

// listTokens says who gets a token of the step that has ended.
func (e *Engine) listTokens(ev *Events, at *step, before instant) {
	ev.StepEnded = true
	ev.Tokens = make([]Token, 0, len(e.running)+len(at.stragglers))
	add := func(s *sequence, first bool, latency time.Duration) {
		ev.Tokens = append(ev.Tokens, Token{
			ID: s.ID, First: first, PromptTokens: s.PromptTokens, CachedTokens: s.CachedTokens, Latency: latency,
		})
	}
	gap := e.now.nanos - before.nanos
	for _, s := range e.running {
		if s.decoding && s.firstStep < e.done && s.endStep >= e.done {
			add(s, false, gap)
		}
	}
	for _, s := range slices.Backward(at.stragglers) {
		add(s, false, gap)
	}
	for _, s := range at.prefills {
		if s.Generated == 0 {
			add(s, true, e.now.nanos-s.Submitted)
		} else {
			add(s, false, e.now.nanos-s.LastToken)
		}
	}
}
