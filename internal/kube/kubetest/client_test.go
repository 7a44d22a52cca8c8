package kubetest

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// INV-1.
func TestClient(t *testing.T) {
	kind := schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}
	so := map[string]any{"metadata": map[string]any{"name": "a", "namespace": "demo"}}
	var list unstructured.UnstructuredList
	list.SetGroupVersionKind(kind)
	if err := Client(t, Untyped(t, kind, so)).List(t.Context(), &list); err != nil || len(list.Items) != 1 || list.Items[0].GetName() != "a" {
		t.Errorf("List = %v, %v, want the one object", list.Items, err)
	}
}
