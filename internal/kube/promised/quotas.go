package promised

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Quota is what a ResourceQuota says of one kind of GPUs.
type Quota struct {
	Namespace, Name string
	Resource        string
	Hard, Used      int
}

// followQuotas begins to. Where ResourceQuotas may not be read there are none, and nobody waits
// for them.
func (s *Services) followQuotas(ctx context.Context, from cache.Cache) error {
	i, err := from.GetInformer(ctx, &corev1.ResourceQuota{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("following ResourceQuotas: %w", err)
	}
	s.quotas = i.HasSynced
	return nil
}

// Quotas are those that count GPUs, in order, as far as they have been read. One with scopes,
// which counts some pods only, is left out.
func (s *Services) Quotas(ctx context.Context) ([]Quota, error) {
	if !s.Follows() || s.quotas == nil || !s.quotas() {
		return nil, nil
	}
	var list corev1.ResourceQuotaList
	if err := s.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("reading ResourceQuotas: %w", err)
	}
	var all []Quota
	for i := range list.Items {
		q := &list.Items[i]
		if len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(q.Status.Hard)) {
			resource, requests := strings.CutPrefix(string(name), "requests.")
			if !requests || !vllm.IsGPU(corev1.ResourceName(resource)) {
				continue
			}
			hard, used := q.Status.Hard[name], q.Status.Used[name]
			all = append(all, Quota{q.Namespace, q.Name, resource, int(hard.Value()), int(used.Value())})
		}
	}
	slices.SortStableFunc(all, func(a, b Quota) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}
