package explain

import (
	"fmt"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/keda"
)

// A Card says of one number of replicas why it is that. From = To: nothing changed.
type Card struct {
	At   time.Time `json:"at"`
	From int32     `json:"from"`
	To   int32     `json:"to"`
	Text string    `json:"text"`
}

// Changed is the card of a change of the desired replicas between two looks at a service,
// the second of them at a time.
func Changed(before, after Snapshot, at time.Time) (Card, bool) {
	if before.Deployment == nil || after.Deployment == nil || before.Deployment.UID != after.Deployment.UID {
		return Card{}, false
	}
	c := Card{At: at, From: wantedReplicas(*before.Deployment), To: wantedReplicas(*after.Deployment)}
	switch by := ByHand(after.Deployment); {
	case c.From == c.To:
		return Card{}, false
	case by != nil:
		c.Text = "set by hand, with " + by.Manager
	case c.To == 0:
		c.Text = fmt.Sprintf("KEDA: no trigger was active for the cooldown period of %s", after.cooldown())
	case c.From == 0:
		c.Text = after.roused()
	default:
		c.Text = after.reckoned(c.From, c.To)
		c.At = scaledAt(before, after, at)
	}
	if after.Demand != nil && after.Demand.Held > 0 && c.To > c.From {
		c.Text += "; " + countHeld(after.Demand.Held)
	}
	return c, true
}

// scaledAt is when the HPA says that it scaled, if it has since the first look.
func scaledAt(before, after Snapshot, at time.Time) time.Time {
	last := func(s Snapshot) time.Time {
		if len(s.HPAs) == 0 || s.HPAs[0].Status.LastScaleTime == nil {
			return time.Time{}
		}
		return s.HPAs[0].Status.LastScaleTime.Time
	}
	if t := last(after); t.After(last(before)) && t.Before(at) {
		return t.UTC()
	}
	return at
}

// Standing is the card of the number that is desired now.
func (s Snapshot) Standing(at time.Time) Card {
	c := Card{At: at}
	if s.Deployment == nil {
		c.Text = s.explain().Message
		return c
	}
	c.From = wantedReplicas(*s.Deployment)
	c.To = c.From
	switch a, ok := s.Ask(); {
	case c.To == 0, !ok:
		c.Text = s.explain().Message
	case a.Within:
		c.Text = fmt.Sprintf("%s is %s replicas, within the tolerance of %d", a.Sum, figure(a.Load), c.To)
	default:
		c.Text = s.reckoned(c.To, c.To)
	}
	return c
}

// reckoned says how the HPA's metrics and rules come to a number.
func (s Snapshot) reckoned(from, to int32) string {
	a, ok := s.Ask()
	if !ok {
		return "the HPA reports no metric: " + s.explain().Message
	}
	said := fmt.Sprintf("%s = %d", a.Sum, a.Replicas)
	lo, hi := s.limits()
	lo = max(lo, 1)
	able, limited := s.hpaCondition(autoscalingv2.AbleToScale), s.hpaCondition(autoscalingv2.ScalingLimited)
	switch n := int32(a.Replicas); { //nolint:gosec // law.Count bounds it
	case n == to:
		return said + "; limits not reached"
	case n > hi && to == hi:
		return fmt.Sprintf("%s; the maximum is %d", said, hi)
	case n < lo && to == lo:
		return fmt.Sprintf("%s; the minimum is %d", said, lo)
	case strings.HasSuffix(able.Reason, "Stabilized"):
		return fmt.Sprintf("%s; the window holds %d: %s", said, to, able.Message)
	case limited.Status == corev1.ConditionTrue:
		return fmt.Sprintf("%s; limited to %d: %s", said, to, limited.Message)
	case from == to:
		return fmt.Sprintf("%s; %d until the HPA's next sync", said, to)
	}
	return fmt.Sprintf("%s by the latest values; the HPA set %d by those of its last sync", said, to)
}

// roused is a service that has left zero.
func (s Snapshot) roused() string {
	if n := kserve.Raised(s.ScaledObject); n > 0 {
		return fmt.Sprintf("woken for held requests: KEDA was asked for %d", n)
	}
	return "KEDA: a trigger is active"
}

// cooldown is KEDA's, before zero.
func (s Snapshot) cooldown() time.Duration {
	if s.ScaledObject != nil && s.ScaledObject.Spec.CooldownPeriod != nil {
		return time.Duration(*s.ScaledObject.Spec.CooldownPeriod) * time.Second
	}
	return keda.Law{}.Defaults().Cooldown
}

// DownWindow is for how long the HPA goes by the greatest of its recommendations before it
// scales down.
func (s Snapshot) DownWindow() time.Duration {
	if len(s.HPAs) > 0 {
		if b := s.HPAs[0].Spec.Behavior; b != nil && b.ScaleDown != nil && b.ScaleDown.StabilizationWindowSeconds != nil {
			return time.Duration(ptr.Deref(b.ScaleDown.StabilizationWindowSeconds, 0)) * time.Second
		}
	}
	return hpa.Law{}.Defaults().DownHold
}
