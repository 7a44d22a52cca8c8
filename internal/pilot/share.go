package pilot

import (
	"context"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/reading"
)

// shared is how GPUs were shared at the last tick, and since; without pools it is empty.
type shared struct {
	pools []budget.Pool
	wants []budget.Want // as they were, with what was granted
	at    map[Service]int
}

// pools are those of a tick.
func (p *Pilot) pools(ctx context.Context) []budget.Pool {
	if p.cfg.Pools == nil {
		return nil
	}
	return p.cfg.Pools(ctx)
}

// share steps all services as if there were GPUs enough, and those again that are granted
// fewer than they ask for: only that one counts.
func (p *Pilot) share(subjects []Subject, sets map[Service]reading.Set, pools []budget.Pool) {
	steps := make([]proposal, len(subjects))
	each(len(subjects), func(i int) {
		set := sets[subjects[i].Service]
		steps[i] = p.propose(subjects[i], &set)
	})
	last := shared{pools, make([]budget.Want, len(subjects)), make(map[Service]int, len(subjects))}
	for i := range steps {
		last.wants[i], last.at[subjects[i].Service] = p.want(&steps[i]), i
	}
	grants := budget.Share(pools, last.wants)
	each(len(subjects), func(i int) { p.keep(steps[i], short(&grants[i])) })
	for i := range last.wants {
		last.granted(i, grants[i])
	}
	p.shared = last
}

// alone steps one service between two ticks. What others were granted at the last one is theirs,
// and what they want besides comes in its turn.
func (p *Pilot) alone(s Subject) {
	p.stepping.Lock()
	defer p.stepping.Unlock()
	o, last := p.propose(s, nil), &p.shared
	if len(last.pools) == 0 {
		p.keep(o, nil)
		return
	}
	i, known := last.at[s.Service]
	if !known {
		i = len(last.wants)
		last.wants, last.at[s.Service] = append(last.wants, budget.Want{}), i
	}
	last.wants[i] = p.want(&o)
	g := budget.Share(last.pools, last.wants)[i]
	p.keep(o, short(&g))
	last.granted(i, g)
}

func short(g *budget.Grant) *budget.Grant {
	if !g.Short() {
		return nil
	}
	return g
}

// granted notes what a service has then.
func (s *shared) granted(i int, g budget.Grant) {
	w := &s.wants[i]
	w.Has = max(min(w.Replicas, g.Replicas), w.Has)
}

// want is what a step asks for. There are the replicas that the target is to have, and those
// that were granted before it has been scaled. One that only advises takes no GPUs, and those
// of others are not its own.
func (p *Pilot) want(o *proposal) budget.Want {
	f := o.of.Fleet
	w := budget.Want{
		Namespace: o.of.Namespace, Name: o.of.Name, Resource: o.of.Resource, GPUs: o.of.GPUs, Priority: o.of.Priority,
		Has: f.Desired, Pods: f.Provisioned() + f.Draining, Least: o.of.Policy.Bounds.Least(), Replicas: o.step.Decision.Replicas,
	}
	last, decided := p.cfg.Book.Answer(o.of.Service)
	decided = decided && last.UID == o.of.UID
	switch {
	case o.of.Advised:
		w.GPUs = 0
	case decided && !o.ok:
		w.Has = max(w.Has, last.Replicas)
	case decided:
		w.Has = max(w.Has, min(last.Replicas, w.Replicas))
	}
	w.Missed = func(from, to int) []float64 { return o.step.Policy.Missed(o.next, from, to) }
	return w
}
