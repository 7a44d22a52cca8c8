package pilot

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/advice"
	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/record"
)

// A Subject is a service as it is now.
type Subject struct {
	Service
	UID    string // of the object and its target; another one is another service
	Policy decide.Policy
	Fleet  law.Fleet
	// Advised: something else scales it, and is compared with what is decided.
	Advised bool
	// GPUs are those of one replica, of the kind Resource, or of several if that is empty.
	GPUs     int
	Resource string
	Priority int
}

// A Roster tells the services that are to be scaled.
type Roster interface {
	All(context.Context) ([]Subject, error)
	Of(context.Context, Service) (Subject, bool)
}

// A Source reads what is measured of the pods of services, each set in the order of the
// pods that are named. It may leave services out, and changes no set that it has returned.
type Source interface {
	Read(ctx context.Context, now time.Time, pods map[Service][]string) (map[Service]reading.Set, error)
}

// A Recorder writes down a step, of which nothing changes any more. It must not block.
type Recorder interface {
	Record(Service, record.Step)
}

// Config is what a pilot works with.
type Config struct {
	Every  time.Duration // between ticks
	Settle time.Duration // as decide.Policy has it

	Roster Roster
	Source Source
	// Demand is what gateways say of a service now: what is held may change while a tick
	// waits for its source.
	Demand   func(Service) demand.Demand
	Recorder Recorder // nil: nothing is written down
	// Pools are the GPUs that services share, at a tick; nil, or none: there are enough.
	Pools func(context.Context) []budget.Pool
	// Remembered is what was known of a service when this process began, if it can be read.
	Remembered func(s Service, uid string) (Memory, bool)

	Book *Book
	Log  *slog.Logger
	Now  func() time.Time
}

// Validate names what is missing.
func (c Config) Validate() error {
	switch {
	case c.Every <= 0:
		return errors.New("a time between two ticks is required")
	case c.Settle < 0:
		return errors.New("the time to settle is below 0")
	case c.Roster == nil, c.Source == nil, c.Demand == nil, c.Remembered == nil, c.Book == nil, c.Log == nil, c.Now == nil:
		return errors.New("a roster, a source, the demand, what is remembered, a book, a log and a clock are required")
	}
	return nil
}

// A Pilot steps services.
type Pilot struct {
	cfg    Config
	nudged chan struct{}

	stepping sync.Mutex // of the steps of a tick, or of one between two
	shared   shared

	mu       sync.Mutex
	services map[Service]*service
	nudges   map[Service]bool
	reading  bool   // the source has not come back yet
	trouble  string // of the source, as it was last said
}

// A service is what is known of one beside its subject.
type service struct {
	mu     sync.Mutex // of a step
	uid    string
	state  decide.State
	tally  advice.Tally
	set    reading.Set // of the last tick
	broken bool        // its last step panicked
	kept   law.Counted // since this process began
}

// New is for Run.
func New(c Config) (*Pilot, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Pilot{cfg: c, nudged: make(chan struct{}, 1), services: map[Service]*service{}, nudges: map[Service]bool{}}, nil
}

