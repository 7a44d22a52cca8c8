package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
)

// A Comparison is what scales, each under the same scenario.
type Comparison struct {
	scenario.File
	Contenders []*Contender
	Plan       *policy.Service // of the manifests; nil if there are none
	Promise    Promise         // that manifests state; what is judged by is Setup.Terms
	Currency   string          // of the costs
	// Episodes is how often each run is repeated, with other arrivals and what the law
	// remembers of those before; 0: once.
	Episodes int
	Pasts    map[string]scenario.Past // what laws remember of earlier runs, by the contenders' names
	Record   bool                     // keep a record of the first seed
	sweep    *Sweep                   // nil: none
}

// A portion is a part of all runs.
type portion struct {
	name    string
	results []score.Result
}

// A Contender is one row: what scales, and its results by seed.
type Contender struct {
	Name    string
	Policy  decide.Policy
	Results []score.Result
	Points  []scenario.Point // of the first seed, with Setup.Draw
	Past    scenario.Past    // what its law remembers after the first seed's last episode
	// portions are the days and episodes, with their results by seed.
	portions []portion
	own      bool             // it is what manifests say
	setup    *scenario.Setup  // nil: the comparison's
	Found    *Found           // of one whose plan was searched for
	plans    []reference.Plan // what was asked for, beside Results
	unread   []string         // signals that had no value in any run
	blind    int              // runs in which none had
	log      bytes.Buffer     // of the first seed, compressed
}

// Compare takes what the manifests say, and the laws that are named, or else the
// scenario's.
func (in Inputs) Compare(ctx context.Context, f scenario.File) (*Comparison, error) {
	c := &Comparison{File: f, Plan: in.Plan, Promise: in.Promise, Currency: "USD"}
	if in.Price != nil {
		c.Setup.Terms.PricePerHour, c.Currency = in.Price.PerHour, in.Price.Currency
	}
	laws := in.Laws
	switch {
	case in.Plan != nil:
		if err := c.adopt(ctx); err != nil {
			return nil, err
		}
	case len(laws) == 0:
		laws = f.Laws
	}
	if len(laws)+len(c.Contenders) == 0 {
		return nil, hint.With(errors.New("nothing that scales"), "give manifests with -f, or name a law: --law hpa")
	}
	for _, l := range laws {
		p, err := f.Setup.Named(f.Bounded(l))
		if err != nil {
			return nil, err
		}
		c.Contenders = append(c.Contenders, &Contender{Name: l, Policy: p})
	}
	return c, c.checkable()
}

// checkable refuses an expectation of what is not run: it would never fail.
func (c *Comparison) checkable() error {
	for _, e := range c.Expects {
		if len(c.of(e)) == 0 {
			return hint.With(fmt.Errorf("expect %s: no such law is run", e),
				"run it too, with --law, or leave the law out: the expectation is then of whatever is run and cannot know the future")
		}
	}
	return nil
}

// StatedBy is what states the objectives that all are judged by; "": no manifest does.
func (c *Comparison) StatedBy() string {
	if !c.Promise.Objectives.Equal(c.Setup.Terms.Objectives) {
		return ""
	}
	return c.Promise.By
}

// of are the contenders that an expectation is about: without a law the manifests' own, or
// where there are none all that know no more than a law can.
func (c *Comparison) of(e scenario.Expectation) []*Contender {
	if own := c.own(); e.Law == "" && len(own) > 0 {
		return own[len(own)-1:]
	}
	var some []*Contender
	for _, one := range c.Contenders {
		if e.Law == one.Name || e.Law == "" && !Hindsight(one.Name) {
			some = append(some, one)
		}
	}
	return some
}

// adopt puts into the setup what the manifests say, where the scenario or the flags
// have something else, and takes their law.
func (c *Comparison) adopt(ctx context.Context) error {
	s, p := &c.Setup, c.Plan
	if n := p.Engine.BlockSize; n > 0 {
		s.Fleet.Engine.BlockTokens = n
	}
	if on := p.Engine.PrefixCaching; on != nil {
		s.Fleet.Engine.PrefixCaching = *on
	}
	if on := p.Engine.AsyncScheduling; on != nil {
		s.Fleet.Engine.AsyncScheduling = *on
	}
	s.Fleet.Drain = p.Drain
	s.Fleet.Hold.Target = p.Target
	if !p.Gateway && !s.Fleet.Hold.ByPromise { // nothing holds requests
		s.Fleet.Hold = plant.Hold{}
	}
	if p.Scrape > 0 {
		s.Scrape = p.Scrape
	}
	var err error
	if s.PromQL, err = simulatedPrometheus(ctx, scrapedOf(p), p.Rules); err != nil {
		return err
	}
	c.Contenders = append(c.Contenders, &Contender{Name: p.Name, own: true, Policy: p.Policy})
	return s.Validate()
}

func scrapedOf(p *policy.Service) scraped {
	return scraped{p.Namespace, p.IsvcName, p.Deployment, p.Engine.ModelName()}
}

// ErrInterrupted is Run's error for a context that ends before all runs have.
var ErrInterrupted = errors.New("interrupted")

