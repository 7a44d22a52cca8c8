package apply

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

func object(least int32) *kserve.ScaledObject {
	so := &kserve.ScaledObject{}
	so.Name, so.Namespace = "llama", "demo"
	so.APIVersion, so.Kind = kserve.ScaledObjectKind.ToAPIVersionAndKind()
	so.Spec = kserve.ScaledObjectSpec{ScaleTargetRef: kserve.ScaleTarget{Name: "llama"}, MinReplicaCount: &least, Triggers: []kserve.Trigger{}}
	return so
}

// INV-1 and INV-2.
func TestScaledObject(t *testing.T) {
	c := kubetest.Builder(t).WithReturnManagedFields().Build()
	for i, step := range []struct {
		least   int32
		changed bool
	}{{1, true}, {1, false}, {2, true}} {
		if changed, err := ScaledObject(t.Context(), c, "one", nil, object(step.least)); changed != step.changed || err != nil {
			t.Errorf("step %d: ScaledObject(%d) = %v, %v, want %v", i, step.least, changed, err, step.changed)
		}
	}
	raw := cluster.NewObject(kserve.ScaledObjectKind)
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "demo", Name: "llama"}, raw); err != nil {
		t.Fatal(err)
	}
	seen := &kserve.ScaledObject{}
	if err := kserve.Decode(raw, seen); err != nil {
		t.Fatal(err)
	}
	raw.SetLabels(map[string]string{"of": "another"})
	if err := c.Update(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	if changed, err := ScaledObject(t.Context(), c, "one", nil, object(2)); changed || err != nil {
		t.Errorf("another one's label: %v, %v, want no write", changed, err)
	}
	if _, err := ScaledObject(t.Context(), c, "one", seen, object(3)); !apierrors.IsConflict(err) {
		t.Errorf("of an older object: %v, want a conflict", err)
	}
}
