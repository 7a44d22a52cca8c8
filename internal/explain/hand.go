package explain

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ByHand is who has set the replicas of a Deployment last through its scale, if that is
// neither the HPA nor KEDA. The API server takes the entry away when one of these sets
// them again.
func ByHand(d *appsv1.Deployment) *metav1.ManagedFieldsEntry {
	if d == nil {
		return nil
	}
	for i, f := range d.ManagedFields {
		if f.Subresource == "scale" && f.Manager != "kube-controller-manager" && !strings.HasPrefix(f.Manager, "keda") {
			return &d.ManagedFields[i]
		}
	}
	return nil
}

// scaledByHand tells that what somebody has set does not last.
func (s Snapshot) scaledByHand(v *Verdict) {
	by := ByHand(s.Deployment)
	if by == nil || s.paused() != nil {
		return
	}
	v.Warn("ScaledByHand", "%s set Deployment %s to %d replicas; KEDA and the HPA set them again as its metrics say. To keep a number: "+
		"kubectl annotate scaledobject %s -n %s autoscaling.keda.sh/paused-replicas=%d", by.Manager, s.Deployment.Name, wantedReplicas(*s.Deployment),
		s.ScaledObject.Name, s.ScaledObject.Namespace, wantedReplicas(*s.Deployment))
}
