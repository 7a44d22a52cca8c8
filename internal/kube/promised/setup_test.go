package promised

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// Of who has set an object's fields those are kept by whom Flyball knows its own.
func TestApplied(t *testing.T) {
	for _, o := range []client.Object{cluster.NewObject(kserve.ScaledObjectKind), &corev1.Namespace{}} {
		o.SetManagedFields([]metav1.ManagedFieldsEntry{
			{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationUpdate}, {Manager: "flyball-scaler", Operation: metav1.ManagedFieldsOperationApply},
			{Manager: "keda", Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status"},
		})
		if _, err := applied(o); err != nil {
			t.Fatal(err)
		}
		if left := o.GetManagedFields(); len(left) != 1 || left[0].Manager != "flyball-scaler" {
			t.Errorf("%T: %+v are left, want flyball-scaler's", o, left)
		}
	}
	if gone, err := applied(toolscache.DeletedFinalStateUnknown{Key: "demo/llama"}); err != nil || gone == nil {
		t.Errorf("of what is gone: %v, %v", gone, err)
	}
}
