package simulate

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// InCluster are the manifests of a service and of its Deployment, as somebody would have written
// them.
func InCluster(ctx context.Context, kube client.Reader, service *unstructured.Unstructured) (string, error) {
	docs := []map[string]any{written(service)}
	d := cluster.NewObject(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	key := types.NamespacedName{Namespace: service.GetNamespace(), Name: kserve.PredictorName(service.GetName())}
	switch err := kube.Get(ctx, key, d); {
	case err == nil:
		docs = append(docs, written(d))
	case !apierrors.IsNotFound(err):
		return "", fmt.Errorf("reading Deployment %s: %w", key, err)
	}
	var all []string
	for _, doc := range docs {
		text, err := yaml.Marshal(doc)
		if err != nil {
			return "", fmt.Errorf("writing the manifests: %w", err)
		}
		all = append(all, string(text))
	}
	return strings.Join(all, "---\n"), nil
}

// written leaves out what the API server and controllers have added.
func written(o *unstructured.Unstructured) map[string]any {
	metadata := map[string]any{"name": o.GetName(), "namespace": o.GetNamespace()}
	annotations := map[string]any{}
	for k, v := range o.GetAnnotations() {
		if strings.HasPrefix(k, kserve.Group+"/") {
			annotations[k] = v
		}
	}
	if len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	return map[string]any{"apiVersion": o.GetAPIVersion(), "kind": o.GetKind(), "metadata": metadata, "spec": o.Object["spec"]}
}
