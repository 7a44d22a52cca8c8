package snapshot

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
)

// ReadAll makes a snapshot of each service of a namespace, or of all where it is
// empty, with a fixed number of lists however many services there are.
func ReadAll(ctx context.Context, api client.Reader, namespace string) ([]explain.Snapshot, error) {
	l := cluster.NewListing(api, namespace)
	services := cluster.NewList(kserve.InferenceServiceKind)
	if err := l.List(ctx, services, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("reading InferenceServices: %w", err)
	}
	note, err := inbox.ReadSummary(ctx, api, time.Now())
	if err != nil {
		return nil, err
	}
	r := Reader{From: l, Parts: AllParts}
	all := make([]explain.Snapshot, 0, len(services.Items))
	for i := range services.Items {
		s, err := r.About(ctx, &services.Items[i])
		if err != nil {
			return nil, err
		}
		s.Demand = note.Of(s.InferenceService.Namespace, s.InferenceService.Name)
		all = append(all, s)
	}
	return all, nil
}
