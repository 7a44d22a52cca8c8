package explain

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// A Stage is a link of the chain as it is now: what it says, since when, and how to fix it.
type Stage struct {
	Link   string    `json:"link"`
	Broken bool      `json:"broken"` // it does not follow the one before it
	Said   string    `json:"said"`
	Since  time.Time `json:"since,omitzero"` // zero: nothing there says it
	Fix    string    `json:"fix,omitempty"`
}

// Chain is every link, in order. The first that is broken has the fix of the service's
// reason.
func (s Snapshot) Chain() []Stage {
	chain := make([]Stage, 0, numLinks)
	why := s.explain()
	told := !why.Reason.callsForAttention()
	for _, l := range Links() {
		g := s.stage(l)
		g.Link, g.Broken = l.String(), s.Behind(l)
		if g.Broken && !told {
			told = true
			g.Said, g.Fix = g.Said+": "+why.Message, why.Fix
		}
		chain = append(chain, g)
	}
	return chain
}

func (s Snapshot) stage(l Link) Stage {
	switch l {
	case LinkMetric:
		return s.metricStage()
	case LinkKEDA:
		return s.kedaStage()
	case LinkHPA:
		return s.hpaStage()
	case LinkDeployment:
		return s.deploymentStage()
	case LinkPods:
		return s.podsStage()
	case numLinks:
	}
	return Stage{}
}

func (s Snapshot) metricStage() Stage {
	c := s.hpaCondition(autoscalingv2.ScalingActive)
	g := Stage{Said: "the HPA has no value yet", Since: c.LastTransitionTime.UTC()}
	switch a, ok := s.Ask(); {
	case c.Status == corev1.ConditionFalse:
		g.Said = c.Reason
	case ok:
		g.Said = a.Sum
	}
	return g
}

func (s Snapshot) kedaStage() Stage {
	switch {
	case s.NoKEDA:
		return Stage{Said: "KEDA is not installed"}
	case s.ScaledObject == nil:
		return Stage{Said: "no ScaledObject"}
	}
	lo, hi := s.ScaledObject.Bounds()
	g := Stage{Said: fmt.Sprintf("ScaledObject %s, %d to %d replicas", s.ScaledObject.Name, lo, hi), Since: s.ScaledObject.CreationTimestamp.UTC()}
	switch ready, active := s.kedaCondition("Ready"), s.kedaCondition("Active"); {
	case ready.Status == "False":
		g.Said += ", not ready: " + ready.Reason
	case active.Status == "True":
		g.Said += ", active"
	case active.Status == "False":
		g.Said += ", not active"
	}
	return g
}

func (s Snapshot) hpaStage() Stage {
	if len(s.HPAs) == 0 {
		return Stage{Said: "no HPA"}
	}
	h := s.HPAs[0]
	g := Stage{Said: fmt.Sprintf("%s asks for %d", h.Name, h.Status.DesiredReplicas), Since: h.CreationTimestamp.UTC()}
	if t := h.Status.LastScaleTime; t != nil {
		g.Since = t.UTC()
	}
	return g
}

func (s Snapshot) deploymentStage() Stage {
	d := s.Deployment
	if d == nil {
		return Stage{Said: "no Deployment"}
	}
	g := Stage{Said: fmt.Sprintf("%d of %d pods", d.Status.Replicas, wantedReplicas(*d)), Since: d.CreationTimestamp.UTC()}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing {
			g.Since = c.LastUpdateTime.UTC()
		}
	}
	return g
}

// podsStage counts from when the last pod became ready, or while some are not from when the
// first of these was made.
func (s Snapshot) podsStage() Stage {
	n := s.Replicas()
	g := Stage{Said: fmt.Sprintf("%d ready", n.Ready)}
	for _, other := range []struct {
		count int
		word  string
	}{{n.Starting, "starting"}, {n.Pending, "pending"}, {n.Draining, "draining"}} {
		if other.count > 0 {
			g.Said += fmt.Sprintf(", %d %s", other.count, other.word)
		}
	}
	var waiting time.Time
	for _, p := range s.Pods {
		switch c := find(p, corev1.PodReady); {
		case !alive(p):
		case c.Status == corev1.ConditionTrue && c.LastTransitionTime.After(g.Since):
			g.Since = c.LastTransitionTime.UTC()
		case c.Status != corev1.ConditionTrue && (waiting.IsZero() || p.CreationTimestamp.Time.Before(waiting)):
			waiting = p.CreationTimestamp.UTC()
		}
	}
	if !waiting.IsZero() {
		g.Since = waiting
	}
	return g
}

func find(p corev1.Pod, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range p.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}
