package explain

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A Link is one of the chain from a metric to ready pods. Each follows the one before it.
type Link int

// The chain.
const (
	LinkMetric     Link = iota + 1 // the HPA reads the metric that KEDA serves
	LinkKEDA                       // the HPA has the ScaledObject's bounds, and a service that is asked for is not at zero
	LinkHPA                        // the Deployment has the replicas that the HPA wants
	LinkDeployment                 // the ReplicaSets have the pods that the Deployment wants
	LinkPods                       // and these are ready
	numLinks
)

func (l Link) String() string {
	names := [numLinks]string{LinkMetric: "metric", LinkKEDA: "keda", LinkHPA: "hpa", LinkDeployment: "deployment", LinkPods: "pods"}
	if l < LinkMetric || l >= numLinks {
		return fmt.Sprintf("Link(%d)", int(l))
	}
	return names[l]
}

// Links are all of them, in order.
func Links() []Link { return []Link{LinkMetric, LinkKEDA, LinkHPA, LinkDeployment, LinkPods} }

// Behind tells whether a link does not follow the one before it, now. A link that is not
// there is not behind: whether one is missing is a matter of the reason.
func (s Snapshot) Behind(l Link) bool {
	switch l {
	case LinkMetric:
		c := s.hpaCondition("ScalingActive")
		return c.Status == corev1.ConditionFalse && strings.HasPrefix(c.Reason, "FailedGet")
	case LinkKEDA:
		return s.kedaBehind()
	case LinkHPA:
		return s.hpaBehind()
	case LinkDeployment:
		d := s.Deployment
		return d != nil && (d.Status.ObservedGeneration < d.Generation || d.Status.Replicas != wantedReplicas(*d))
	case LinkPods:
		return s.Deployment != nil && s.Deployment.Status.ReadyReplicas < wantedReplicas(*s.Deployment)
	case numLinks:
	}
	return false
}

func (s Snapshot) kedaBehind() bool {
	if s.ScaledObject == nil || s.paused() != nil {
		return false
	}
	lo, hi := s.ScaledObject.Bounds()
	if s.Deployment != nil && wantedReplicas(*s.Deployment) == 0 && lo > 0 {
		return true
	}
	if len(s.HPAs) != 1 {
		return false
	}
	least := int32(1)
	if n := s.HPAs[0].Spec.MinReplicas; n != nil {
		least = *n
	}
	return least != max(1, lo) || s.HPAs[0].Spec.MaxReplicas != hi
}

func (s Snapshot) hpaBehind() bool {
	if len(s.HPAs) != 1 || s.Deployment == nil || wantedReplicas(*s.Deployment) == 0 {
		return false // at zero the HPA is at rest
	}
	h, n := s.HPAs[0], wantedReplicas(*s.Deployment)
	least := int32(1)
	if h.Spec.MinReplicas != nil {
		least = *h.Spec.MinReplicas
	}
	return n < least || n > h.Spec.MaxReplicas || n != h.Status.DesiredReplicas
}
