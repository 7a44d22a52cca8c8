package explain

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
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

// Fleet is the replicas as a step sees them. Times count from the epoch.
func (s Snapshot) Fleet() law.Fleet {
	f := law.Fleet{Crashing: s.allCrashing() != nil}
	if s.Deployment != nil {
		f.Desired, f.Ready = int(wantedReplicas(*s.Deployment)), int(s.Deployment.Status.ReadyReplicas)
	}
	for _, p := range s.Pods {
		pod := podOf(p)
		switch {
		case pod.Deleting:
			f.Draining++
		case pod.Phase == law.PodFailed:
		case pod.Phase == law.PodPending:
			f.Pending++
		case !pod.Ready:
			f.Starting++
		}
		f.Pods = append(f.Pods, pod)
	}
	return f
}

// podOf takes a pod for pending until a node has taken it, and for running from then on.
func podOf(p corev1.Pod) law.Pod {
	pod := law.Pod{Name: p.Name, Phase: law.PodRunning, Deleting: p.DeletionTimestamp != nil, CreatedAt: reading.SinceEpoch(p.CreationTimestamp.Time)}
	if p.Status.StartTime != nil {
		pod.StartedAt = reading.SinceEpoch(p.Status.StartTime.Time)
	}
	for _, c := range p.Status.Conditions {
		switch {
		case c.Type == corev1.PodReady:
			pod.Ready = c.Status == corev1.ConditionTrue
			if !c.LastTransitionTime.IsZero() {
				pod.ChangedAt = reading.SinceEpoch(c.LastTransitionTime.Time)
			}
		case c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse:
			pod.Phase = law.PodPending
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if r := c.State.Running; r != nil {
			pod.RunsAt = max(pod.RunsAt, reading.SinceEpoch(r.StartedAt.Time))
		}
	}
	if !alive(p) && !pod.Deleting {
		pod.Phase = law.PodFailed
	}
	return pod
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

// countHeld is a clause.
func countHeld(n int) string {
	if n == 1 {
		return "1 request is held"
	}
	return fmt.Sprintf("%d requests are held", n)
}

func countReady(n int32) string {
	if n == 1 {
		return "1 ready replica"
	}
	return fmt.Sprintf("%d ready replicas", n)
}

func countPods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

func wantedReplicas(d appsv1.Deployment) int32 { return ptr.Deref(d.Spec.Replicas, 1) }
