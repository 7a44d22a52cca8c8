package promise

import (
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Model is what one replica does, as of when it was last worked out.
type Model struct {
	At       time.Duration
	Capacity float64 // requests per second; 0: it is not known
	Limit    capacity.Limit
	Table    capacity.Table
	// InFlight are the requests in one replica at twentieths of its capacity.
	InFlight [parts + 1]float64
	Room     float64       // requests in one replica from which on others miss
	Alone    time.Duration // that a request takes on an idle replica
	// What one replica alone serves within the objectives for the promised share, and
	// between what it lies nine times in ten.
	Within, Low, High float64
	Doubt             capacity.Doubt
	Mix               capacity.Mix
	// Full is what full engines served per second, where Capacity goes by it, and Sequences how many
	// requests one of them ran.
	Full      float64 `json:",omitzero"`
	Sequences float64 `json:",omitzero"`
	// Front is what one replica may have while the rest waits in front of it by promise; the zero
	// value until the capacity was identified once. Who goes by it goes on when little arrives.
	Front capacity.Room `json:",omitzero"`
}

const parts = 20

// rework says whether the model is due to be worked out again: often while what is known
// is new, then once a minute.
func (s *State) rework() bool {
	age := s.Read - s.Model.At
	young := s.Lengths.Of.Requests < 100*settled || s.Read < s.Began+10*time.Minute
	return s.Model.Capacity == 0 || s.Lengths.Of.Requests < settled || s.Full.Below(s.Model.Within) || young && age >= 15*time.Second || age >= time.Minute
}

// work makes the model of what is known; where nothing is it stays as it was.
func (l Law) work(s *State, in law.Input) {
	if !s.rework() {
		return
	}
	costs := s.Fit.Estimate(l.Prior).Costs
	mix, ok := s.Lengths.mix(s, costs)
	if !ok {
		return
	}
	e := capacity.Engine{Fit: s.Fit, Prior: l.Prior, Mix: mix, Limits: l.limits(in), Full: s.Full}
	known := e.Estimate(l.Promise)
	r := known.Replica
	m := Model{
		At: s.Read, Mix: mix, Within: known.PerSecond, Low: known.Low, High: known.High, Doubt: known.Doubt, Table: r.Table(),
		Capacity: known.Capacity, Limit: known.Limit,
	}
	if !(m.Capacity > 0) {
		return
	}
	if known.Full > 0 {
		m.Full, m.Sequences = known.Full, s.Full.Sequences
	}
	for i := range m.InFlight {
		m.InFlight[i] = r.InFlight(m.Capacity * float64(i) / parts)
	}
	if m.Doubt == capacity.Identified || s.Model.Front.Sequences > 0 {
		m.Front = r.Room()
		if _, _, full := s.Full.Rate(); full {
			m.Front.Sequences = min(m.Front.Sequences, max(int(s.Full.Sequences), 1))
		}
		// Prompts are told with all their tokens, and what the prefix cache has is not read.
		hit := share(s.Lengths.Totals.Cached, s.Lengths.Totals.Prompt)
		m.Front.PerToken = time.Duration(float64(m.Front.PerToken) * (1 - hit))
	}
	m.Alone = time.Duration(m.InFlight[1] / (m.Capacity / parts) * float64(time.Second))
	m.Room = l.room(m, r)
	s.Model = m
}

// room is how many requests one replica can have before others miss: what it has at its
// capacity, all that its cache holds if that is its limit, and those that may wait for as
// long as TTFT leaves, if waiting does not slow down tokens first.
func (l Law) room(m Model, r capacity.Replica) float64 {
	room := m.InFlight[parts]
	if m.Limit == capacity.Cache {
		room = max(room, r.Limits.CacheTokens/max(m.Mix.Context, 1))
	}
	if m.Limit != capacity.TPOT {
		room += m.Capacity * max(l.TTFT.Seconds()-m.Mix.Prompt*r.Costs.Prompt, 0)
	}
	return room
}

// limits are the objectives, and what the engine has.
func (l Law) limits(in law.Input) capacity.Limits {
	cache := 0.0
	series := in.Readings.Of(reading.KVCapacity)
	for i := range series.Pods {
		tokens, _ := count(&series, i)
		cache = max(cache, tokens)
	}
	if cache == 0 {
		cache = float64(l.CacheTokens)
	}
	if cache <= 0 { // not known: no limit
		cache = 1e9
	}
	batch := float64(l.BatchTokens)
	if batch <= 0 {
		batch = defaultBatch
	}
	return capacity.Limits{TTFT: l.TTFT, TPOT: l.TPOT, CacheTokens: cache, BatchTokens: batch}
}

// rowLength is how long a pod's uses are added up for one row of the fit.
const rowLength = 15 * time.Second

// learn takes in what was seen.
func (l Law) learn(s *State, in law.Input, look seen) {
	context, changed := s.Lengths.Held/max(s.Lengths.Running, 1), s.Fit.Changed
	for i := range s.Pods {
		u := &s.Pods[i].Use
		if u.Took < rowLength-rowLength/100 {
			continue
		}
		if context > 0 {
			s.Fit = s.Fit.Learn(l.Prior, capacity.Use{
				Took: u.Took, Gaps: u.Gaps, GapSeconds: u.Seconds, PromptTokens: u.Prompt, Context: context,
			})
		}
		*u = Use{}
	}
	s.Full = s.Full.Fade(look.took).Add(look.full)
	if s.Fit.Changed != changed { // other engines
		s.Full = capacity.Full{}
	}
	s.Full = s.Full.Up(look.top)
	s.Lengths = s.Lengths.measure(s, in, look)
	l.work(s, in)
	s.Demand.learn(s, look)
	l.count(s, look)
}