// Run steps until the context ends.
func (p *Pilot) Run(ctx context.Context) error {
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() { p.answerNudges(ctx) })
	tick := time.NewTicker(p.cfg.Every)
	defer tick.Stop()
	for {
		p.tick(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tick reads, and steps every service. Where it cannot be told which there are, none is.
func (p *Pilot) tick(ctx context.Context) {
	subjects, err := p.cfg.Roster.All(ctx)
	if err != nil {
		p.say("finding the services: " + err.Error())
		return // who was there is still, with an older answer
	}
	sets := p.read(ctx, subjects)
	if ctx.Err() != nil {
		return
	}
	present := make(map[Service]bool, len(subjects))
	for _, s := range subjects {
		present[s.Service] = true
	}
	p.forget(present)
	p.stepping.Lock()
	defer p.stepping.Unlock()
	p.shared = shared{}
	if pools := p.pools(ctx); len(pools) > 0 {
		p.share(subjects, sets, pools)
		return
	}
	each(len(subjects), func(i int) {
		set := sets[subjects[i].Service]
		p.keep(p.propose(subjects[i], &set), nil)
	})
}

// each calls for all numbers below n, several at a time. One thread is left for whoever asks
// meanwhile.
func each(n int, call func(int)) {
	work := make(chan int)
	var workers sync.WaitGroup
	for range min(max(runtime.GOMAXPROCS(0)-1, 1), n) {
		workers.Go(func() {
			for i := range work {
				call(i)
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	workers.Wait()
}

func (p *Pilot) forget(present map[Service]bool) {
	p.mu.Lock()
	maps.DeleteFunc(p.services, func(s Service, _ *service) bool { return !present[s] })
	p.mu.Unlock()
	p.cfg.Book.retain(func(s Service) bool { return present[s] })
}

// read asks the source. Where it does not answer in time there is nothing for anyone, and
// it is not asked again before it has come back.
func (p *Pilot) read(ctx context.Context, subjects []Subject) map[Service]reading.Set {
	if !p.begin() {
		p.say("the source has not come back from the tick before")
		return nil
	}
	pods := make(map[Service][]string, len(subjects))
	for _, s := range subjects {
		names := make([]string, len(s.Fleet.Pods))
		for i, pod := range s.Fleet.Pods {
			names[i] = pod.Name
		}
		pods[s.Service] = names
	}
	within, cancel := context.WithTimeout(ctx, p.cfg.Every*3/4)
	defer cancel() // not before the answer is taken, or select could choose the deadline
	type answer struct {
		sets map[Service]reading.Set
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		sets, err := p.ask(within, pods)
		p.end() // first: the next tick may begin at once
		answers <- answer{sets, err}
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			p.say(a.err.Error())
		} else {
			p.say("")
		}
		return a.sets
	case <-within.Done():
		if ctx.Err() == nil {
			p.say("the source did not answer within " + (p.cfg.Every * 3 / 4).String())
		}
		return nil
	}
}

func (p *Pilot) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reading {
		return false
	}
	p.reading = true
	return true
}

func (p *Pilot) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = false
}

// ask makes an error of a panic.
func (p *Pilot) ask(ctx context.Context, pods map[Service][]string) (sets map[Service]reading.Set, err error) {
	defer func() {
		if r := recover(); r != nil {
			sets, err = nil, errors.New("the source panicked")
			p.cfg.Log.Error("panic in the source", "panic", r)
		}
	}()
	return p.cfg.Source.Read(ctx, p.cfg.Now(), pods)
}

// say logs what the source's trouble is when it changes.
func (p *Pilot) say(trouble string) {
	p.mu.Lock()
	before := p.trouble
	p.trouble = trouble
	p.mu.Unlock()
	switch trouble {
	case before:
	case "":
		p.cfg.Log.Info("the source answers again")
	default:
		p.cfg.Log.Warn("services are stepped without readings", "error", trouble)
	}
}

// of is what is known of a subject; of another object of that name nothing is.
func (p *Pilot) of(s Subject) *service {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.services[s.Service]
	if known == nil || known.uid != s.UID {
		known = &service{uid: s.UID}
		if m, ok := p.cfg.Remembered(s.Service, s.UID); ok {
			known.state, known.tally = m.State.Restarted(), m.Tally
			if !m.Whole { // nobody knows what has come since
				known.state = m.State.Resumed(reading.SinceEpoch(p.cfg.Now()))
			}
		}
		p.services[s.Service] = known
	}
	return known
}

// A proposal is a step of a service before it counts.
type proposal struct {
	of    Subject
	known *service
	at    time.Time
	step  record.Step
	next  decide.State
	ok    bool // it did not panic
}

// propose makes one service's step. Without a set of this tick it is made from that of the
// last one.
func (p *Pilot) propose(s Subject, set *reading.Set) proposal {
	o := proposal{of: s, known: p.of(s), at: p.cfg.Now()}
	o.known.mu.Lock()
	defer o.known.mu.Unlock()
	if set != nil {
		o.known.set = *set
	}
	o.ok = p.contained(&o, func() {
		o.step = record.Step{UID: s.UID, Policy: s.Policy, State: o.known.state, Input: decide.Input{
			Now: reading.SinceEpoch(o.at), Readings: o.known.set, Fleet: s.Fleet, Demand: p.cfg.Demand(s.Service),
		}}
		o.step.Policy.Settle = p.cfg.Settle
		o.next, o.step.Decision = decide.Step(o.step.Policy, o.step.State, o.step.Input)
	})
	return o
}

// keep has a step count; with a grant of fewer than it asks for it is made again.
func (p *Pilot) keep(o proposal, g *budget.Grant) {
	if !o.ok {
		return
	}
	known := o.known
	known.mu.Lock()
	defer known.mu.Unlock()
	p.contained(&o, func() {
		if g != nil {
			o.step.Input.Grant = g
			o.next, o.step.Decision = decide.Step(o.step.Policy, o.step.State, o.step.Input)
		}
		d := o.step.Decision
		known.state, known.broken = o.next, false
		known.count(d.Counted)
		known.compare(o.of, o.step)
		pods, read := heard(known.set, o.of.Fleet, o.step.Input.Now)
		p.cfg.Book.put(o.of.Service, Answer{
			UID: o.of.UID, Replicas: d.Replicas, Was: o.of.Fleet.Desired, At: o.at, Reasons: d.Reasons, Grant: g,
			Pods: pods, Read: read, Kept: known.kept, Tally: known.tally, Front: o.step.Policy.Front(o.next),
		})
		if p.cfg.Recorder != nil {
			p.cfg.Recorder.Record(o.of.Service, o.step)
		}
	})
}

// contained tells whether a call for a service did not panic.
func (p *Pilot) contained(o *proposal, call func()) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			if !o.known.broken {
				p.cfg.Log.Error("a step panicked: the service keeps its last answer", "service", o.of.String(), "panic", r)
			}
			o.known.broken, ok = true, false
		}
	}()
	call()
	return true
}

