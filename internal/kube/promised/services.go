package promised

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/notices"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// lookAgain is when a refused ScaledObject is looked at again although nothing of it has
// changed: what it was refused for may be another one's.
const lookAgain = 30 * time.Second

// A Service is a ScaledObject that is entitled to a number.
type Service struct {
	types.NamespacedName
	UID    string // of what states objectives and of its target
	Policy decide.Policy
	Kind   string // of the target
	Target string
	// InferenceService is whose target it is, or none.
	InferenceService string
	// Tolerance is by how much more than there is the HPA lets be.
	Tolerance float64
	// Advised: nothing that Flyball does has it followed.
	Advised bool
}

// Workload is what is scaled.
func (s Service) Workload() objective.Workload {
	return objective.Workload{Kind: s.Kind, Name: s.Target}
}

// Demanded is as whom gateways know the service; false if they do not see what comes.
func (s Service) Demanded() (demand.Service, bool) {
	return demand.Service{Namespace: s.Namespace, Name: s.InferenceService}, s.InferenceService != ""
}

// Settings are what an administrator may say.
type Settings struct {
	Most int // services of one namespace
}

// Services are those of a cluster. It is a reconciler of ScaledObjects.
type Services struct {
	Settings
	Client client.Reader // of what was watched
	Events events.EventRecorder
	Leads  func() bool
	KServe func() bool // InferenceServices are watched
	// Changed is called after each look at a ScaledObject: it may be entitled to another answer.
	Changed func(types.NamespacedName)

	// Reading has begun once ScaledObjects are followed, and found by what they scale.
	Reading *cluster.Reading

	quotas func() bool // set before: ResourceQuotas have been read
	said   notices.Said

	mu      sync.Mutex
	known   map[types.NamespacedName]found
	entered map[types.NamespacedName]Service // without a ScaledObject
}

// found is what was last seen of a ScaledObject that states objectives.
type found struct {
	service Service
	refused *autoscaler.Refusal // nil: it is accepted
}

// New is for a manager made with Options.
func New(s Settings, c client.Reader, r events.EventRecorder, leads, kserves func() bool) *Services {
	return &Services{
		Settings: s, Client: c, Events: r, Leads: leads, KServe: kserves, Changed: func(types.NamespacedName) {}, Reading: cluster.NewReading(),
		known: map[types.NamespacedName]found{}, entered: map[types.NamespacedName]Service{},
	}
}

// Follows tells whether ScaledObjects are followed now.
func (s *Services) Follows() bool {
	select {
	case <-s.Reading.Begun():
		return true
	default:
		return false
	}
}

// Look is what a ScaledObject is entitled to. Its error is an *autoscaler.Refusal.
func (s *Services) Look(key types.NamespacedName) (Service, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.known[key]
	switch {
	case !ok:
		return Service{}, &autoscaler.Refusal{Cause: autoscaler.Unknown, Text: fmt.Sprintf("no ScaledObject %s states objectives, as far as Flyball has seen", key)}
	case f.refused != nil:
		return Service{}, f.refused
	}
	return f.service, nil
}

// Of are the services that are decided by what gateways have for an InferenceService.
func (s *Services) Of(d demand.Service) []types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []types.NamespacedName
	for service := range s.steppedLocked() {
		if as, ok := service.Demanded(); ok && as == d {
			keys = append(keys, service.NamespacedName)
		}
	}
	return keys
}

// stepped are the services that are, in order. KEDA is answered while they are put in order.
func (s *Services) stepped() []Service {
	s.mu.Lock()
	all := slices.Collect(s.steppedLocked())
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b Service) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return all
}

// Reconcile looks at one ScaledObject.
func (s *Services) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	raw := cluster.NewObject(kserve.ScaledObjectKind)
	if err := s.Client.Get(ctx, req.NamespacedName, raw); err != nil {
		if apierrors.IsNotFound(err) { // who cannot be read for a moment is still there
			s.forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	so := &kserve.ScaledObject{}
	if err := kserve.Decode(raw, so); err != nil {
		return ctrl.Result{}, err
	}
	if so.DeletionTimestamp != nil || !states(so) {
		s.forget(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	v, err := s.judge(ctx, so)
	if err != nil {
		return ctrl.Result{}, err
	}
	s.tell(raw, v)
	return ctrl.Result{RequeueAfter: v.again()}, nil
}

// again is when to look again at what was refused, which tell has said; 0: when it changes.
func (v *verdict) again() time.Duration {
	if v.refused == nil {
		return 0
	}
	return lookAgain
}

func (s *Services) forget(key types.NamespacedName) {
	s.said.Forget(key)
	s.mu.Lock()
	delete(s.known, key)
	s.mu.Unlock()
	s.Changed(key)
}

// tell keeps what was seen, and emits what was not said before.
func (s *Services) tell(about *unstructured.Unstructured, v *verdict) {
	key, said := client.ObjectKeyFromObject(about), v.Notices
	s.mu.Lock()
	s.known[key] = found{v.service, v.refused}
	s.mu.Unlock()
	s.Changed(key)
	if !s.Leads() {
		said = nil // the next that leads says it
	}
	s.said.Tell(s.Events, key, about, said)
}

// count is how many of a namespace are stepped beside one.
func (s *Services) count(besides types.NamespacedName) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for service := range s.steppedLocked() {
		if service.Namespace == besides.Namespace && service.NamespacedName != besides {
			n++
		}
	}
	return n
}
