package cluster_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// lists counts those that the API server is asked for.
type lists struct {
	client.Reader
	n int
}

func (l *lists) List(ctx context.Context, o client.ObjectList, opts ...client.ListOption) error {
	l.n++
	return l.Reader.List(ctx, o, opts...)
}

// INV-2: a listing and a cache with the same indexes find the same, the listing with a
// fixed number of lists.
func TestListingFindsAsACacheDoes(t *testing.T) {
	hpa := func(namespace, name, target string) client.Object {
		h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		h.Spec.ScaleTargetRef.Name = target
		return h
	}
	pod := func(name, service string) client.Object {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name, Labels: map[string]string{kserve.ServiceLabel: service}}}
	}
	so := kubetest.Untyped(t, kserve.ScaledObjectKind, map[string]any{
		"metadata": map[string]any{"namespace": "demo", "name": "theirs"},
		"spec":     map[string]any{"scaleTargetRef": map[string]any{"name": "a-predictor"}},
	})
	cache := kubetest.Client(t, so, hpa("demo", "a", "a-predictor"), hpa("demo", "b", "b-predictor"), hpa("other", "a", "a-predictor"),
		pod("a-1", "a"), pod("a-2", "a"), pod("b-1", "b"))
	api := &lists{Reader: cache}
	listing := cluster.NewListing(api, "")
	names := func(from client.Reader, list client.ObjectList, field, value string) []string {
		t.Helper()
		if err := from.List(t.Context(), list, client.InNamespace("demo"), client.MatchingFields{field: value}); err != nil {
			t.Fatal(err)
		}
		var all []string
		items, err := meta.ExtractList(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			all = append(all, item.(client.Object).GetName())
		}
		return all
	}
	for range 3 {
		for _, tc := range []struct {
			list         func() client.ObjectList
			field, value string
		}{
			{func() client.ObjectList { return &autoscalingv2.HorizontalPodAutoscalerList{} }, cluster.ByTarget, "a-predictor"},
			{func() client.ObjectList { return &corev1.PodList{} }, cluster.ByService, "a"},
			{func() client.ObjectList { return &corev1.PodList{} }, cluster.ByService, "nobody"},
			{func() client.ObjectList { return cluster.NewList(kserve.ScaledObjectKind) }, cluster.ByTarget, "a-predictor"},
		} {
			if diff := cmp.Diff(names(cache, tc.list(), tc.field, tc.value), names(listing, tc.list(), tc.field, tc.value)); diff != "" {
				t.Errorf("%T by %s=%s: -cache +listing\n%s", tc.list(), tc.field, tc.value, diff)
			}
		}
		for _, key := range []client.ObjectKey{{Namespace: "demo", Name: "b"}, {Namespace: "demo", Name: "none"}} {
			var fromCache, fromListing autoscalingv2.HorizontalPodAutoscaler
			want, got := cache.Get(t.Context(), key, &fromCache), listing.Get(t.Context(), key, &fromListing)
			if apierrors.IsNotFound(want) != apierrors.IsNotFound(got) || fromCache.Spec.ScaleTargetRef.Name != fromListing.Spec.ScaleTargetRef.Name {
				t.Errorf("Get(%s) = %v %v, want as the cache %v %v", key, fromListing.Spec, got, fromCache.Spec, want)
			}
		}
	}
	if api.n != 3 {
		t.Errorf("the API server was asked for %d lists, want 3", api.n)
	}
}
