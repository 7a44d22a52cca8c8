package cluster

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// Fields by which the objects of a service are found, so that no reading walks through
// a whole namespace.
const (
	ByTarget         = "spec.scaleTargetRef.name" // ScaledObjects and HPAs
	ByDeployment     = "predictor"                // InferenceServices, by the name of their Deployment
	ByAuthentication = "authenticationRef"        // InferenceServices, by the TriggerAuthentications that they name
	ByService        = "inferenceservice"         // pods, by KServe's label
	ByModel          = "model"                    // Deployments, by the models that they serve
	ByObject         = "involvedObject.uid"       // Events
	ByWorkload       = "workload"                 // InferenceAutoscalers, by what they scale in the end
)

// A part is one of the kinds that a service is told by.
type part struct {
	object client.Object
	list   func() client.ObjectList
	fields map[string]client.IndexerFunc
	// asked are the lists that together have every object of the kind which matters.
	asked []client.ListOption
}

// parts are new ones at each call.
func parts() []part {
	untyped := func(o *unstructured.Unstructured, fields map[string]client.IndexerFunc) part {
		return part{o, func() client.ObjectList { return NewList(o.GroupVersionKind()) }, fields, nil}
	}
	ofServices := []client.ListOption{client.HasLabels{kserve.ServiceLabel}}
	return []part{
		untyped(NewObject(kserve.InferenceServiceKind), map[string]client.IndexerFunc{
			ByDeployment: deploymentOf, ByAuthentication: authenticationsOf,
		}),
		untyped(NewObject(kserve.ScaledObjectKind), map[string]client.IndexerFunc{ByTarget: TargetOf}),
		untyped(NewObject(kserve.TriggerAuthenticationKind), nil),
		{&appsv1.Deployment{}, func() client.ObjectList { return &appsv1.DeploymentList{} }, map[string]client.IndexerFunc{ByModel: modelsOf}, ofServices},
		{&appsv1.StatefulSet{}, func() client.ObjectList { return &appsv1.StatefulSetList{} }, nil, nil},
		{&corev1.Namespace{}, func() client.ObjectList { return &corev1.NamespaceList{} }, nil, nil},
		{&corev1.Pod{}, func() client.ObjectList { return &corev1.PodList{} }, map[string]client.IndexerFunc{ByService: serviceOf}, ofServices},
		{
			&autoscalingv2.HorizontalPodAutoscaler{}, func() client.ObjectList { return &autoscalingv2.HorizontalPodAutoscalerList{} },
			map[string]client.IndexerFunc{ByTarget: TargetOf}, nil,
		},
		{&v1alpha1.InferenceAutoscaler{}, func() client.ObjectList { return &v1alpha1.InferenceAutoscalerList{} }, map[string]client.IndexerFunc{ByWorkload: workloadOf}, nil},
		{&corev1.Event{}, func() client.ObjectList { return &corev1.EventList{} }, map[string]client.IndexerFunc{ByObject: involvedIn}, []client.ListOption{
			client.MatchingFields{"involvedObject.kind": kserve.InferenceServiceKind.Kind},
			client.MatchingFields{"involvedObject.kind": kserve.ScaledObjectKind.Kind},
		}},
	}
}

// sameKind compares the kinds of two objects or lists, which custom resources name and
// others are.
func sameKind(a, b runtime.Object) bool {
	return fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b) &&
		a.GetObjectKind().GroupVersionKind().Kind == b.GetObjectKind().GroupVersionKind().Kind
}

// AddIndexes lets a cache find objects of these kinds by their fields.
func AddIndexes(ctx context.Context, to client.FieldIndexer, objects ...client.Object) error {
	for _, k := range parts() {
		for _, o := range objects {
			if !sameKind(k.object, o) {
				continue
			}
			for field, values := range k.fields {
				if err := to.IndexField(ctx, o, field, values); err != nil {
					return fmt.Errorf("indexing %T by %s: %w", o, field, err)
				}
			}
		}
	}
	return nil
}

// Services are the names of those InferenceServices in a cache of which a field has a
// value. Before the cache is filled there are none: their own events come.
func Services(ctx context.Context, from client.Reader, namespace, field, value string) []types.NamespacedName {
	list := NewList(kserve.InferenceServiceKind)
	if err := from.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{field: value}); err != nil {
		return nil
	}
	var keys []types.NamespacedName
	for i := range list.Items {
		keys = append(keys, client.ObjectKeyFromObject(&list.Items[i]))
	}
	return keys
}

func deploymentOf(o client.Object) []string { return []string{kserve.PredictorName(o.GetName())} }

func serviceOf(o client.Object) []string {
	if name := o.GetLabels()[kserve.ServiceLabel]; name != "" {
		return []string{name}
	}
	return nil
}

// TargetOf is the name of what a ScaledObject or an HPA scales.
func TargetOf(o client.Object) []string {
	switch o := o.(type) {
	case *autoscalingv2.HorizontalPodAutoscaler:
		return []string{o.Spec.ScaleTargetRef.Name}
	case *unstructured.Unstructured:
		if name, _, err := unstructured.NestedString(o.Object, "spec", "scaleTargetRef", "name"); err == nil {
			return []string{name}
		}
	}
	return nil
}

func workloadOf(o client.Object) []string {
	if a, ok := o.(*v1alpha1.InferenceAutoscaler); ok {
		return []string{objective.WorkloadOf(a.Spec.TargetRef).String()}
	}
	return nil
}

func modelsOf(o client.Object) []string {
	d, ok := o.(*appsv1.Deployment)
	if !ok {
		return nil
	}
	return explain.Models(&d.Spec.Template.Spec)
}

func authenticationsOf(o client.Object) []string {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return nil
	}
	s := &kserve.InferenceService{}
	if kserve.Decode(u, s) != nil {
		return nil
	}
	return kserve.Authentications(s)
}

func involvedIn(o client.Object) []string {
	if e, ok := o.(*corev1.Event); ok {
		return []string{string(e.InvolvedObject.UID)}
	}
	return nil
}
