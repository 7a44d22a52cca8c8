package explain

import (
	"cmp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Holder is a pod with GPUs.
type Holder struct {
	Pod       string    `json:"pod"`
	Namespace string    `json:"namespace"`
	Service   string    `json:"service"` // "": it is of no InferenceService
	Node      string    `json:"node"`    // "": of none yet
	GPUs      int       `json:"gpus"`
	State     string    `json:"state"` // pending, starting, ready, draining
	Phase     string    `json:"phase,omitempty"`
	Since     time.Time `json:"since"` // it was made, or asked to leave
}

// A Node has GPUs.
type Node struct {
	Name    string `json:"name"`
	GPUs    int    `json:"gpus"`
	Product string `json:"product,omitempty"`
	Cordon  bool   `json:"cordoned"`
}

// GPUNodes are those that have GPUs, sorted by name.
func GPUNodes(all []corev1.Node) []Node {
	nodes := []Node{}
	for _, n := range all {
		g := 0
		for name, q := range n.Status.Allocatable {
			if vllm.IsGPU(name) {
				g += int(q.Value())
			}
		}
		if g > 0 {
			nodes = append(nodes, Node{n.Name, g, vllm.Product(n.Labels), n.Spec.Unschedulable})
		}
	}
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	return nodes
}

// Holders are the pods that hold GPUs or wait for some, sorted by node, service and name.
func Holders(pods []corev1.Pod) []Holder {
	all := []Holder{}
	for _, p := range pods {
		g := vllm.GPUsOfPod(p.Spec.Containers)
		gpus := g.Whole + len(g.Shares)
		if gpus == 0 || !alive(p) && p.DeletionTimestamp == nil {
			continue
		}
		all = append(all, holder(p, gpus))
	}
	slices.SortFunc(all, func(a, b Holder) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Pod, b.Pod))
	})
	return all
}

func holder(p corev1.Pod, gpus int) Holder {
	h := Holder{
		Pod: p.Name, Namespace: p.Namespace, Service: p.Labels[kserve.ServiceLabel], Node: p.Spec.NodeName, GPUs: gpus,
		Since: p.CreationTimestamp.UTC(),
	}
	switch ready := find(p, corev1.PodReady); {
	case p.DeletionTimestamp != nil:
		h.State, h.Since = "draining", p.DeletionTimestamp.UTC()
		if s := p.DeletionGracePeriodSeconds; s != nil { // the timestamp is when the grace ends
			h.Since = h.Since.Add(-time.Duration(*s) * time.Second)
		}
	case ready.Status == corev1.ConditionTrue:
		h.State = "ready"
	case has(p, corev1.PodScheduled, corev1.ConditionTrue):
		h.State, h.Phase = "starting", startPhase(p)
	default:
		h.State, h.Phase = "pending", "no node yet"
	}
	return h
}

// startPhase is what a pod on a node is waiting for.
func startPhase(p corev1.Pod) string {
	for _, c := range p.Status.InitContainerStatuses {
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "PodInitializing":
			return "init container " + c.Name + ": " + c.State.Waiting.Reason
		case c.State.Running != nil && !strings.HasPrefix(c.Name, "istio"):
			return "init container " + c.Name
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason == "ContainerCreating":
			return "pulling the image"
		case c.State.Waiting != nil:
			return c.State.Waiting.Reason
		case c.State.Running != nil && !c.Ready:
			return "running, not ready: loading the model"
		}
	}
	return "on its node"
}

// ColdStart is the median time from the making of a ready pod until it was ready; 0 where
// none is.
func (s Snapshot) ColdStart() time.Duration {
	var all []time.Duration
	for _, p := range s.Pods {
		if c := find(p, corev1.PodReady); alive(p) && c.Status == corev1.ConditionTrue {
			all = append(all, c.LastTransitionTime.Sub(p.CreationTimestamp.Time))
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
