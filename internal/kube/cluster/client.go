package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// NewClient knows Kubernetes' own kinds and the aggregator's; those of KServe and
// KEDA are unstructured.
func NewClient(config *rest.Config) (client.Client, error) {
	scheme, err := NewScheme()
	if err != nil {
		return nil, err
	}
	return client.New(config, client.Options{Scheme: scheme})
}

// NewScheme knows Kubernetes' own kinds, the aggregator's and Flyball's.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiregistrationv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering kinds: %w", err)
		}
	}
	return scheme, nil
}

// NewObject is an empty one of a kind.
func NewObject(kind schema.GroupVersionKind) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	return o
}

// NewList is an empty list of objects of a kind.
func NewList(kind schema.GroupVersionKind) *unstructured.UnstructuredList {
	l := &unstructured.UnstructuredList{}
	l.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return l
}

// ReadAll lists a kind of KServe or KEDA.
func ReadAll[T any](ctx context.Context, c client.Reader, kind schema.GroupVersionKind, opts ...client.ListOption) ([]T, error) {
	list := NewList(kind)
	if err := c.List(ctx, list, opts...); err != nil {
		return nil, fmt.Errorf("reading %ss: %w", kind.Kind, err)
	}
	all := make([]T, len(list.Items))
	for i := range list.Items {
		if err := kserve.Decode(&list.Items[i], &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Slim keeps of a pod what says how it is, its cost and its priority: there are many.
func Slim(o any) (any, error) {
	p, ok := o.(*corev1.Pod)
	if !ok {
		return o, nil
	}
	kept := map[string]string{}
	if cost, ok := p.Annotations[corev1.PodDeletionCost]; ok {
		kept[corev1.PodDeletionCost] = cost
	}
	p.ManagedFields, p.Annotations, p.Spec = nil, kept, corev1.PodSpec{NodeName: p.Spec.NodeName, Priority: p.Spec.Priority}
	return p, nil
}
