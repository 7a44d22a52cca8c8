package kube

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/meter"
	"github.com/flyball-dev/flyball/internal/kube/snapshot"
)

// stuck is why no pod of a service can come. A gateway sees less: not what the
// administrator forbids. It sees InferenceAutoscalers, which the controller does not.
func (r *Reconciler) stuck(ctx context.Context, key demand.Service) string {
	if !r.Acts() {
		return ""
	}
	raw := cluster.NewObject(kserve.InferenceServiceKind)
	if err := r.Client.Get(ctx, client.ObjectKey(key), raw); err != nil {
		return ""
	}
	o, err := r.observe(ctx, r.Client, raw)
	if err != nil {
		return ""
	}
	o.Native = true
	return o.Stuck()
}

// look reads all services from what was watched; none while another controller acts.
func (r *Reconciler) look(ctx context.Context, gateways func() int) (meter.Seen, error) {
	ctx, end := r.Pulse.Begin(ctx, "looking at all services")
	defer end()
	seen := meter.Seen{Gateways: gateways()}
	if !r.Acts() {
		return seen, nil
	}
	services := cluster.NewList(kserve.InferenceServiceKind)
	if err := r.Client.List(ctx, services); err != nil {
		return seen, fmt.Errorf("reading InferenceServices: %w", err)
	}
	from := snapshot.Reader{From: r.Client, Parts: snapshot.AllParts, KEDA: r.KEDA}
	for i := range services.Items {
		s, err := from.About(ctx, &services.Items[i])
		if err != nil {
			return seen, err
		}
		d := r.Demand(demand.Service(client.ObjectKeyFromObject(&services.Items[i])))
		s.Demand, s.Servers = &d, r.Servers
		seen.Services = append(seen.Services, s)
	}
	return seen, nil
}
