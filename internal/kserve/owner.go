package kserve

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IsFlyballs is told by the label, or by the fields where someone took the label off.
func IsFlyballs(so *ScaledObject) bool {
	if so.Labels[ManagedByLabel] == Manager {
		return true
	}
	for _, f := range so.ManagedFields {
		if f.Manager == Manager && f.Operation == metav1.ManagedFieldsOperationApply {
			return true
		}
	}
	return false
}

// BelongsTo tells whether the service owns the object, by its UID too: a service may be
// deleted and made again.
func BelongsTo(so *ScaledObject, s *InferenceService) bool {
	c := metav1.GetControllerOfNoCopy(so)
	return c != nil && c.Kind == InferenceServiceKind.Kind && c.UID == s.UID
}

// OwnedBy tells whether the controller among the owners has this kind and name.
func OwnedBy(refs []metav1.OwnerReference, kind, name string) bool {
	c := metav1.GetControllerOfNoCopy(&metav1.ObjectMeta{OwnerReferences: refs})
	return c != nil && c.Kind == kind && c.Name == name
}
