package kube

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/discovery"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/claim"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
	"github.com/flyball-dev/flyball/internal/kube/leave"
	"github.com/flyball-dev/flyball/internal/kube/meter"
	"github.com/flyball-dev/flyball/internal/kube/notices"
	"github.com/flyball-dev/flyball/internal/pulse"
)

// Options are those of a manager for Setup: KServe's and KEDA's objects are
// unstructured and watched like all others, of Events only the Warnings about
// ScaledObjects, of pods, if at all, only those of services, of leases only those of
// controllers. The manager's own lease is in the namespace of the installation.
func Options(namespace string) (ctrl.Options, error) {
	scheme, err := cluster.NewScheme()
	if err != nil {
		return ctrl.Options{}, err
	}
	ofServices, err := labels.NewRequirement(kserve.ServiceLabel, selection.Exists, nil)
	if err != nil {
		return ctrl.Options{}, fmt.Errorf("selecting pods: %w", err)
	}
	return ctrl.Options{
		Scheme:         scheme,
		LeaderElection: true, LeaderElectionID: claim.Lease, LeaderElectionNamespace: namespace, LeaderElectionReleaseOnCancel: true,
		Client: client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			&corev1.Event{}: {Field: fields.SelectorFromSet(fields.Set{
				"involvedObject.kind": kserve.ScaledObjectKind.Kind, "type": corev1.EventTypeWarning,
			})},
			&coordinationv1.Lease{}: {Field: fields.OneTermEqualSelector("metadata.name", claim.Lease)},
			&appsv1.Deployment{}:    {Label: labels.NewSelector().Add(*ofServices), Transform: scaledBy},
			&corev1.Pod{}:           {Label: labels.NewSelector().Add(*ofServices), Transform: cluster.Slim},
		}},
	}, nil
}

// scaledBy keeps of a Deployment's managed fields who has set its replicas.
func scaledBy(o any) (any, error) {
	if d, ok := o.(*appsv1.Deployment); ok {
		d.ManagedFields = slices.DeleteFunc(d.ManagedFields, func(f metav1.ManagedFieldsEntry) bool { return f.Subresource != "scale" })
	}
	return o, nil
}

// side is how many services are reconciled side by side: many may wake at once.
const side = 8

// Settings are what the controller does beyond its own reconciling.
type Settings struct {
	Namespace    string                // of the installation, where its gateways' ServiceAccount is too
	Registry     prometheus.Registerer // the manager's /metrics shows it
	Demand       inbox.Settings
	DrainWebhook leave.WebhookSettings
	DeletionCost bool // rank pods by what the gateways report

	Servers kserve.Servers // that KEDA may ask; none named is any

	Pulse *pulse.Pulse // what must come to an end; nil watches nothing
}

// Setup adds the reconciler to a manager made with Options. It starts as soon as
// KServe's custom resource is there and acts as soon as KEDA's are, whenever that is.
func Setup(mgr ctrl.Manager, settings Settings) error {
	if err := settings.Registry.Register(collectors.NewBuildInfoCollector()); err != nil {
		return fmt.Errorf("adding metrics: %w", err)
	}
	from, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("preparing discovery: %w", err)
	}
	k := cluster.NewKinds(from, mgr.GetLogger(), kserve.InferenceServiceKind, kserve.ScaledObjectKind, kserve.TriggerAuthenticationKind)
	if err := mgr.Add(k); err != nil {
		return fmt.Errorf("adding the look-out for custom resources: %w", err)
	}
	first := claim.New(settings.Namespace, mgr.GetClient(), mgr.GetLogger())
	if err := mgr.Add(everywhere{first.Run}); err != nil {
		return fmt.Errorf("adding the look-out for other controllers: %w", err)
	}
	settings.Demand.Namespace, settings.Demand.Pulse = settings.Namespace, settings.Pulse
	d := inbox.New(settings.Demand, mgr.GetClient(), mgr.GetLogger(), time.Now)
	m, err := meter.New(settings.Registry)
	if err != nil {
		return err
	}
	p := parts{k, d, first, m, settings.Servers, settings.Pulse}
	if err := addOptional(mgr, settings, p); err != nil {
		return err
	}
	return mgr.Add(everywhere{func(ctx context.Context) error { return start(ctx, mgr, p) }})
}

// addOptional adds what the settings ask for.
func addOptional(mgr ctrl.Manager, settings Settings, p parts) error {
	if folder := cmp.Or(settings.DrainWebhook.Certificates, settings.Demand.Certificates); folder != "" {
		end := func() (time.Time, error) { return leave.CertificateEnd(filepath.Join(folder, "tls.crt")) }
		if err := meter.AddCertificate(settings.Registry, end); err != nil {
			return err
		}
	}
	if settings.Demand.Address != "" {
		if err := mgr.Add(p.inbox); err != nil {
			return fmt.Errorf("adding the endpoint for gateways: %w", err)
		}
		if err := mgr.Add(leading{func(ctx context.Context) error { return p.inbox.Publish(ctx, mgr.GetClient()) }}); err != nil {
			return fmt.Errorf("adding the summary of the gateways' reports: %w", err)
		}
	}
	if settings.DrainWebhook.Address != "" {
		ready, err := leave.AddWebhook(mgr, settings.DrainWebhook)
		if err != nil {
			return err
		}
		if err := meter.AddDrainWebhook(settings.Registry, ready); err != nil {
			return err
		}
	}
	if settings.DeletionCost {
		check := func(ctx context.Context) error { return leave.CheckPolicy(ctx, mgr.GetClient(), mgr.GetAPIReader()) }
		if err := mgr.Add(everywhere{check}); err != nil {
			return fmt.Errorf("adding the check of the admission policy: %w", err)
		}
		c := &leave.Costs{Client: mgr.GetClient(), Work: p.inbox.Pods, Acts: p.first.Acts, Log: mgr.GetLogger(), Pulse: settings.Pulse}
		if err := mgr.Add(leading{c.Run}); err != nil {
			return fmt.Errorf("adding the order in which pods leave: %w", err)
		}
	}
	return nil
}

