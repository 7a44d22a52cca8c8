package scenario

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/des"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// An Outcome is one run.
type Outcome struct {
	score.Result
	Portions []Portion // days, with Setup.Days
	Past     Past      // what the law remembers at the end
	Points   []Point   // with Setup.Draw
	// Unread are the signals that the law asked for at every step and never got a value of,
	// by the texts of their queries or their names; Blind says that it got none of any.
	Unread []string
	Blind  bool
	Plan   reference.Plan // what was asked for
}

const (
	// patience is how long a run goes on after the last arrival before what is in
	// flight is given up.
	patience = 6 * time.Hour
	// settled is how long the wanted replicas must stay the same for Setup.Drained to
	// give up: longer than the HPA's window of five minutes.
	settled = 6 * time.Minute
)

// run is one under way.
type run struct {
	Setup
	fleet   *plant.Fleet
	policy  decide.Policy
	memory  decide.State
	on      decide.Events // that ask for a step at once
	needs   []reading.Signal
	read    []bool // of needs, those that had a value once
	sampler *sampler
	promql  PromQL
	rec     *judge
	track   *track

	source   workload.Source
	timeline workload.Timeline
	next     workload.Request
	more     bool
	drained  time.Duration // when the last request ended
	lastID   plant.ID

	wanted               int
	changed              time.Duration // when it last did
	plan                 reference.Plan
	allowed              int // misses; with one more the run is given up
	nextStep, nextScrape time.Duration
	state                score.Fleet
	known                map[*plant.Replica]string // that were scraped, by pod name
	held                 time.Duration             // until when the last requests were
	holding              bool
	input                decide.Input
	values               []float64
}

// Run simulates one policy under one seed. What its law takes from a benchmark or from
// hindsight is put into its configuration first.
func Run(s Setup, p decide.Policy, seed uint64) (Outcome, error) {
	if err := s.Validate(); err != nil {
		return Outcome{}, err
	}
	if err := s.Workload.Check(SeedOf(seed)); err != nil {
		return Outcome{}, err
	}
	if o, ok := p.Law.(reference.Oracle); ok && len(o.Levels) == 0 {
		return Outcome{}, errors.New("the oracle has no plan: one is searched for before the run")
	}
	out, _, err := RunUntil(s, p, seed, math.MaxInt)
	return out, err
}

// RunUntil gives a run up when more requests than so many have missed, and says so.
func RunUntil(s Setup, p decide.Policy, seed uint64, missed int) (Outcome, bool, error) {
	r, err := newRun(s, p, seed)
	if err != nil {
		return Outcome{}, false, err
	}
	r.allowed = missed
	end, err := r.play()
	if err != nil {
		return Outcome{}, false, err
	}
	out := Outcome{Result: r.rec.Result(end), Portions: r.rec.portions(end), Past: Past{s.Past.Now + end, r.memory}}
	out.Unread, out.Blind = r.unread()
	out.Plan = r.plan
	if s.Draw {
		out.Points = r.track.points(end)
	}
	return out, r.rec.Missed() > r.allowed, nil
}

func newRun(s Setup, p decide.Policy, seed uint64) (*run, error) {
	phases := s.phases(seed)
	s.Fleet.Seed = des.Stream(seed, "fleet").Uint64()
	built := s.Fleet
	built.Hold = s.held()
	if s.Steps > 0 {
		built.Engine.Cost = built.Engine.Cost.Times(s.Steps)
	}
	fleet, err := plant.NewFleet(built)
	if err != nil {
		return nil, err
	}
	p.Law, p.Phase = s.informed(p.Law, seed), phases.Sync
	s.Start = s.begin(p)
	if err := fleet.Prime(0, s.Start); err != nil {
		return nil, err
	}
	r := &run{
		Setup: s, fleet: fleet, rec: newJudge(s), track: newTrack(s), sampler: newSampler(s, seed),
		source: s.Workload.Open(SeedOf(seed)), wanted: s.Start, nextScrape: phases.Scrape,
		known: map[*plant.Replica]string{}, policy: p, memory: s.Past.State, plan: reference.Always(s.Start),
	}
	r.next, r.more = r.source.Next()
	return r, r.announce(r.nextScrape)
}

// begin is how many replicas are ready at the start: the setup's, or those that a law asks
// for then which reads nothing. Its plan was there before the run, and so are they.
func (s Setup) begin(p decide.Policy) int {
	if len(p.Law.Needs()) > 0 {
		return s.Start
	}
	_, d := decide.Step(p, decide.State{}, decide.Input{Now: reference.Before, Fleet: law.Fleet{Desired: s.Start}})
	return min(max(0, d.Replicas), s.Fleet.Capacity())
}

// phases are the setup's, or of the seed.
func (s Setup) phases(seed uint64) Phases {
	if s.Phases != nil {
		return *s.Phases
	}
	drawn := des.Stream(seed, "phases")
	phase := func(of time.Duration) time.Duration { return time.Duration(drawn.Int64N(int64(of))) }
	return Phases{Scrape: phase(s.Scrape), Sync: phase(15 * time.Second)}
}

