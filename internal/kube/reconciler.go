package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Reconciler carries out what decide says about one InferenceService.
type Reconciler struct {
	Client client.Client
	Events events.EventRecorder

	said sync.Map // service → the notices last given, so that a resync does not repeat them
}

// Reconcile observes, decides, acts and tells.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	raw := newObject(InferenceServiceKind)
	if err := r.Client.Get(ctx, req.NamespacedName, raw); err != nil {
		r.said.Delete(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err) // the garbage collector follows the owner
	}
	if raw.GetDeletionTimestamp() != nil {
		return ctrl.Result{}, nil
	}
	o, err := r.observe(ctx, raw)
	if err != nil {
		return ctrl.Result{}, err
	}
	v := decide(o)
	err = r.act(ctx, o, v)
	if err != nil {
		v.warn("ApplyFailed", "%v", err)
	}
	r.tell(req.NamespacedName, raw, v.notices)
	return ctrl.Result{}, err
}

func newObject(kind schema.GroupVersionKind) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	return o
}

func (r *Reconciler) observe(ctx context.Context, raw *unstructured.Unstructured) (observed, error) {
	o := observed{service: &InferenceService{}, auths: map[string][]string{}}
	if err := Decode(raw, o.service); err != nil {
		return o, err
	}
	in := client.InNamespace(raw.GetNamespace())
	var hpas autoscalingv2.HorizontalPodAutoscalerList
	if err := r.Client.List(ctx, &hpas, in); err != nil {
		return o, fmt.Errorf("listing HorizontalPodAutoscalers: %w", err)
	}
	o.hpas = hpas.Items
	objects, err := r.list(ctx, ScaledObjectKind, in)
	if err != nil {
		return o, err
	}
	for i := range objects {
		so := ScaledObject{}
		if err := Decode(&objects[i], &so); err != nil {
			return o, err
		}
		if so.Name == predictorName(o.service.Name) {
			o.own = &so
		} else {
			o.others = append(o.others, so)
		}
	}
	auths, err := r.list(ctx, TriggerAuthenticationKind, in)
	if err != nil {
		return o, err
	}
	for i := range auths {
		o.auths[auths[i].GetName()] = secretsOf(&auths[i])
	}
	return o, nil
}

func (r *Reconciler) list(ctx context.Context, kind schema.GroupVersionKind, in client.InNamespace) ([]unstructured.Unstructured, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind)
	if err := r.Client.List(ctx, list, in); err != nil {
		return nil, fmt.Errorf("listing %ss: %w", kind.Kind, err)
	}
	return list.Items, nil
}

// secretsOf names the Secrets of a TriggerAuthentication, each once.
func secretsOf(auth *unstructured.Unstructured) []string {
	refs, _, err := unstructured.NestedSlice(auth.Object, "spec", "secretTargetRef")
	if err != nil {
		return nil
	}
	var names []string
	seen := map[string]bool{}
	for _, ref := range refs {
		if m, ok := ref.(map[string]any); ok {
			if name, _ := m["name"].(string); name != "" && !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

func (r *Reconciler) act(ctx context.Context, o observed, v verdict) error {
	switch v.action {
	case apply:
		return r.apply(ctx, v.apply)
	case remove:
		gone := newObject(ScaledObjectKind)
		gone.SetName(o.own.Name)
		gone.SetNamespace(o.own.Namespace)
		err := r.Client.Delete(ctx, gone, client.Preconditions{UID: &o.own.UID})
		if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
			return fmt.Errorf("deleting ScaledObject %s: %w", o.own.Name, err)
		}
		log.FromContext(ctx).Info("deleted ScaledObject", "name", o.own.Name)
	case release:
		return r.release(ctx, o.own)
	case keep:
	}
	return nil
}

// apply sends the fields that are Flyball's; the API server leaves the rest alone.
func (r *Reconciler) apply(ctx context.Context, so *ScaledObject) error {
	data, err := json.Marshal(so)
	if err != nil {
		return fmt.Errorf("encoding ScaledObject %s: %w", so.Name, err)
	}
	o := newObject(ScaledObjectKind)
	if err := json.Unmarshal(data, &o.Object); err != nil {
		return fmt.Errorf("encoding ScaledObject %s: %w", so.Name, err)
	}
	unstructured.RemoveNestedField(o.Object, "metadata", "creationTimestamp")
	if err := r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(Manager), client.ForceOwnership); err != nil {
		return fmt.Errorf("applying ScaledObject %s: %w", so.Name, err)
	}
	return nil
}

// release takes Flyball's label and field ownership off the object and leaves
// everything else as it is, so that KServe goes on with it without a gap.
func (r *Reconciler) release(ctx context.Context, so *ScaledObject) error {
	kept := []metav1.ManagedFieldsEntry{}
	for _, f := range so.ManagedFields {
		if f.Manager != Manager {
			kept = append(kept, f)
		}
	}
	if len(kept) == 0 {
		kept = append(kept, metav1.ManagedFieldsEntry{}) // the API's way to say "none"
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/resourceVersion", "value": so.ResourceVersion},
		{"op": "remove", "path": "/metadata/labels/" + strings.ReplaceAll(managedByLabel, "/", "~1")},
		{"op": "replace", "path": "/metadata/managedFields", "value": kept},
	})
	if err != nil {
		return fmt.Errorf("encoding the release of ScaledObject %s: %w", so.Name, err)
	}
	o := newObject(ScaledObjectKind)
	o.SetName(so.Name)
	o.SetNamespace(so.Namespace)
	if err := r.Client.Patch(ctx, o, client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("releasing ScaledObject %s: %w", so.Name, err)
	}
	log.FromContext(ctx).Info("handed ScaledObject over to KServe", "name", so.Name)
	return nil
}

// tell emits the notices when they differ from the last ones.
func (r *Reconciler) tell(key types.NamespacedName, about *unstructured.Unstructured, notices []notice) {
	var all strings.Builder
	for _, n := range notices {
		all.WriteString(n.reason + n.text)
	}
	if last, ok := r.said.Swap(key, all.String()); ok && last == all.String() {
		return
	}
	for _, n := range notices {
		kind := corev1.EventTypeNormal
		if n.warning {
			kind = corev1.EventTypeWarning
		}
		r.Events.Eventf(about, nil, kind, n.reason, "Reconcile", "%s", n.text)
	}
}
