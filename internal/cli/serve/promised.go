package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/follow"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
	"github.com/flyball-dev/flyball/internal/kube/promised"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/scaler"
	"github.com/flyball-dev/flyball/internal/scrape"
)

// parts are what the scaler is made of, in the words of each other.
type parts struct {
	namespace string
	log       *slog.Logger
	leads     func() bool
	peers     follow.Settings
	lock      resourcelock.Interface
	prepared  chan struct{} // closed once this replica may lead
	services  *promised.Services
	demand    *inbox.Inbox
	book      *pilot.Book
	recalled  *recollection
	budgets   []budget.Pool // by the flags
}

// prepare lets this replica ask for the lease once it has read all objects of the kinds that are
// served at its start. Those of a kind that is installed later come to a replica that leads.
func (p parts) prepare(kinds *cluster.Kinds, of map[schema.GroupVersionKind]*cluster.Reading) manager.Runnable {
	return everywhere{func(ctx context.Context) error {
		if !kinds.Await(ctx) { // none in particular: the first look
			return nil
		}
		for kind, reading := range of {
			if kinds.Served(kind) && !reading.Await(ctx) {
				return nil
			}
		}
		close(p.prepared)
		return nil
	}}
}

// All are the services to be stepped.
func (p parts) All(ctx context.Context) ([]pilot.Subject, error) {
	live, err := p.services.All(ctx)
	subjects := make([]pilot.Subject, len(live))
	for i, l := range live {
		subjects[i] = p.subject(l)
	}
	return subjects, err
}

// Of is one of them.
func (p parts) Of(ctx context.Context, s pilot.Service) (pilot.Subject, bool) {
	l, ok := p.services.One(ctx, types.NamespacedName(s))
	return p.subject(l), ok
}

func (p parts) subject(l promised.Live) pilot.Subject {
	gpus, resource := l.GPUs()
	s := pilot.Subject{
		Service: pilot.Service(l.NamespacedName), UID: l.UID, Policy: l.Policy, Fleet: l.Fleet, Advised: l.Advised,
		GPUs: gpus, Resource: resource, Priority: l.Priority,
	}
	if _, known := p.front(l.Service); known && p.demand.ByPromise() {
		s.Policy = s.Policy.Ordered()
	}
	return s
}

// front is what requests go by that gateways hold in front of a service's pods, if they see all
// that comes, and it is known.
func (p parts) front(s promised.Service) (decide.Front, bool) {
	_, seen := s.Demanded()
	last, ok := p.book.Answer(pilot.Service(s.NamespacedName))
	return last.Front, ok && seen && last.UID == s.UID && last.Front.Sequences > 0
}

// room is that in the words of gateways, from the replica that decides.
func (p parts) room(d demand.Service) (demand.Room, bool) {
	for _, key := range p.services.Of(d) {
		if s, ok := p.services.Stepped(key); ok {
			if f, known := p.front(s); known {
				return demand.Room{
					Namespace: d.Namespace, Name: d.Name, TTFT: f.TTFT, Requests: f.Sequences, PerToken: f.PerToken, Rest: f.Rest,
				}, true
			}
		}
	}
	return demand.Room{}, false
}

// demanded is what gateways report of a service, if they see all that comes.
func (p parts) demanded(s pilot.Service) demand.Demand {
	service, ok := p.services.Stepped(types.NamespacedName(s))
	if !ok {
		return demand.Demand{}
	}
	key, ok := service.Demanded()
	if !ok {
		return demand.Demand{}
	}
	return p.demand.Of(key)
}

// nudge has services stepped for which gateways hold more.
func (p parts) nudge(loop *pilot.Pilot) func(demand.Service) {
	return func(d demand.Service) {
		for _, key := range p.services.Of(d) {
			loop.Nudge(pilot.Service(key))
		}
	}
}

// lines are the decisions for other replicas.
func (p parts) lines() []follow.Line {
	all := p.book.All()
	lines := make([]follow.Line, 0, len(all))
	for s, a := range all {
		lines = append(lines, follow.Line{Namespace: s.Namespace, Name: s.Name, UID: a.UID, Replicas: a.Replicas, AgeMillis: time.Since(a.At).Milliseconds()})
	}
	return lines
}

// learn takes those of the replica that leads.
func (p parts) learn(lines []follow.Line) {
	all := make(map[pilot.Service]pilot.Answer, len(lines))
	for _, l := range lines {
		all[pilot.Service{Namespace: l.Namespace, Name: l.Name}] = pilot.Answer{
			UID: l.UID, Replicas: l.Replicas, At: time.Now().Add(-time.Duration(l.AgeMillis) * time.Millisecond),
		}
	}
	p.book.Copy(all)
}

// readings are of Prometheus, or of the pods, as the pilot's source.
type readings struct {
	from interface {
		Read(context.Context, time.Time, map[scrape.Service][]string) (map[scrape.Service]reading.Set, error)
	}
}

// Read reads them.
func (r readings) Read(ctx context.Context, now time.Time, pods map[pilot.Service][]string) (map[pilot.Service]reading.Set, error) {
	asked := make(map[scrape.Service][]string, len(pods))
	for s, names := range pods {
		asked[scrape.Service(s)] = names
	}
	got, err := r.from.Read(ctx, now, asked)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("reading all services took longer than half a tick: see whether the source is slow, or give a longer --tick: %w", err)
	}
	sets := make(map[pilot.Service]reading.Set, len(got))
	for s, set := range got {
		sets[pilot.Service(s)] = set
	}
	return sets, err
}

// answers are what KEDA is told.
type answers struct{ parts }

// tellChanges has who follows an answer hear of what its object is entitled to.
func (p parts) tellChanges() {
	p.services.Changed = func(key types.NamespacedName) { p.book.Tell(pilot.Service(key)) }
}

// Follow tells when an object's answer may be another: by its decision, or by what it is entitled to.
func (a answers) Follow(o scaler.Object) (changed <-chan struct{}, stop func()) {
	return a.book.Follow(pilot.Service{Namespace: o.Namespace, Name: o.Name})
}

// Answer is the last decision for a ScaledObject that is entitled to one.
func (a answers) Answer(ctx context.Context, o scaler.Object) (scaler.Answer, error) {
	if _, refused := objective.Read(o.Trigger); refused != nil {
		return scaler.Answer{}, &autoscaler.Refusal{Cause: autoscaler.Wrong, Text: refused.Error()}
	}
	service, err := a.services.Look(types.NamespacedName{Namespace: o.Namespace, Name: o.Name})
	if err != nil {
		return scaler.Answer{}, err
	}
	current, err := a.services.Current(ctx, service)
	if err != nil {
		return scaler.Answer{}, err
	}
	last, ok := a.book.Answer(pilot.Service(service.NamespacedName))
	if !ok || last.UID != service.UID {
		return scaler.Answer{Current: current}, nil
	}
	return scaler.Answer{Replicas: last.Replicas, At: last.At, Current: current, Tolerance: service.Tolerance}, nil
}
