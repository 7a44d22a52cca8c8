package claim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/config"
)

// Lease is the name of each installation's.
const Lease = config.Controller

const (
	// LookPeriod is how often a leader looks for others. A lease is renewed every 2 s.
	LookPeriod = time.Second
	// lifeTime is how long a lease that is not renewed counts, by the looker's own clock:
	// its duration is 15 s.
	lifeTime = 20 * time.Second
	// settleTime is how long the first waits where another one may be acting: that one
	// looks several times meanwhile.
	settleTime = 5 * time.Second
)

// A Claim is that of one replica.
type Claim struct {
	namespace string
	leases    client.Reader // watches leases of that name, in all namespaces
	log       logr.Logger

	mu    sync.Mutex
	acts  bool
	seen  map[string]sighting // by namespace
	first string              // "" while this one is
	since time.Time           // it is the first, beside others, from then on; zero if it is not
}

// A sighting is when a lease was renewed last, by the looker's clock.
type sighting struct {
	renewal string
	at      time.Time
}

// New is for the installation in a namespace.
func New(namespace string, leases client.Reader, log logr.Logger) *Claim {
	return &Claim{namespace: namespace, leases: leases, log: log, seen: map[string]sighting{}}
}

// Acts tells whether this installation is the one that acts.
func (c *Claim) Acts() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acts
}

// Await returns once it does; false if the context ends before.
func (c *Claim) Await(ctx context.Context) bool {
	tick := time.NewTicker(LookPeriod / 10)
	defer tick.Stop()
	for !c.Acts() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// Run looks until the context ends, on each replica: only one that leads may do all that
// acting is.
func (c *Claim) Run(ctx context.Context) error {
	tick := time.NewTicker(LookPeriod)
	defer tick.Stop()
	for {
		var all coordinationv1.LeaseList
		err := c.leases.List(ctx, &all)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("looking for other controllers: %w", err)
		}
		c.look(time.Now(), all.Items)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look decides anew. Before its own lease is among the leases, it does not act.
func (c *Claim) look(now time.Time, leases []coordinationv1.Lease) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, others, mine := c.sort(now, leases)
	if !mine || first.Namespace != c.namespace {
		c.acts, c.since = false, time.Time{}
		if first != nil && first.Namespace != c.namespace {
			c.standDown(first)
		}
		return
	}
	if c.first != "" {
		c.log.Info("the controller that was first is gone: this one acts", "gone", c.first)
	}
	c.first = ""
	if c.since.IsZero() {
		c.since = now
	}
	c.acts = c.acts || !others || now.Sub(c.since) >= settleTime
}

// sort finds the first of those that live, nil if there are none, whether others do, and
// whether its own is among the leases.
func (c *Claim) sort(now time.Time, leases []coordinationv1.Lease) (first *coordinationv1.Lease, others, mine bool) {
	for i := range leases {
		l := &leases[i]
		own := l.Namespace == c.namespace
		if !own && !c.lives(now, l) {
			continue
		}
		mine, others = mine || own, others || !own
		if first == nil || older(l, first) {
			first = l
		}
	}
	return first, others, mine
}

func (c *Claim) standDown(first *coordinationv1.Lease) {
	if c.first == first.Namespace {
		return
	}
	c.first = first.Namespace
	holder := ""
	if first.Spec.HolderIdentity != nil {
		holder = *first.Spec.HolderIdentity
	}
	c.log.Info("another controller is active in this cluster: this one stays passive; remove one of the two installations",
		"first", first.Namespace+"/"+first.Name, "leader", holder)
}

// lives tells whether a lease has been renewed lately.
func (c *Claim) lives(now time.Time, l *coordinationv1.Lease) bool {
	if l.Spec.HolderIdentity == nil || *l.Spec.HolderIdentity == "" {
		return false // given back
	}
	renewal := l.ResourceVersion
	s, known := c.seen[l.Namespace]
	if !known || s.renewal != renewal {
		s = sighting{renewal, now}
		c.seen[l.Namespace] = s
	}
	return now.Sub(s.at) < lifeTime
}

// older orders leases by when they were made, then by namespace.
func older(a, b *coordinationv1.Lease) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Namespace < b.Namespace
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}
