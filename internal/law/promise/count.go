package promise

import (
	"math"
	"time"
)

// missed is how many of those that were seen missed an objective. Only how many were late
// and how many slow is known: the two are taken to be independent.
func (v seen) missed() float64 {
	late, slow := share(v.Late, v.First), share(v.Slow, v.Answered)
	return late*v.First + slow*v.Answered - late*slow*min(v.First, v.Answered) + v.Waited
}

// share that missed in a minute.
func (m *Minute) share() float64 {
	late, slow := share(m.Late, m.First), share(m.Slow, m.Answered)
	return late + slow - late*slow
}

const (
	// counted is how many requests of a minute count for the curve: they have one load
	// in common, so that a thousand of them say little more than sixty.
	counted = 60
	// steady is by how much the rate of two minutes may differ to be of one load.
	steady = 0.25
)

// count adds what was seen to the minute, and a minute in which nothing changed to the
// curve, with the one before: what a change left behind is gone by then.
func (l Law) count(s *State, look seen) {
	m := &s.Minutes[0]
	if m.Took == 0 {
		m.Replicas = look.ready
	}
	if m.Replicas != look.ready || l.Ordered && s.Front.Late > 0 { // these no pod has counted
		m.Replicas = -1
	}
	m.Took += look.took
	m.Arrivals += look.Arrivals
	m.First, m.Late = m.First+look.First, m.Late+look.Late
	m.Answered, m.Slow = m.Answered+look.Answered, m.Slow+look.Slow
	if m.Took < time.Minute {
		return
	}
	before, rate := s.Minutes[1], m.Arrivals/m.Took.Seconds()
	same := m.Replicas > 0 && m.Replicas == before.Replicas && before.Took > 0 &&
		math.Abs(before.Arrivals/before.Took.Seconds()-rate) <= steady*rate
	if same && s.Model.Capacity > 0 && m.First > 0 {
		used := rate / s.Model.Capacity / float64(m.Replicas)
		s.Curve = s.Curve.Learn(s.Model.Table.LogOdds(used, m.Replicas), min(m.First, counted), m.share())
	}
	s.Curve = s.Curve.Fade(math.Exp2(-m.Took.Seconds() / day.Seconds()))
	s.Minutes[1], s.Minutes[0] = *m, Minute{}
}
