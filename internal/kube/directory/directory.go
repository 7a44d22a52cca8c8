package directory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/snapshot"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/pulse"
)

// DemandPort is the name of the port of the controller's and the scaler's pods to which
// gateways report.
const DemandPort = "demand"

// A Directory watches what a gateway needs to know, and says it anew at each change.
type Directory struct {
	cache     cache.Cache
	kinds     *cluster.Kinds
	namespace string // the controller's
	pulse     *pulse.Pulse
	stirred   chan struct{}

	mu          sync.Mutex
	dirty       map[types.NamespacedName]bool
	all         bool                             // what is known must be read anew
	watched     map[schema.GroupVersionKind]bool // of the kinds that may be missing
	controllers []string
}

// New watches with the rights of config; namespace is the controller's. All that follows
// from a change must come to an end, which p watches.
func New(config *rest.Config, namespace string, log logr.Logger, p *pulse.Pulse) (*Directory, error) {
	scheme, err := cluster.NewScheme()
	if err != nil {
		return nil, err
	}
	ofServices, err := labels.NewRequirement(kserve.ServiceLabel, selection.Exists, nil)
	if err != nil {
		return nil, fmt.Errorf("selecting pods: %w", err)
	}
	selected := cache.ByObject{Label: labels.NewSelector().Add(*ofServices)}
	c, err := cache.New(config, cache.Options{
		Scheme: scheme, Mapper: knownKinds(), DefaultTransform: cache.TransformStripManagedFields(),
		DefaultUnsafeDisableDeepCopy: new(true), // nothing read here is changed
		ByObject: map[client.Object]cache.ByObject{
			&appsv1.Deployment{}: selected,
			&corev1.Pod{}: {Namespaces: map[string]cache.Config{
				namespace:           {}, // the controller's pods too
				cache.AllNamespaces: {LabelSelector: selected.Label},
			}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing watches: %w", err)
	}
	from, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing discovery: %w", err)
	}
	d := &Directory{
		cache: c, namespace: namespace, pulse: p, stirred: make(chan struct{}, 1), dirty: map[types.NamespacedName]bool{},
		watched: map[schema.GroupVersionKind]bool{},
		kinds:   cluster.NewKinds(from, log, kserve.InferenceServiceKind, kserve.ScaledObjectKind, v1alpha1.Kind),
	}
	d.kinds.OnChange(d.stirAll) // what waits for KEDA waits in vain when it goes
	return d, nil
}

// knownKinds needs no API server, which may come later than the gateway.
func knownKinds() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []schema.GroupVersionKind{
		kserve.InferenceServiceKind, kserve.ScaledObjectKind, v1alpha1.Kind, appsv1.SchemeGroupVersion.WithKind("Deployment"),
		corev1.SchemeGroupVersion.WithKind("Pod"), corev1.SchemeGroupVersion.WithKind("PodList"), // a cache of several namespaces asks for lists too
	} {
		m.Add(kind, meta.RESTScopeNamespace)
	}
	return m
}

// Controllers are the addresses, host:port, of the controller's replicas; of all of
// them, because each may be the next to act.
func (d *Directory) Controllers() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.controllers
}

// Run calls told, first when all is known and then at each change, with every
// service in the order of its name, until the context ends. told must not keep it
// waiting, nor change what it is given.
func (d *Directory) Run(ctx context.Context, told func([]explain.Backend)) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var failed error
	wg.Go(func() {
		defer cancel()
		if err := d.cache.Start(ctx); err != nil {
			failed = fmt.Errorf("watching: %w", err)
		}
	})
	wg.Go(func() { _ = d.kinds.Start(ctx) }) // ends with the context alone
	if !d.kinds.Await(ctx, kserve.InferenceServiceKind) {
		wg.Wait()
		return failed
	}
	for _, o := range []client.Object{cluster.NewObject(kserve.InferenceServiceKind), &corev1.Pod{}, &appsv1.Deployment{}} {
		if err := d.watch(ctx, o); err != nil {
			cancel()
			wg.Wait()
			return cmp.Or(failed, err)
		}
	}
	wg.Go(func() { d.watchLate(ctx, kserve.ScaledObjectKind, cluster.NewObject(kserve.ScaledObjectKind)) })
	wg.Go(func() { d.watchLate(ctx, v1alpha1.Kind, &v1alpha1.InferenceAutoscaler{}) })
	d.follow(ctx, told)
	cancel()
	wg.Wait()
	return failed
}

// watch returns when all that there is has been handled.
func (d *Directory) watch(ctx context.Context, o client.Object) error {
	if err := cluster.AddIndexes(ctx, d.cache, o); err != nil {
		return err
	}
	informer, err := d.cache.GetInformer(ctx, o)
	if err != nil {
		return fmt.Errorf("watching %T: %w", o, err)
	}
	handled, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { d.touch(ctx, o) },
		UpdateFunc: func(old, now any) { d.touch(ctx, old); d.touch(ctx, now) }, // it may have been another one's
		DeleteFunc: func(o any) { d.touch(ctx, o) },
	})
	if err != nil {
		return fmt.Errorf("watching %T: %w", o, err)
	}
	toolscache.WaitForCacheSync(ctx.Done(), handled.HasSynced)
	return nil
}

// watchLate waits for a kind that may be installed late or never.
func (d *Directory) watchLate(ctx context.Context, kind schema.GroupVersionKind, o client.Object) {
	if !d.kinds.Await(ctx, kind) || d.watch(ctx, o) != nil {
		return // only the end of the context ends either
	}
	d.mu.Lock()
	d.watched[kind] = true
	d.mu.Unlock()
	d.stirAll()
}

