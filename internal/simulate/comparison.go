package simulate

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/law"
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
}

// A Contender is one row: what scales, and its results by seed.
type Contender struct {
	Name    string
	Build   scenario.Builder
	Results []score.Result
	Points  []scenario.Point // of the first seed, with Setup.Draw
}

// Compare takes what the manifests say, and the laws that are named, or else the
// scenario's.
func (in Inputs) Compare(ctx context.Context, f scenario.File) (*Comparison, error) {
	c := &Comparison{File: f, Plan: in.Plan}
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
		c.Contenders = append(c.Contenders, &Contender{Name: l, Build: scenario.Named(f.Bounded(l))})
	}
	return c, nil
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
	s.Fleet.Drain = p.Drain
	s.Fleet.Hold.Target = p.Target
	if !p.Wakes { // nothing holds requests
		s.Fleet.Hold = plant.Hold{}
	}
	if p.Scrape > 0 {
		s.Scrape = p.Scrape
	}
	var err error
	if s.PromQL, err = simulatedPrometheus(ctx, scrapedOf(p), p.Rules); err != nil {
		return err
	}
	build := func(f law.Facts) (law.Law, []string, error) {
		l, err := p.Law(f)
		return l, p.Queries, err
	}
	c.Contenders = append(c.Contenders, &Contender{Name: p.Name, Build: build})
	return s.Validate()
}

func scrapedOf(p *policy.Service) scraped {
	return scraped{p.Namespace, p.IsvcName, p.Deployment, p.Engine.Model}
}

// Run runs every contender under every seed, on all cores; done is called after each, by
// several goroutines.
func (c *Comparison) Run(ctx context.Context, seeds int, done func()) error {
	for _, one := range c.Contenders {
		one.Results = make([]score.Result, seeds)
	}
	_, err := Parallel(ctx, len(c.Contenders)*seeds, func(i int) (struct{}, error) {
		err := c.Contenders[i/seeds].run(c.Setup, i%seeds)
		done()
		return struct{}{}, err
	})
	return err
}

func (c *Contender) run(s scenario.Setup, seed int) error {
	s.Draw = s.Draw && seed == 0
	out, err := scenario.Run(s, c.Build, uint64(seed)+1)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	c.Results[seed] = out.Result
	if seed == 0 {
		c.Points = out.Points
	}
	return nil
}

// Unexpected says which expectations of the scenario do not hold.
func (c *Comparison) Unexpected() []string {
	var all []string
	for _, e := range c.Expects {
		for _, one := range c.Contenders {
			if one.Name != e.Law {
				continue
			}
			if said := e.Check(one.Results); said != "" {
				all = append(all, said)
			}
		}
	}
	return all
}

// Parallel does n things on all cores; the results are in their order.
func Parallel[T any](ctx context.Context, n int, do func(i int) (T, error)) ([]T, error) {
	all := make([]T, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			all[i], err = do(i)
			return err
		})
	}
	return all, group.Wait()
}
