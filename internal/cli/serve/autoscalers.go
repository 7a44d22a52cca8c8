package serve

import (
	"time"

	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/autoscalers"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/native"
	"github.com/flyball-dev/flyball/internal/kube/promised"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/scaler"
)

// autoscalers are kept by the replica that leads, which decides every so often.
func (p parts) autoscalers(mgr ctrl.Manager, tells events.EventRecorder, kinds *cluster.Kinds, every time.Duration) *autoscalers.Reconciler {
	return &autoscalers.Reconciler{
		Settings: autoscalers.Settings{Address: config.Scaler + "." + p.namespace + ":9443"},
		Client:   mgr.GetClient(), Live: mgr.GetAPIReader(), Events: tells,
		KEDA:     func() bool { return p.services.Follows() && kinds.Served(kserve.ScaledObjectKind) },
		KServe:   func() bool { return kinds.Served(kserve.InferenceServiceKind) },
		Services: p.services, Decided: p.decided, Now: time.Now, Reading: cluster.NewReading(),
		Scales: native.New(mgr.GetClient(), tells, p.decided, p.book.Changed, every),
	}
}

// decided is the last decision on a service, in the words of a status.
func (p parts) decided(s promised.Service) *autoscaler.Decision {
	last, ok := p.book.Answer(pilot.Service(s.NamespacedName))
	if !ok || last.UID != s.UID {
		return nil
	}
	d := &autoscaler.Decision{
		Replicas: last.Replicas, Was: last.Was, Stale: time.Since(last.At) > scaler.MaxAge, Reasons: last.Reasons, Grant: last.Grant, Pods: last.Pods, Read: last.Read,
	}
	if all, ok := last.Tally.Total(); ok {
		d.Compared = &all
	}
	return d
}
