package explain

import corev1 "k8s.io/api/core/v1"

// Replicas counts the pods of a service by state. A pod that has ended is none.
type Replicas struct{ Pending, Starting, Ready, Draining int }

// Replicas are those of the snapshot.
func (s Snapshot) Replicas() Replicas {
	var n Replicas
	for _, p := range s.Pods {
		switch {
		case p.DeletionTimestamp != nil:
			n.Draining++
		case !alive(p):
		case has(p, corev1.PodReady, corev1.ConditionTrue):
			n.Ready++
		case has(p, corev1.PodScheduled, corev1.ConditionTrue):
			n.Starting++
		default:
			n.Pending++
		}
	}
	return n
}

func has(p corev1.Pod, kind corev1.PodConditionType, status corev1.ConditionStatus) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == kind {
			return c.Status == status
		}
	}
	return false
}
