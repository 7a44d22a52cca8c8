package kube

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/apply"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// act says whether it changed something that is worth telling.
func (r *Reconciler) act(ctx context.Context, o observed, v *explain.Verdict) (changed bool, err error) {
	switch v.Action {
	case explain.Create, explain.Adopt, explain.Rouse, explain.Settle, explain.GiveBack, explain.Repair:
		changed, without, err := apply.ScaledObject(ctx, r.Client, kserve.Manager, o.ScaledObject, v.Apply)
		v.OlderKEDA(without)
		return changed && v.Action != explain.Repair, err
	case explain.Remove:
		return apply.Remove(ctx, r.Client, o.ScaledObject)
	case explain.Release:
		return true, r.release(ctx, o.ScaledObject)
	case explain.Keep, explain.Wait, explain.Abstain:
	}
	return false, nil
}

// release takes Flyball's label and field ownership off the object and leaves
// everything else as it is, so that KServe goes on with it without a gap.
func (r *Reconciler) release(ctx context.Context, so *kserve.ScaledObject) error {
	kept := []metav1.ManagedFieldsEntry{}
	for _, f := range so.ManagedFields {
		if f.Manager != kserve.Manager {
			kept = append(kept, f)
		}
	}
	if len(kept) == 0 {
		kept = append(kept, metav1.ManagedFieldsEntry{}) // the API's way to say "none"
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": so.ResourceVersion, // else an entry made meanwhile is lost
		"labels":          map[string]any{kserve.ManagedByLabel: nil},
		"managedFields":   kept,
	}})
	if err != nil {
		return fmt.Errorf("encoding the release of ScaledObject %s: %w", so.Name, err)
	}
	o := cluster.NewObject(kserve.ScaledObjectKind)
	o.SetName(so.Name)
	o.SetNamespace(so.Namespace)
	if err := r.Client.Patch(ctx, o, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("releasing ScaledObject %s: %w", so.Name, err)
	}
	return nil
}
