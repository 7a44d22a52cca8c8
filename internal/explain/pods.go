package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/flyball-dev/flyball/internal/vllm"
)

// unplaced is a pod that no node takes; the scheduler says why.
func (s Snapshot) unplaced() *explanation {
	count, said := 0, ""
	for _, p := range s.Pods {
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && alive(p) {
				count++
				said, _, _ = strings.Cut(c.Message, " preemption:")
			}
		}
	}
	if count == 0 {
		return nil
	}
	e := explanation{Unplaced, fmt.Sprintf("%s cannot be scheduled: %s", countPods(count), strings.TrimSuffix(said, ".")), ""}
	if vllm.NamesGPU(said) {
		e.Reason = NoGPU
	}
	return &e
}

// Unplaced counts the pods that no node takes, and those of which this has been so since
// before a time: no node will come for these.
func (s Snapshot) Unplaced(before time.Time) (all, long int) {
	for _, p := range s.Pods {
		for _, c := range p.Status.Conditions {
			if c.Type != corev1.PodScheduled || c.Status != corev1.ConditionFalse || !alive(p) {
				continue
			}
			all++
			if c.LastTransitionTime.Time.Before(before) {
				long++
			}
		}
	}
	return all, long
}

// denied is a Deployment whose pods the API server does not take: a quota, or a
// security policy.
func (s Snapshot) denied() *explanation {
	if s.Deployment == nil {
		return nil
	}
	for _, c := range s.Deployment.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return &explanation{Denied, c.Message, fmt.Sprintf("kubectl get resourcequota -n %s", s.Deployment.Namespace)}
		}
	}
	return nil
}

// crashing is a container that Kubernetes has given up to start at once.
func (s Snapshot) crashing() *explanation {
	for _, p := range s.Pods {
		for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			w := c.State.Waiting
			if w == nil || w.Reason == "ContainerCreating" || w.Reason == "PodInitializing" || !alive(p) {
				continue
			}
			fix := fmt.Sprintf("kubectl describe pod %s -n %s", p.Name, p.Namespace)
			if w.Reason == "CrashLoopBackOff" {
				fix = fmt.Sprintf("kubectl logs %s -n %s -c %s --previous", p.Name, p.Namespace, c.Name)
			}
			return &explanation{Crashing, fmt.Sprintf("pod %s: %s: %s", p.Name, w.Reason, w.Message), fix}
		}
	}
	return nil
}

func (s Snapshot) starting() *explanation {
	if s.Deployment == nil {
		return &explanation{Starting, "its Deployment does not exist yet", ""}
	}
	if n := int(wantedReplicas(*s.Deployment) - s.Deployment.Status.ReadyReplicas); n > 0 {
		return &explanation{Starting, countPods(n) + " not ready yet", ""}
	}
	return nil
}

// alive leaves out the pods that no longer count: ended, evicted, or leaving.
func alive(p corev1.Pod) bool {
	return p.DeletionTimestamp == nil && p.Status.Phase != corev1.PodFailed && p.Status.Phase != corev1.PodSucceeded
}

func countPods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

func wantedReplicas(d appsv1.Deployment) int32 { return ptr.Deref(d.Spec.Replicas, 1) }