// sees tells of a kind that may be missing whether it is there, and if so, whether it is watched.
func (d *Directory) sees(kind schema.GroupVersionKind) (there, seen bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	there = d.kinds.Served(kind)
	return there, there && d.watched[kind]
}

// stirAll has every service read again.
func (d *Directory) stirAll() {
	d.mu.Lock()
	d.all = true
	d.mu.Unlock()
	d.stir()
}

// touch notes which service an object belongs to.
func (d *Directory) touch(ctx context.Context, o any) {
	if gone, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	object, ok := o.(client.Object)
	if !ok {
		return
	}
	var keys []types.NamespacedName
	switch object := object.(type) {
	case *corev1.Pod, *appsv1.Deployment:
		if name := object.GetLabels()[kserve.ServiceLabel]; name != "" {
			keys = append(keys, types.NamespacedName{Namespace: object.GetNamespace(), Name: name})
		}
	case *v1alpha1.InferenceAutoscaler:
		keys = cluster.Services(ctx, d.cache, object.Namespace, cluster.ByDeployment, objective.WorkloadOf(object.Spec.TargetRef).Name)
	default:
		if object.GetObjectKind().GroupVersionKind().Kind == kserve.InferenceServiceKind.Kind {
			keys = append(keys, client.ObjectKeyFromObject(object))
			break
		}
		for _, target := range append(cluster.TargetOf(object), object.GetName()) { // a ScaledObject's
			keys = append(keys, cluster.Services(ctx, d.cache, object.GetNamespace(), cluster.ByDeployment, target)...)
		}
	}
	d.mu.Lock()
	for _, key := range keys {
		d.dirty[key] = true
	}
	d.mu.Unlock()
	d.stir()
}

func (d *Directory) stir() {
	select {
	case d.stirred <- struct{}{}:
	default: // the follower will see this one too
	}
}

// touched takes what was, and every service that is known where all may have changed.
func (d *Directory) touched(known map[types.NamespacedName]explain.Backend) map[types.NamespacedName]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	dirty := d.dirty
	d.dirty = map[types.NamespacedName]bool{}
	if d.all {
		for key := range known {
			dirty[key] = true
		}
	}
	d.all = false
	return dirty
}

// follow works on what was touched: changes that come together are told together.
func (d *Directory) follow(ctx context.Context, told func([]explain.Backend)) {
	known := map[types.NamespacedName]explain.Backend{}
	first := true
	for {
		_, end := d.pulse.Begin(ctx, "finding services and their pods") // in what is watched, for which nothing waits
		d.findControllers(ctx)
		changed := first
		for key := range d.touched(known) {
			b, ok := d.backend(ctx, key)
			before, was := known[key]
			switch {
			case ok && was && reflect.DeepEqual(b, before), !ok && !was:
				continue
			case ok:
				known[key] = b
			default:
				delete(known, key)
			}
			changed = true
		}
		if changed && ctx.Err() == nil {
			first = false
			all := slices.Collect(maps.Values(known))
			slices.SortFunc(all, func(a, b explain.Backend) int {
				return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
			})
			told(explain.Assign(all))
		}
		end()
		select {
		case <-ctx.Done():
			return
		case <-d.stirred:
		}
	}
}

// backend reads one service from the watches; false if there is none.
func (d *Directory) backend(ctx context.Context, key types.NamespacedName) (explain.Backend, bool) {
	there, seen := d.sees(kserve.ScaledObjectKind)
	r := snapshot.Reader{From: d.cache, Parts: snapshot.Workload | snapshot.Others, KEDA: func() bool { return seen }}
	s, err := r.Read(ctx, key)
	if err != nil {
		return explain.Backend{}, false
	}
	s.NoKEDA = !there // else it is only not watched yet
	s.Native = there && !seen || d.native(ctx, key)
	return s.Backend(), true
}

// native tells whether an InferenceAutoscaler has Flyball itself wake a service. Until they are
// watched one may.
func (d *Directory) native(ctx context.Context, key types.NamespacedName) bool {
	if there, seen := d.sees(v1alpha1.Kind); !seen {
		return there
	}
	w := objective.Workload{Kind: objective.Deployment, Name: kserve.PredictorName(key.Name)}
	var on v1alpha1.InferenceAutoscalerList
	if d.cache.List(ctx, &on, client.InNamespace(key.Namespace), client.MatchingFields{cluster.ByWorkload: w.String()}) != nil {
		return false
	}
	return slices.ContainsFunc(on.Items, func(a v1alpha1.InferenceAutoscaler) bool { return autoscaler.Wakes(&a) })
}

// findControllers finds the scaler's replicas too, which decide by the same reports. It
// keeps those that are not ready: none is while KEDA is missing.
func (d *Directory) findControllers(ctx context.Context) {
	var pods corev1.PodList
	if d.cache.List(ctx, &pods, client.InNamespace(d.namespace)) != nil {
		return
	}
	var all []string
	for _, p := range pods.Items {
		if app := p.Labels["app"]; app != config.Controller && app != config.Scaler {
			continue
		}
		for _, c := range p.Spec.Containers {
			for _, port := range c.Ports {
				if port.Name == DemandPort && p.Status.PodIP != "" && !ended(p) {
					all = append(all, net.JoinHostPort(p.Status.PodIP, strconv.Itoa(int(port.ContainerPort))))
				}
			}
		}
	}
	slices.Sort(all)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.controllers = all
}

func ended(p corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}