// Run runs every contender that has no results yet under every seed, on all cores; done is
// called after each, and while plans are searched for, which is last, after each run of the
// plant. It returns at once when the context ends: the contenders then have the results of the
// runs that had ended, those without any are left out, and those under way are abandoned.
func (c *Comparison) Run(ctx context.Context, seeds int, done func()) error {
	var todo, searching []*Contender
	for _, one := range c.Contenders {
		switch {
		case len(one.Results) > 0:
		case one.searches():
			searching = append(searching, one)
		default:
			todo = append(todo, one)
		}
	}
	err := c.each(ctx, todo, seeds, done, func(p part, _ func() error) (scenario.Outcome, error) {
		return scenario.Run(p.setup, p.of.Policy, p.seed)
	})
	for _, one := range searching {
		if err == nil {
			err = c.search(ctx, one, seeds, done)
		}
	}
	c.Contenders = slices.DeleteFunc(c.Contenders, func(one *Contender) bool { return len(one.Results) == 0 })
	return err
}

// A part is one episode of a contender's run.
type part struct {
	of    *Contender
	setup scenario.Setup
	seed  uint64
	place int // among the contender's results
}

// An act makes a part; it may call tick after each run of the plant.
type act func(p part, tick func() error) (scenario.Outcome, error)

// A run is one that has ended.
type run struct {
	contender, seed int
	episodes        []scenario.Outcome
	err             error
}

// each does an act for every contender, seed and episode, and gives the contenders what came
// of it.
func (c *Comparison) each(ctx context.Context, todo []*Contender, seeds int, done func(), do act) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ticks := make(chan struct{})
	all := len(todo) * seeds
	ended := c.start(ctx, todo, seeds, func(p part) (scenario.Outcome, error) {
		return do(p, func() error {
			select {
			case ticks <- struct{}{}:
				return nil
			case <-ctx.Done():
				return ErrInterrupted
			}
		})
	})
	got := make([][][]scenario.Outcome, len(todo))
	for i := range got {
		got[i] = make([][]scenario.Outcome, seeds)
	}
	for n := 0; n < all; {
		select {
		case <-ctx.Done():
			c.keep(todo, got)
			return fmt.Errorf("%w after %d of %d runs", ErrInterrupted, n, all)
		case <-ticks:
			done()
		case one := <-ended:
			if one.err != nil {
				return fmt.Errorf("%s: %w", todo[one.contender].Name, one.err)
			}
			got[one.contender][one.seed] = one.episodes
			n++
			done()
		}
	}
	c.keep(todo, got)
	return nil
}

// start begins the runs in their order, as many at a time as there are cores, until the
// context ends. The channel has room for all, so that none waits for a reader.
func (c *Comparison) start(ctx context.Context, todo []*Contender, seeds int, do func(part) (scenario.Outcome, error)) <-chan run {
	ended := make(chan run, len(todo)*seeds)
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for i := int(next.Add(1)) - 1; i < cap(ended) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				one := run{contender: i / seeds, seed: i % seeds}
				one.episodes, one.err = c.play(todo[one.contender], one.seed, do)
				ended <- one
			}
		}()
	}
	return ended
}

// maxSeeds is how many seeds there may be: those of the episodes lie beyond.
const maxSeeds = 1000

// play does all episodes of a contender under a seed.
func (c *Comparison) play(one *Contender, seed int, do func(part) (scenario.Outcome, error)) (all []scenario.Outcome, err error) {
	s := c.Setup
	if one.setup != nil {
		s = *one.setup
	}
	s.Draw, s.Past = c.Setup.Draw && seed == 0, c.Pasts[one.Name]
	if c.Record && seed == 0 && !one.searches() {
		take, end := one.recorder()
		s.Record = take
		defer func() { err = errors.Join(err, end()) }()
	}
	for episode := range max(c.Episodes, 1) {
		out, err := do(part{one, s, uint64(seed + 1 + episode*maxSeeds), seed*max(c.Episodes, 1) + episode})
		if err != nil {
			return all, err
		}
		all = append(all, out)
		s.Draw, s.Past = false, out.Past
	}
	return all, nil
}

// keep gives the contenders their results, in the order of the seeds.
func (c *Comparison) keep(todo []*Contender, got [][][]scenario.Outcome) {
	for i, one := range todo {
		for seed, episodes := range got[i] {
			for n, out := range episodes {
				one.took(&out)
				if c.Episodes > 1 {
					one.portion(fmt.Sprintf("episode %d", n+1), out.Result)
				}
				for _, p := range out.Portions {
					one.portion(p.Name, p.Result)
				}
				if seed == 0 {
					one.Past = out.Past
				}
				if seed == 0 && n == 0 {
					one.Points = out.Points
				}
			}
		}
	}
}

// portion adds a result to those of a part.
func (c *Contender) portion(name string, r score.Result) {
	i := slices.IndexFunc(c.portions, func(p portion) bool { return p.name == name })
	if i < 0 {
		i = len(c.portions)
		c.portions = append(c.portions, portion{name: name})
	}
	c.portions[i].results = append(c.portions[i].results, r)
}

// took takes the result of a run.
func (c *Contender) took(out *scenario.Outcome) {
	switch {
	case len(c.Results) == 0:
		c.unread = out.Unread
	default:
		c.unread = slices.DeleteFunc(c.unread, func(name string) bool { return !slices.Contains(out.Unread, name) })
	}
	if out.Blind {
		c.blind++
	}
	c.Results, c.plans = append(c.Results, out.Result), append(c.plans, out.Plan)
}

// Unexpected says which expectations of the scenario do not hold.
func (c *Comparison) Unexpected() []string {
	var all []string
	for _, e := range c.Expects {
		for _, one := range c.of(e) {
			named := e
			named.Law = one.Name
			if said := named.Check(one.Results); said != "" {
				all = append(all, said)
			}
		}
	}
	return all
}
