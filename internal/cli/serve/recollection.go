package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/flyball-dev/flyball/internal/advice"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/kube/memory"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A recollection is what was remembered of services when this replica came to lead.
type recollection struct {
	mu     sync.Mutex
	states map[pilot.Service]pilot.Memory
}

// of is that of one object.
func (r *recollection) of(s pilot.Service, uid string) (pilot.Memory, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.states[s]
	return m, ok && m.UID == uid
}

func (r *recollection) put(states map[pilot.Service]pilot.Memory) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = states
}

// lead decides, records and remembers, while this replica holds the lease.
func (p parts) lead(loop *pilot.Pilot, record *journal.Queue, store memory.Store) manager.RunnableFunc {
	return func(ctx context.Context) error {
		led := p.recall(ctx, store)
		var writing sync.WaitGroup
		defer writing.Wait()
		writing.Go(func() { _ = store.Run(ctx, led, func() []memory.Kept { return p.kept(loop.States()) }) })
		recorded, stop := context.WithCancel(context.WithoutCancel(ctx)) // the last decision too
		defer stop()
		if record != nil {
			writing.Go(func() { _ = record.Run(recorded) })
		}
		return loop.Run(ctx)
	}
}

// recall reads what the one before has written, and how many have led.
func (p parts) recall(ctx context.Context, store memory.Store) (led int) {
	if record, _, err := p.lock.Get(ctx); err == nil {
		led = record.LeaderTransitions
	}
	all, err := store.Read(ctx)
	if err != nil {
		p.log.Warn("what was remembered of services cannot be read: all begin from scratch", "error", err)
	}
	states := map[pilot.Service]pilot.Memory{}
	for _, k := range all {
		m := pilot.Memory{Service: pilot.Service{Namespace: k.Namespace, Name: k.Name}, UID: k.UID}
		if err := json.Unmarshal(k.State, &m.State); err != nil {
			p.log.Warn("a service begins from scratch", "service", m.String(), "error", err)
			continue
		}
		var err error
		if m.Tally, err = tallyOf(k); err != nil {
			p.log.Warn("what ran is compared with what is advised from now on only", "service", m.String(), "error", err)
		}
		states[m.Service] = m
	}
	p.recalled.put(states)
	return led
}

// tallyOf is the comparison that was kept of a service, if there was one.
func tallyOf(k memory.Kept) (advice.Tally, error) {
	var t advice.Tally
	if k.Tally == nil {
		return t, nil
	}
	if err := json.Unmarshal(k.Tally, &t); err != nil {
		return advice.Tally{}, fmt.Errorf("reading a comparison: %w", err)
	}
	if t.Version != advice.Version {
		return advice.Tally{}, fmt.Errorf("reading a comparison: version %d is not known here, only %d", t.Version, advice.Version)
	}
	return t, nil
}

// kept is what is to be remembered. At first that includes what was recalled of services
// that have not been found yet.
func (p parts) kept(states []pilot.Memory) []memory.Kept {
	p.recalled.mu.Lock()
	old := p.recalled.states
	p.recalled.states = nil
	p.recalled.mu.Unlock()
	for _, m := range states {
		delete(old, m.Service)
	}
	for _, m := range old {
		states = append(states, m)
	}
	now := reading.SinceEpoch(time.Now())
	var all []memory.Kept
	for _, m := range states {
		k := memory.Kept{Namespace: m.Namespace, Name: m.Name, UID: m.UID}
		var err, failed error
		k.State, err = json.Marshal(m.State.Resumed(now))
		if m.Tally.Version != 0 {
			k.Tally, failed = json.Marshal(m.Tally)
		}
		if err = errors.Join(err, failed); err != nil {
			p.log.Error("what is known of a service cannot be written down", "service", m.String(), "error", err)
			continue
		}
		all = append(all, k)
	}
	return all
}
