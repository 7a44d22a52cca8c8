package apply

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

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
		if changed, _, err := ScaledObject(t.Context(), c, "one", nil, object(step.least)); changed != step.changed || err != nil {
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
	if changed, _, err := ScaledObject(t.Context(), c, "one", nil, object(2)); changed || err != nil {
		t.Errorf("another one's label: %v, %v, want no write", changed, err)
	}
	if _, _, err := ScaledObject(t.Context(), c, "one", seen, object(3)); !apierrors.IsConflict(err) {
		t.Errorf("of an older object: %v, want a conflict", err)
	}
}

// INV-3: the words are those of the API server in front of KEDA 2.16.1.
func TestOlderKEDA(t *testing.T) {
	const fallback = ".spec.fallback.behavior: field not declared in schema"
	const behavior = ".spec.advanced.horizontalPodAutoscalerConfig.behavior."
	for name, tc := range map[string]struct {
		refused string
		without []string
		fails   bool
	}{
		"a fallback": {fallback, []string{"spec.fallback.behavior"}, false},
		"and a tolerance": {"errors:\n  " + fallback + "\n  " + behavior + "scaleUp.tolerance: field not declared in schema",
			[]string{"spec.fallback.behavior", "spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.tolerance"}, false},
		"what it cannot do without": {".spec.triggers: field not declared in schema", nil, true},
		"one of both":               {"errors:\n  " + fallback + "\n  .spec.triggers: field not declared in schema", nil, true},
		"something else":            {"the webhook says no", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			refusals := 0
			c := interceptor.NewClient(kubetest.Builder(t).WithReturnManagedFields().Build(), interceptor.Funcs{
				Apply: func(ctx context.Context, to client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
					text, err := json.Marshal(o)
					if err != nil {
						return err
					}
					if strings.Contains(string(text), `"fallback"`) {
						refusals++
						return apierrors.NewInternalError(errors.New("failed to create typed patch object (demo/llama; keda.sh/v1alpha1, Kind=ScaledObject): " + tc.refused))
					}
					return to.Apply(ctx, o, opts...)
				},
			})
			want := object(1)
			want.Spec.Fallback = &kserve.Fallback{Replicas: 1, FailureThreshold: 3, Behavior: "currentReplicasIfHigher"}
			want.Spec.Advanced = &kserve.Advanced{}
			want.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
				ScaleUp: &autoscalingv2.HPAScalingRules{Tolerance: new(resource.MustParse("0"))},
			}
			for i := range 2 { // the second time it stands there already
				changed, without, err := ScaledObject(t.Context(), c, "one", nil, want)
				if (err != nil) != tc.fails || !slices.Equal(without, tc.without) || changed != (!tc.fails && i == 0) || refusals != i+1 {
					t.Errorf("%d: ScaledObject = %v, %v, %v after %d refusals, want without %v, an error: %v", i, changed, without, err, refusals, tc.without, tc.fails)
				}
			}
		})
	}
}
