package kubetest

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// Client holds objects, also of KServe's and KEDA's kinds.
func Client(t *testing.T, objects ...client.Object) client.WithWatch {
	t.Helper()
	return Builder(t).WithObjects(objects...).Build()
}

// Builder is for a client that does more than hold objects.
func Builder(t *testing.T) *fake.ClientBuilder {
	t.Helper()
	scheme, err := cluster.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	var custom []client.Object
	for _, kind := range []schema.GroupVersionKind{kserve.InferenceServiceKind, kserve.ScaledObjectKind, kserve.TriggerAuthenticationKind} {
		scheme.AddKnownTypeWithName(kind, &unstructured.Unstructured{})
		scheme.AddKnownTypeWithName(kind.GroupVersion().WithKind(kind.Kind+"List"), &unstructured.UnstructuredList{})
		custom = append(custom, cluster.NewObject(kind))
	}
	b := fake.NewClientBuilder().WithScheme(scheme).
		WithIndex(&corev1.Event{}, "involvedObject.kind", func(o client.Object) []string {
			if e, ok := o.(*corev1.Event); ok {
				return []string{e.InvolvedObject.Kind}
			}
			return nil
		}).
		WithIndex(&appsv1.Deployment{}, "metadata.name", func(o client.Object) []string { return []string{o.GetName()} })
	indexed := append(custom, &v1alpha1.InferenceAutoscaler{}, &appsv1.Deployment{}, &corev1.Pod{}, &corev1.Event{}, &autoscalingv2.HorizontalPodAutoscaler{})
	if err := cluster.AddIndexes(t.Context(), indexer{b}, indexed...); err != nil {
		t.Fatal(err)
	}
	return b
}

// indexer adds to the client what a controller adds to its cache.
type indexer struct{ *fake.ClientBuilder }

func (i indexer) IndexField(_ context.Context, o client.Object, field string, values client.IndexerFunc) error {
	i.WithIndex(o, field, values)
	return nil
}

// Untyped is an object as the API server gives it for a kind that has no Go type here.
func Untyped(t *testing.T, kind schema.GroupVersionKind, o any) *unstructured.Unstructured {
	t.Helper()
	text, err := yaml.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &u.Object); err != nil {
		t.Fatal(err)
	}
	u.SetGroupVersionKind(kind)
	return u
}