// announce notes what the law reads, and makes what answers its queries.
func (r *run) announce(phase time.Duration) error {
	r.needs = slices.DeleteFunc(r.policy.Law.Needs(), func(s reading.Signal) bool { return s == reading.SignalUnset })
	r.read = make([]bool, len(r.needs))
	if len(r.policy.Queries) == 0 {
		return nil
	}
	if r.PromQL == nil {
		return fmt.Errorf("the law asks %q, and nothing here answers PromQL", r.policy.Queries[0])
	}
	var err error
	r.promql, err = r.PromQL(r.Scrape, phase, r.policy.Queries)
	return err
}

// play runs to the end, and says when that was.
func (r *run) play() (time.Duration, error) {
	r.observe(0)
	last := time.Duration(0)
	for {
		arrival := r.arrival()
		now := min(arrival, r.nextScrape, r.nextStep, r.fleet.Next())
		if end, over := r.over(now, last); over {
			return end, nil
		}
		r.collect(now)
		if r.rec.Missed() > r.allowed {
			return now, nil
		}
		if now == arrival {
			last = now
			r.offer(now)
		}
		if now == r.nextScrape {
			if err := r.scrape(now); err != nil {
				return now, err
			}
		}
		if now == r.nextStep {
			if err := r.step(now); err != nil {
				return now, err
			}
		}
		r.observe(now)
	}
}

// over says whether the run ends before now: all requests have ended, or it is no use
// to wait for them any longer.
func (r *run) over(now, last time.Duration) (time.Duration, bool) {
	if r.more && r.fleet.InFlight() == 0 {
		return 0, false
	}
	idle := !r.more && r.fleet.InFlight() == 0
	switch {
	case idle && (!r.Drained || len(r.fleet.Replicas()) <= r.Start):
		return max(r.drained, last, r.rec.Now()), true
	case idle && now > max(r.drained, last, r.changed)+settled:
		return max(r.drained, last, r.changed) + settled, true
	case now > last+patience && (!r.more || r.next.Barrier != nil):
		return r.giveUp(last + patience), true
	}
	return 0, false
}

// giveUp counts what is in flight as aborted.
func (r *run) giveUp(now time.Duration) time.Duration {
	r.count(r.fleet.GiveUp(now))
	return now
}

// arrival is when the next request comes; one behind a barrier not before all earlier
// ones have ended.
func (r *run) arrival() time.Duration {
	if !r.more || r.next.Barrier != nil && r.fleet.InFlight() > 0 {
		return plant.Never
	}
	timeline := r.timeline
	return timeline.Arrival(r.next, r.drained)
}

func (r *run) offer(now time.Duration) {
	r.timeline.Arrival(r.next, r.drained)
	r.lastID++
	r.fleet.Offer(now, plant.Request{
		ID: r.lastID, PromptTokens: r.next.Input, MaxTokens: r.next.Output,
		BlockHashes: r.next.BlockHashes(nil, r.Fleet.Engine.BlockTokens),
	}, r.Workload.Timeout)
	if r.on.Has(decide.FirstHeld) && r.fleet.Held() == 1 {
		r.nextStep = now
	}
	r.track.arrived(now)
	r.next, r.more = r.source.Next()
}

// collect lets the fleet come up to now and counts what has ended.
func (r *run) collect(now time.Duration) {
	r.count(r.fleet.Advance(now))
}

func (r *run) count(ended []plant.Done) {
	for _, d := range ended {
		q := score.Request{Arrival: d.Arrival, First: d.FirstToken, Last: d.LastToken, Input: d.PromptTokens, Cached: d.CachedTokens, Output: d.Generated, Aborted: d.Aborted()}
		if q.Aborted {
			q.Why = d.Ending.String()
		}
		r.rec.Request(q)
		r.track.ended(q)
		r.drained = max(r.drained, d.LastToken)
	}
}

// scrape is Prometheus': of every replica that answers, and of the router.
func (r *run) scrape(now time.Duration) error {
	r.nextScrape = now + r.Scrape
	r.fleet.Sync(now)
	if r.Lose.From <= now && now < r.Lose.To {
		r.lose(now)
		return nil
	}
	r.sampler.scrape(now, r.fleet)
	if r.promql == nil {
		return nil
	}
	for _, replica := range r.fleet.Replicas() {
		h := r.sampler.pods[replica]
		if h == nil {
			continue
		}
		if h.lost {
			r.gone(now, replica)
			continue
		}
		if r.known[replica] == "" {
			r.known[replica] = replica.Name()
		}
		r.values = expose(r.values[:0], h.samples[len(h.samples)-1])
		if err := r.promql.Scrape(now, r.known[replica], r.values); err != nil {
			return err
		}
	}
	r.forget(now)
	return nil
}

// lose ends every series.
func (r *run) lose(now time.Duration) {
	r.sampler.lose()
	for _, replica := range r.fleet.Replicas() {
		r.gone(now, replica)
	}
	if r.promql != nil {
		r.forget(now)
	}
}