// count adds what a step saw.
func (k *service) count(c law.Counted) {
	k.kept.Promised = c.Promised
	k.kept.Requests += c.Requests
	k.kept.Missed += c.Missed
}

// compare adds a step that has been made to the comparison of an advised service.
func (k *service) compare(s Subject, done record.Step) {
	if !s.Advised {
		k.tally = advice.Tally{}
		return
	}
	k.tally = k.tally.Count(done)
}

// unread is for how long a pod may be ready before something of it must be read: that it has
// not been scraped at once after each scale-up is nothing to tell anybody.
const unread = time.Minute

// heard is how many pods are ready, and of how many of them a set has something usable.
func heard(set reading.Set, f law.Fleet, now time.Duration) (pods, read int) {
	for i, pod := range f.Pods {
		if !pod.Ready || pod.Deleting {
			continue
		}
		if slices.ContainsFunc(set, func(e reading.Entry) bool { return i < len(e.Pods) && e.Pods[i].Usable() }) {
			read++
		} else if now-pod.ChangedAt < unread {
			continue
		}
		pods++
	}
	return pods, read
}

// Nudge has a service stepped at once: requests wait for it. It does not block.
func (p *Pilot) Nudge(s Service) {
	p.mu.Lock()
	p.nudges[s] = true
	p.mu.Unlock()
	select {
	case p.nudged <- struct{}{}:
	default:
	}
}

func (p *Pilot) answerNudges(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.nudged:
		}
		p.mu.Lock()
		nudges := p.nudges
		p.nudges = map[Service]bool{}
		p.mu.Unlock()
		for _, s := range slices.SortedFunc(maps.Keys(nudges), Service.Compare) {
			if subject, ok := p.cfg.Roster.Of(ctx, s); ok {
				p.alone(subject)
			}
		}
	}
}

// A Memory is what is to be remembered of a service.
type Memory struct {
	Service
	UID   string
	State decide.State
	Tally advice.Tally
	// Whole says that no step was recorded after the one that made the state: it is as if who
	// decided had not ended.
	Whole bool
}

// States are what is to be remembered, in order.
func (p *Pilot) States() []Memory {
	p.mu.Lock()
	services := maps.Clone(p.services)
	p.mu.Unlock()
	all := make([]Memory, 0, len(services))
	for _, s := range slices.SortedFunc(maps.Keys(services), Service.Compare) {
		known := services[s]
		known.mu.Lock()
		all = append(all, Memory{Service: s, UID: known.uid, State: known.state, Tally: known.tally})
		known.mu.Unlock()
	}
	return all
}
