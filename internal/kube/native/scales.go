package native

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kube/notices"
	"github.com/flyball-dev/flyball/internal/kube/promised"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

const subresource = "scale"

// Scales are those that Flyball writes. It is a reconciler of InferenceAutoscalers that are
// ordered.
type Scales struct {
	client  client.Client // its subresources are read from the API server
	events  events.EventRecorder
	decided func(promised.Service) *autoscaler.Decision // nil: nothing yet
	changed func() <-chan struct{}                      // closed when another number is decided
	every   time.Duration                               // between two ticks

	placed chan struct{}

	mu     sync.Mutex
	orders map[types.NamespacedName]order
}

// An order is to have a service's number written.
type order struct {
	promised.Service
	by      *v1alpha1.InferenceAutoscaler
	trouble *explain.Notice // with the last number
}

// New is without orders.
func New(c client.Client, r events.EventRecorder, decided func(promised.Service) *autoscaler.Decision, changed func() <-chan struct{}, every time.Duration) *Scales {
	return &Scales{client: c, events: r, decided: decided, changed: changed, every: every, placed: make(chan struct{}, 1), orders: map[types.NamespacedName]order{}}
}

// Order has the numbers of a service written from now on.
func (s *Scales) Order(by *v1alpha1.InferenceAutoscaler, service promised.Service) {
	s.mu.Lock()
	s.orders[service.NamespacedName] = order{service, by, s.orders[service.NamespacedName].trouble}
	s.mu.Unlock()
	select {
	case s.placed <- struct{}{}:
	default:
	}
}

// Cancel has none written any more.
func (s *Scales) Cancel(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.orders, key)
}

// Has tells whether what an InferenceAutoscaler states now is ordered.
func (s *Scales) Has(a *v1alpha1.InferenceAutoscaler) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[client.ObjectKeyFromObject(a)]
	return ok && o.by.UID == a.UID && o.by.Generation == a.Generation
}

// Trouble is why the last number could not be written; nil: it was, or there is no order.
func (s *Scales) Trouble(key types.NamespacedName) *explain.Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders[key].trouble
}

// Try is why the scale of a workload could not be written, if it had to be; nil: it could.
func (s *Scales) Try(ctx context.Context, namespace string, w objective.Workload) *explain.Notice {
	object, scale := empty(namespace, w), &autoscalingv1.Scale{}
	err := s.client.SubResource(subresource).Get(ctx, object, scale)
	if err == nil {
		err = s.client.SubResource(subresource).Update(ctx, object, client.WithSubResourceBody(scale), client.DryRunAll)
	}
	return said(w, err)
}

// due are the services of which a number is to be written, or was not.
func (s *Scales) due() []types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []types.NamespacedName
	for key, o := range s.orders {
		if o.trouble != nil || o.asks(s.decided(o.Service)) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// asks tells whether a decision is for another number than there was. One outside the bounds is
// of those before: the next is within.
func (o order) asks(d *autoscaler.Decision) bool {
	b := o.Policy.Bounds
	return d != nil && !d.Stale && d.Replicas != d.Was && d.Replicas >= b.Least() && d.Replicas <= b.Most()
}

// Reconcile writes the number of one service, if there is one to be written.
func (s *Scales) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	s.mu.Lock()
	o, ok := s.orders[req.NamespacedName]
	s.mu.Unlock()
	if !ok {
		return ctrl.Result{}, nil
	}
	trouble := (*explain.Notice)(nil)
	if d := s.decided(o.Service); o.asks(d) {
		within, cancel := context.WithTimeout(ctx, s.every)
		defer cancel()
		trouble = said(o.Workload(), s.write(within, o, d))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, ok := s.orders[req.NamespacedName]; ok && now.UID == o.UID {
		now.trouble = trouble
		s.orders[req.NamespacedName] = now
	}
	return ctrl.Result{}, nil // what failed is due at the next tick
}

// write is of a decision that asks for another number.
func (s *Scales) write(ctx context.Context, o order, d *autoscaler.Decision) error {
	w := o.Workload()
	object, scale := empty(o.Namespace, w), &autoscalingv1.Scale{}
	if err := s.client.SubResource(subresource).Get(ctx, object, scale); err != nil {
		return err
	}
	from := int(scale.Spec.Replicas)
	raise, cut := d.Was < d.Replicas && from < d.Replicas, d.Was > d.Replicas && from > d.Replicas
	if !o.Targets(scale.UID) || !raise && !cut {
		return nil
	}
	scale.Spec.Replicas = int32(d.Replicas)
	if err := s.client.SubResource(subresource).Update(ctx, object, client.WithSubResourceBody(scale)); err != nil {
		return err
	}
	notices.Emit(s.events, o.by, autoscaler.Rescaled(w, from, d.Replicas, d.Reasons))
	return nil
}

// empty is a workload by its name.
func empty(namespace string, w objective.Workload) client.Object {
	meta := metav1.ObjectMeta{Namespace: namespace, Name: w.Name}
	if w.Kind == objective.StatefulSet {
		return &appsv1.StatefulSet{ObjectMeta: meta}
	}
	return &appsv1.Deployment{ObjectMeta: meta}
}

// said is what is said of an error. A workload that is gone is told as missing.
func said(w objective.Workload, err error) *explain.Notice {
	if client.IgnoreNotFound(err) == nil {
		return nil
	}
	return autoscaler.Unwritten(w, apierrors.IsForbidden(err), err.Error())
}
