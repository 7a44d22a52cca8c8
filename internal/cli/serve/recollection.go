package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/flyball-dev/flyball/internal/advice"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/kube/memory"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/record"
)

// unrecorded is how much older than what was kept the last step of a record may be. It was
// written a moment before, or was not: then nothing has been for longer.
const unrecorded = time.Minute

// A recollection is what was known of services when this replica came to lead.
type recollection struct {
	mu     sync.Mutex
	states map[pilot.Service]remembered
	left   map[string]record.Left // by its own record, as long as nothing was decided since
}

// remembered is what was known of a service at a time.
type remembered struct {
	pilot.Memory
	at time.Time
}

// of is that of one object.
func (r *recollection) of(s pilot.Service, uid string) (pilot.Memory, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.states[s]
	if ok = ok && m.UID == uid; !ok {
		m = remembered{Memory: pilot.Memory{Service: s, UID: uid}}
	}
	left, recorded := r.left[s.String()]
	delete(r.left, s.String())
	if recorded && left.UID == uid && left.At+unrecorded >= reading.SinceEpoch(m.at) {
		m.State, m.Whole = left.State, true
		return m.Memory, true
	}
	return m.Memory, ok
}

func (r *recollection) put(states map[pilot.Service]remembered, left map[string]record.Left) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states, r.left = states, left
}

// lead decides, records and remembers, while this replica holds the lease.
func (p parts) lead(loop *pilot.Pilot, recorded *recording, store memory.Store) manager.RunnableFunc {
	return func(ctx context.Context) error {
		led := p.recall(ctx, store, recorded.journal)
		var writing sync.WaitGroup
		defer writing.Wait()
		writing.Go(func() { _ = store.Run(ctx, led, func() []memory.Kept { return p.kept(loop.States()) }) })
		last, stop := context.WithCancel(context.WithoutCancel(ctx)) // the last decision is recorded too
		defer stop()
		if recorded.queue != nil {
			writing.Go(func() { _ = recorded.queue.Run(last) })
		}
		return loop.Run(ctx)
	}
}

// recall reads what the one before has written, or this replica itself has recorded, and how
// many have led.
func (p parts) recall(ctx context.Context, store memory.Store, own *journal.Journal) (led int) {
	var left map[string]record.Left
	if lease, _, err := p.lock.Get(ctx); err == nil {
		led, left = lease.LeaderTransitions, p.caughtUp(ctx, lease, own)
	}
	all, err := store.Read(ctx)
	if err != nil {
		p.log.Warn("what was remembered of services cannot be read: all begin from scratch", "error", err)
	}
	states := map[pilot.Service]remembered{}
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
		states[m.Service] = remembered{m, k.At}
	}
	p.recalled.put(states, left)
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
	p.recalled.states, p.recalled.left = nil, nil
	p.recalled.mu.Unlock()
	now := time.Now()
	known := make([]remembered, 0, len(states)+len(old))
	for _, m := range states {
		delete(old, m.Service)
		known = append(known, remembered{m, now})
	}
	known = slices.AppendSeq(known, maps.Values(old))
	all := make([]memory.Kept, 0, len(known))
	for _, m := range known {
		k := memory.Kept{Namespace: m.Namespace, Name: m.Name, UID: m.UID, At: m.at}
		var err, failed error
		k.State, err = json.Marshal(m.State.Resumed(reading.SinceEpoch(now)))
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
