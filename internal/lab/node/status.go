//go:build linux

package node

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observed is what the worker knows about its pod when it writes the status.
type observed struct {
	now          metav1.Time
	startTime    metav1.Time
	ip, hostIP   string
	inits, mains []*container
	initialized  bool
	terminating  bool
	gates        []corev1.PodCondition // the object's conditions, among them those that others write
}

// newStatus is the pod's status as the kubelet would report it. Conditions that others own stay
// as they are in old.
func newStatus(pod *corev1.Pod, old corev1.PodStatus, o observed) corev1.PodStatus {
	s := *old.DeepCopy()
	s.ObservedGeneration = pod.Generation
	if !o.startTime.IsZero() {
		s.StartTime = &o.startTime
	}
	s.InitContainerStatuses = containerStatuses(o.inits, o)
	s.ContainerStatuses = containerStatuses(o.mains, o)
	if o.ip != "" {
		s.HostIP, s.HostIPs = o.hostIP, []corev1.HostIP{{IP: o.hostIP}}
		s.PodIP, s.PodIPs = o.ip, []corev1.PodIP{{IP: o.ip}}
	}
	// A pod that has ended never begins again.
	if s.Phase != corev1.PodSucceeded && s.Phase != corev1.PodFailed {
		s.Phase = phaseOf(pod.Spec.RestartPolicy, o)
	}
	setConditions(pod, &s, o)
	return s
}

func containerStatuses(list []*container, o observed) []corev1.ContainerStatus {
	var out []corev1.ContainerStatus
	for _, c := range list {
		started := c.started()
		status := corev1.ContainerStatus{
			Name:                 c.spec.Name,
			Image:                c.spec.Image,
			State:                c.state,
			LastTerminationState: c.last,
			Ready:                c.ready() && !o.terminating,
			Started:              &started,
			RestartCount:         max(0, c.runs-1),
		}
		if c.runs > 0 {
			status.ImageID = "flyball://" + c.spec.Image
			status.ContainerID = fmt.Sprintf("flyball://%s-%d", c.spec.Name, c.runs)
		}
		out = append(out, status)
	}
	return out
}

// phaseOf follows the kubelet's getPhase.
func phaseOf(policy corev1.RestartPolicy, o observed) corev1.PodPhase {
	for _, c := range o.inits {
		if policy == corev1.RestartPolicyNever && !c.sidecar && c.state.Terminated != nil && !c.succeeded() {
			return corev1.PodFailed
		}
	}
	if !o.initialized {
		return corev1.PodPending
	}
	return mainPhase(policy, o)
}

func mainPhase(policy corev1.RestartPolicy, o observed) corev1.PodPhase {
	var alive, failed int
	for _, c := range o.mains {
		switch {
		case c.state.Waiting != nil && c.last.Terminated == nil:
			return corev1.PodPending
		case c.state.Terminated == nil || c.restartable(policy) && !o.terminating:
			alive++ // running, or about to be again
		case !c.succeeded():
			failed++
		}
	}
	switch {
	case alive > 0:
		return corev1.PodRunning
	case failed > 0:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}

func setConditions(pod *corev1.Pod, s *corev1.PodStatus, o observed) {
	set := func(kind corev1.PodConditionType, ok bool, reason, message string) {
		c := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, ObservedGeneration: pod.Generation, LastTransitionTime: o.now}
		if !ok {
			c.Status, c.Reason, c.Message = corev1.ConditionFalse, reason, message
		}
		for i := range s.Conditions {
			if old := &s.Conditions[i]; old.Type == kind {
				if old.Status == c.Status {
					c.LastTransitionTime = old.LastTransitionTime
				}
				*old = c
				return
			}
		}
		s.Conditions = append(s.Conditions, c)
	}
	reason, message := "ContainersNotReady", unready(o)
	ended := map[corev1.PodPhase]string{corev1.PodSucceeded: "PodCompleted", corev1.PodFailed: "PodFailed"}
	if r, ok := ended[s.Phase]; ok {
		reason, message = r, ""
	}
	allReady := unready(o) == "" && s.Phase == corev1.PodRunning
	set(corev1.PodReadyToStartContainers, o.ip != "" && !finishedPhase(s.Phase), "", "")
	set(corev1.PodInitialized, o.initialized, "ContainersNotInitialized", "")
	set(corev1.ContainersReady, allReady, reason, message)
	if gate := closedGate(pod, o); allReady && gate != "" {
		allReady, reason, message = false, "ReadinessGatesNotReady", fmt.Sprintf("the readiness gate %q is not True", gate)
	}
	set(corev1.PodReady, allReady, reason, message)
}

// unready names the containers that are not ready; "" when all are.
func unready(o observed) string {
	var names []string
	for _, c := range o.inits {
		if c.sidecar && (!c.ready() || o.terminating) {
			names = append(names, c.spec.Name)
		}
	}
	for _, c := range o.mains {
		if !c.ready() || o.terminating {
			names = append(names, c.spec.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "containers with unready status: [" + strings.Join(names, " ") + "]"
}

func closedGate(pod *corev1.Pod, o observed) string {
	for _, g := range pod.Spec.ReadinessGates {
		open := false
		for _, c := range o.gates {
			open = open || c.Type == g.ConditionType && c.Status == corev1.ConditionTrue
		}
		if !open {
			return string(g.ConditionType)
		}
	}
	return ""
}

func finishedPhase(p corev1.PodPhase) bool {
	return p == corev1.PodSucceeded || p == corev1.PodFailed
}
