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
func ScaledObject(ctx context.Context, c client.Client, manager string, seen, so *kserve.ScaledObject) (changed bool, err error) {
	want, err := Encode(so)
	if err != nil {
		return false, err
	}
	have := cluster.NewObject(kserve.ScaledObjectKind)
	switch err := c.Get(ctx, client.ObjectKeyFromObject(want), have); {
	case err == nil:
		if again, err := drifted(want, have, manager); err != nil || !again {
			return false, err
		}
	case !apierrors.IsNotFound(err):
		return false, fmt.Errorf("reading ScaledObject %s: %w", so.Name, err)
	}
	if seen != nil {
		want.SetResourceVersion(seen.ResourceVersion)
	}
	if err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(want), client.FieldOwner(manager), client.ForceOwnership); err != nil {
		return false, fmt.Errorf("applying ScaledObject %s: %w", so.Name, err)
	}
	return true, nil
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
