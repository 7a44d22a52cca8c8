package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// LookPeriod is how often custom resources are looked for: KServe and KEDA may be
// installed after Flyball, and go away again.
const LookPeriod = 5 * time.Second

// resourceLister is discovery.ServerResourcesInterface, as far as it is needed.
type resourceLister interface {
	ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error)
}

// Kinds knows which custom resources are served.
type Kinds struct {
	wanted []schema.GroupVersionKind
	from   resourceLister
	log    logr.Logger

	mu      sync.Mutex
	changed func() // called after each change, without a lock
	looked  bool
	absent  []schema.GroupVersionKind
	trouble string // why the last look said nothing
}

// NewKinds looks for the wanted ones once it is started.
func NewKinds(from resourceLister, log logr.Logger, wanted ...schema.GroupVersionKind) *Kinds {
	return &Kinds{wanted: wanted, from: from, log: log}
}

// OnChange has f called after each change of what is served. It is for before Start.
func (k *Kinds) OnChange(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changed = f
}

// Start looks until the context ends.
func (k *Kinds) Start(ctx context.Context) error {
	tick := time.NewTicker(LookPeriod)
	defer tick.Stop()
	for {
		k.look()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// NeedLeaderElection lets every replica know.
func (k *Kinds) NeedLeaderElection() bool { return false }

// look logs changes only; where the API server does not answer, the last answer holds.
func (k *Kinds) look() {
	var absent []schema.GroupVersionKind
	trouble := ""
	for _, kind := range k.wanted {
		served, err := k.lookFor(kind)
		switch {
		case err != nil:
			trouble = err.Error()
		case !served:
			absent = append(absent, kind)
		}
	}
	if changed := k.learn(absent, trouble); changed != nil {
		changed()
	}
}

// learn returns what to call.
func (k *Kinds) learn(absent []schema.GroupVersionKind, trouble string) (changed func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if trouble != "" && trouble != k.trouble {
		k.log.Info("custom resources could not be looked for", "error", trouble)
	}
	k.trouble = trouble
	if trouble != "" || k.looked && slices.Equal(absent, k.absent) {
		return nil
	}
	k.looked, k.absent = true, absent
	if len(absent) == 0 {
		k.log.Info("all custom resources are served")
	} else {
		k.log.Info("waiting for custom resources to be installed", "missing", kindNames(absent))
	}
	return k.changed
}

func (k *Kinds) lookFor(kind schema.GroupVersionKind) (bool, error) {
	l, err := k.from.ServerResourcesForGroupVersion(kind.GroupVersion().String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the resources of %s: %w", kind.GroupVersion(), err)
	}
	return slices.ContainsFunc(l.APIResources, func(r metav1.APIResource) bool { return r.Kind == kind.Kind }), nil
}

// Served says whether all of them are; false before the first look.
func (k *Kinds) Served(all ...schema.GroupVersionKind) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.looked && !slices.ContainsFunc(all, func(kind schema.GroupVersionKind) bool { return slices.Contains(k.absent, kind) })
}

// Await returns once all are served; false if the context ends before.
func (k *Kinds) Await(ctx context.Context, all ...schema.GroupVersionKind) bool {
	tick := time.NewTicker(LookPeriod / 10)
	defer tick.Stop()
	for !k.Served(all...) {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// kindNames are as kubectl shows them.
func kindNames(all []schema.GroupVersionKind) string {
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = k.Kind + "." + k.Group
	}
	return strings.Join(names, ", ")
}