// gone ends the series of a replica.
func (r *run) gone(now time.Duration, replica *plant.Replica) {
	if name := r.known[replica]; name != "" {
		r.promql.Gone(now, name)
		delete(r.known, replica)
	}
}

// forget tells PromQL which replicas are gone, in the order of their names' numbers.
func (r *run) forget(now time.Duration) {
	gone := 0
	for replica := range r.known {
		if replica.Engine() == nil {
			gone++
		}
	}
	for n := 0; gone > 0; n++ {
		for replica, name := range r.known {
			if replica.Number() == n && replica.Engine() == nil {
				r.promql.Gone(now, name)
				delete(r.known, replica)
				gone--
			}
		}
	}
}

// step lets the policy decide.
func (r *run) step(now time.Duration) error {
	in := &r.input
	in.Now, in.Fleet, in.Demand = now, r.fleetNow(in.Fleet.Pods[:0]), r.demand(now)
	in.Readings = in.Readings[:0]
	for i, signal := range r.needs {
		series := in.Readings.Add(signal)
		if query, ok := signal.Query(); ok {
			series.Total = r.promql.Query(now, r.policy.Queries[query])
		} else {
			r.sampler.read(now, signal, r.fleet.Replicas(), series)
		}
		r.read[i] = r.read[i] || series.Total.Usable() || slices.ContainsFunc(series.Pods, reading.Reading.Usable)
	}
	r.Past.shift(in)
	next, d := decide.Step(r.policy, r.memory, *in)
	if r.Record != nil {
		if err := r.Record(record.Step{Policy: r.policy, State: r.memory, Input: *in, Decision: d}); err != nil {
			return err
		}
	}
	r.memory, r.on = next, d.On
	r.nextStep = max(d.Next-r.Past.Now, now+time.Millisecond)
	if d.Replicas != r.wanted {
		r.wanted, r.changed, r.plan = d.Replicas, now, r.plan.Add(now, d.Replicas)
		r.fleet.SetReplicas(now, r.wanted)
	}
	return nil
}

// unread are the signals that never had a value, and whether none had.
func (r *run) unread() (names []string, blind bool) {
	for i, signal := range r.needs {
		if r.read[i] {
			continue
		}
		name := signal.Definition().Name
		if query, ok := signal.Query(); ok {
			name = r.policy.Queries[query]
		}
		names = append(names, name)
	}
	return names, len(names) > 0 && len(names) == len(r.needs)
}

// fleetNow is the fleet as the API server has it.
func (r *run) fleetNow(pods []law.Pod) law.Fleet {
	f := law.Fleet{
		Desired: r.wanted, Pending: r.fleet.Count(plant.Pending), Starting: r.fleet.Count(plant.Starting),
		Ready: r.fleet.Count(plant.Ready), Draining: r.fleet.Count(plant.Draining), Pods: pods,
	}
	for _, replica := range r.fleet.Replicas() {
		f.Pods = append(f.Pods, podOf(replica))
	}
	return f
}

// demand is what the gateway in front of the fleet would report.
func (r *run) demand(now time.Duration) demand.Demand {
	r.hold(now)
	held := r.fleet.Held()
	work := demand.Work{Held: held, InFlight: r.fleet.InFlight() - held, Cold: !r.fleet.Answers()}
	return demand.Demand{Work: work, Gateways: 1, Idle: now - r.held}
}

// hold notes until when requests are held.
func (r *run) hold(now time.Duration) {
	before := r.holding
	if r.holding = r.fleet.Held() > 0; r.holding || before {
		r.held = now
	}
}

func podOf(r *plant.Replica) law.Pod {
	p := law.Pod{
		Name: r.Name(), Phase: law.PodRunning, CreatedAt: r.CreatedAt(), StartedAt: r.PlacedAt(), RunsAt: r.RunsAt(), ChangedAt: r.ChangedAt(),
	}
	switch r.State() {
	case plant.Pending:
		p.Phase, p.StartedAt, p.RunsAt = law.PodPending, 0, 0
	case plant.Ready:
		p.Ready = true
	case plant.Draining:
		p.Deleting = true
	case plant.Starting: // running, and not ready
	}
	return p
}

// observe tells the score how the fleet stands, where that has changed.
func (r *run) observe(now time.Duration) {
	r.hold(now)
	waiting := r.fleet.Held()
	s := score.Fleet{Wanted: r.wanted}
	for _, replica := range r.fleet.Replicas() {
		switch replica.State() {
		case plant.Pending:
			s.Pending++
		case plant.Starting:
			s.Starting++
		case plant.Ready:
			s.Ready++
		case plant.Draining:
			s.Draining++
		}
		if e := replica.Engine(); e != nil {
			waiting += e.Load().Waiting
		}
	}
	s.Waiting = waiting
	if s != r.state || now == 0 {
		r.rec.Fleet(now, s)
		r.state = s
	}
	r.track.fleet(now, s)
}
