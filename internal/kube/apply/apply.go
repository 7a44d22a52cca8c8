package apply

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// ScaledObject sends the fields that are the manager's, unless they stand there already; the
// API server leaves the rest alone. What was decided on an object that was seen, and is
// another one by now, is a conflict: a minimum that was raised meanwhile must not be lowered.
// An older KEDA gets the object without the fields that it does not know, and without what
// would do harm without these.
func ScaledObject(ctx context.Context, c client.Client, manager string, seen, so *kserve.ScaledObject) (changed bool, without []string, err error) {
	want, err := Encode(so)
	if err != nil {
		return false, nil, err
	}
	have := cluster.NewObject(kserve.ScaledObjectKind)
	there := true
	if err := c.Get(ctx, client.ObjectKeyFromObject(want), have); err != nil {
		if there = !apierrors.IsNotFound(err); there {
			return false, nil, fmt.Errorf("reading ScaledObject %s: %w", so.Name, err)
		}
	}
	for {
		if there {
			if again, err := drifted(want, have, manager); err != nil || !again {
				return false, without, err
			}
		}
		if seen != nil {
			want.SetResourceVersion(seen.ResourceVersion)
		}
		err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(want), client.FieldOwner(manager), client.ForceOwnership)
		if err == nil {
			return true, without, nil
		}
		left := leave(want, err)
		if len(left) == 0 {
			return false, without, fmt.Errorf("applying ScaledObject %s: %w", so.Name, err)
		}
		without = append(without, left...)
	}
}

// Remove deletes just the ScaledObject that was seen, and not one that has taken its name.
func Remove(ctx context.Context, c client.Client, seen *kserve.ScaledObject) (changed bool, err error) {
	o := cluster.NewObject(kserve.ScaledObjectKind)
	o.SetName(seen.Name)
	o.SetNamespace(seen.Namespace)
	switch err := c.Delete(ctx, o, client.Preconditions{UID: &seen.UID}); {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("deleting ScaledObject %s: %w", seen.Name, err)
	}
	return true, nil
}

// Encode keeps to the fields that are set, as server-side apply must. Its numbers are
// those of a decoded object.
func Encode(so *kserve.ScaledObject) (*unstructured.Unstructured, error) {
	o := cluster.NewObject(kserve.ScaledObjectKind)
	data, err := json.Marshal(so)
	if err == nil {
		err = utiljson.Unmarshal(data, &o.Object)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding ScaledObject %s: %w", so.Name, err)
	}
	unstructured.RemoveNestedField(o.Object, "metadata", "creationTimestamp")
	return o, nil
}