// leading runs on the leader only.
type leading struct{ manager.RunnableFunc }

// NeedLeaderElection makes the manager wait for the lease.
func (leading) NeedLeaderElection() bool { return true }

// everywhere runs on each replica.
type everywhere struct{ manager.RunnableFunc }

// NeedLeaderElection lets it run without the lease.
func (everywhere) NeedLeaderElection() bool { return false }

// parts are what the reconciler is told by.
type parts struct {
	kinds *cluster.Kinds
	inbox *inbox.Inbox
	first *claim.Claim
	meter *meter.Meter

	servers kserve.Servers
	pulse   *pulse.Pulse
}

// start is done when everything is watched, or the manager stops. All replicas watch: the
// next one to lead has seen everything, and the deputy needs it.
func start(ctx context.Context, mgr ctrl.Manager, p parts) error {
	if !p.kinds.Await(ctx, kserve.InferenceServiceKind) || !p.first.Await(ctx) {
		return nil
	}
	if err := cluster.AddIndexes(ctx, mgr.GetFieldIndexer(), cluster.NewObject(kserve.InferenceServiceKind), &corev1.Pod{}, &appsv1.Deployment{}, &autoscalingv2.HorizontalPodAutoscaler{}, &corev1.Event{}); err != nil {
		return err
	}
	tells, err := notices.Recorder(mgr, kserve.Manager)
	if err != nil {
		return fmt.Errorf("adding Events: %w", err)
	}
	r := &Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Events: tells,
		KEDA:   func() bool { return p.kinds.Served(kserve.ScaledObjectKind, kserve.TriggerAuthenticationKind) },
		Demand: p.inbox.Of, Acts: p.first.Acts, Meter: p.meter, Now: time.Now, Servers: p.servers, Pulse: p.pulse,
	}
	if err := know(ctx, mgr, p.inbox); err != nil {
		return err
	}
	wakes := waker{mgr.GetClient()}
	c, err := ctrl.NewControllerManagedBy(mgr).
		Named("inferenceservice").
		For(cluster.NewObject(kserve.InferenceServiceKind), builder.WithPredicates(predicate.Funcs{UpdateFunc: serviceChanged})).
		Watches(&autoscalingv2.HorizontalPodAutoscaler{}, handler.EnqueueRequestsFromMapFunc(wakes.hpa),
			builder.WithPredicates(predicate.Funcs{UpdateFunc: hpaChanged})).
		Watches(&appsv1.Deployment{}, handler.EnqueueRequestsFromMapFunc(wakes.deployment),
			builder.WithPredicates(predicate.Funcs{UpdateFunc: deploymentChanged})).
		Watches(&corev1.Event{}, handler.EnqueueRequestsFromMapFunc(wakes.event),
			builder.WithPredicates(predicate.Funcs{UpdateFunc: never, DeleteFunc: neverDeleted})).
		WatchesRawSource(told(p.inbox, 0)).
		WithOptions(controller.Options{MaxConcurrentReconciles: side, EnableWarmup: new(true)}).
		Build(r)
	if err != nil {
		return fmt.Errorf("starting the reconciler: %w", err)
	}
	if !p.kinds.Await(ctx, kserve.ScaledObjectKind, kserve.TriggerAuthenticationKind) {
		return nil
	}
	if err := cluster.AddIndexes(ctx, mgr.GetFieldIndexer(), cluster.NewObject(kserve.ScaledObjectKind)); err != nil {
		return err
	}
	for _, s := range []source.Source{
		source.Kind(mgr.GetCache(), client.Object(cluster.NewObject(kserve.ScaledObjectKind)),
			handler.EnqueueRequestsFromMapFunc(wakes.scaledObject), predicate.Funcs{UpdateFunc: scaledObjectChanged}),
		source.Kind(mgr.GetCache(), client.Object(cluster.NewObject(kserve.TriggerAuthenticationKind)),
			handler.EnqueueRequestsFromMapFunc(wakes.authentication)),
	} {
		if err := c.Watch(s); err != nil {
			return fmt.Errorf("watching KEDA's objects: %w", err)
		}
	}
	p.inbox.Judge(r.stuck)
	if err := addDeputy(mgr, r, p.inbox); err != nil {
		return err
	}
	return mgr.Add(leading{func(ctx context.Context) error {
		gateways := func() int { _, n := p.inbox.All(); return n }
		return p.meter.Run(ctx, mgr.GetLogger(), func(ctx context.Context) (meter.Seen, error) { return r.look(ctx, gateways) })
	}})
}

// know lets the inbox tell the services that exist, once all are watched.
func know(ctx context.Context, mgr ctrl.Manager, to *inbox.Inbox) error {
	if _, err := mgr.GetCache().GetInformer(ctx, cluster.NewObject(kserve.InferenceServiceKind)); err != nil {
		return fmt.Errorf("watching InferenceServices: %w", err)
	}
	to.Know(func(s demand.Service) bool {
		err := mgr.GetClient().Get(ctx, client.ObjectKey(s), cluster.NewObject(kserve.InferenceServiceKind))
		return !apierrors.IsNotFound(err)
	})
	return nil
}
