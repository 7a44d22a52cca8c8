package autoscaler

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/advice"
	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/record/why"
)

// A Course is how it goes with what was asked for.
type Course struct {
	Refused *explain.Notice // by the scaler, which looks at the ScaledObject for itself
	Taken   bool            // for another autoscaler's sake
	Failed  *explain.Notice // to write the last number, where Flyball does that itself
	Last    *Decision       // none yet: nil
}

// A Decision is the last on a service.
type Decision struct {
	Replicas int
	Was      int  // replicas that the workload had then
	Stale    bool // too old to be handed out
	Reasons  []law.Reason
	Pods     int // that are ready, but for those that cannot have been read yet
	Read     int // of these, of which something was read
	// Grant says who has the GPUs, where there are too few; nil: there are enough.
	Grant *budget.Grant
	// Compared is what ran with what was advised; nil: there is nothing to compare.
	Compared *advice.Total
}

// by is the reason of a rule.
func (d *Decision) by(r law.Rule) (law.Reason, bool) {
	if d == nil {
		return law.Reason{}, false
	}
	i := slices.IndexFunc(d.Reasons, func(one law.Reason) bool { return one.Rule == r })
	if i < 0 {
		return law.Reason{}, false
	}
	return d.Reasons[i], true
}

// A said is what one condition says.
type said struct {
	kind, reason, text string
	status             metav1.ConditionStatus
}

// Status is the next after one.
func Status(before v1alpha1.Status, v View, out Verdict, c Course, now time.Time) v1alpha1.Status {
	next := *before.DeepCopy()
	next.ObservedGeneration = v.Generation
	next.Promised = percent(v.Spec.Objectives[0].Quantile)
	next.ScaledObject, next.ReadyReplicas, next.DesiredReplicas = "", count(v.Replicas), nil
	b, _ := BoundsAt(v.InferenceAutoscaler, v.Now) // those without schedules, where one cannot be read
	next.MinReplicas, next.MaxReplicas = &b.Min, &b.Max
	if out.Apply != nil || v.ScaledObject != nil && metav1.IsControlledBy(v.ScaledObject, v) {
		next.ScaledObject = v.Name
	}
	if c.Last != nil {
		next.DesiredReplicas = count(&c.Last.Replicas)
	}
	next.Expected = expected(before.Expected, v.Spec.Objectives[0].Quantile, c.Last)
	next.Advice = compared(before.Advice, c.Last)
	for _, s := range []said{ready(v, out, c), learning(c), metrics(c), limited(c), conflict(v, out, c)} {
		meta.SetStatusCondition(&next.Conditions, metav1.Condition{
			Type: s.kind, Status: s.status, Reason: s.reason, Message: s.text,
			ObservedGeneration: v.Generation, LastTransitionTime: metav1.Time{Time: now},
		})
	}
	return next
}

func count(n *int) *int32 {
	if n == nil {
		return nil
	}
	return new(int32(min(*n, math.MaxInt32)))
}

func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 6, 64) + "%" }

// expected is what was written before, unless it is two points off or on the other side of
// what is promised.
func expected(before string, promised float64, d *Decision) string {
	if d == nil || d.Replicas == 0 { // at zero no request is expected
		return ""
	}
	share, ok := law.Expected(d.Reasons)
	if !ok {
		return ""
	}
	now := math.Floor(100 * share)
	was, err := strconv.ParseFloat(strings.TrimSuffix(before, "%"), 64)
	if err == nil && math.Abs(now-was) < 2 && (now < 100*promised) == (was < 100*promised) {
		return before
	}
	return percent(now / 100)
}

// is what Ready says.
func is(status metav1.ConditionStatus, reason, text string) said {
	return said{v1alpha1.Ready, reason, text, status}
}

// ready is whether a number is decided on, and carried out if that is asked for.
func ready(v View, out Verdict, c Course) said {
	switch {
	case out.refused():
		last := out.Notices[len(out.Notices)-1]
		return is(metav1.ConditionFalse, last.Reason, last.Text)
	case c.Refused != nil:
		return is(metav1.ConditionFalse, c.Refused.Reason, c.Refused.Text)
	case v.byKEDA() && keda(v.ScaledObject).Status == "False":
		return taken(v.ScaledObject, v.Name)
	case c.Last == nil:
		return is(metav1.ConditionUnknown, "Waiting", "nothing has been decided yet")
	case c.Last.Stale:
		return is(metav1.ConditionFalse, "DecisionTooOld", "nothing was decided for some minutes, and no other number of replicas is asked for; see the log of flyball-scaler")
	case c.Failed != nil:
		return is(metav1.ConditionFalse, c.Failed.Reason, c.Failed.Text)
	case v.byKEDA() && keda(v.ScaledObject).Status != "True":
		return taken(v.ScaledObject, v.Name)
	}
	return follows(v, c)
}

// follows is how it goes with a number that is decided on.
func follows(v View, c Course) said {
	for _, s := range []said{limited(c), learning(c)} {
		if s.status == metav1.ConditionTrue {
			return is(metav1.ConditionTrue, s.reason, s.text)
		}
	}
	if s := metrics(c); s.status == metav1.ConditionFalse {
		return is(metav1.ConditionTrue, s.reason, s.text)
	}
	if v.Spec.Engine == v1alpha1.Advise {
		return is(metav1.ConditionTrue, "Advising", "the number is decided on and recorded, and nothing is changed")
	}
	return is(metav1.ConditionTrue, "Following", "the replicas follow what the promise needs")
}

// keda is what KEDA says of a ScaledObject.
func keda(so *kserve.ScaledObject) kserve.Condition {
	if so == nil {
		return kserve.Condition{}
	}
	c, _ := kserve.FindCondition(so.Status.Conditions, "Ready")
	return c
}

// taken is whether KEDA has taken up a ScaledObject, which has a name also before it is there.
func taken(so *kserve.ScaledObject, name string) said {
	switch k := keda(so); k.Status {
	case "True":
		return is(metav1.ConditionTrue, "Following", "the replicas follow what the promise needs")
	case "False":
		return is(metav1.ConditionFalse, "KEDANotReady", fmt.Sprintf("KEDA says of ScaledObject %s: %s: %s", name, k.Reason, k.Message))
	}
	return is(metav1.ConditionUnknown, "WaitingForKEDA", "KEDA has not taken up ScaledObject "+name+" yet")
}

func learning(c Course) said {
	s := said{v1alpha1.Learning, "Learned", "what a replica can serve is known", metav1.ConditionFalse}
	if c.Last == nil {
		s.status, s.reason, s.text = metav1.ConditionUnknown, "Waiting", "nothing has been decided yet"
	} else if r, ok := c.Last.by(law.RuleNoCapacity); ok {
		s.status, s.reason, s.text = metav1.ConditionTrue, "Learning", why.Sentence(r)
	}
	return s
}

func metrics(c Course) said {
	s := said{kind: v1alpha1.MetricsAvailable}
	switch d := c.Last; {
	case d == nil:
		s.status, s.reason, s.text = metav1.ConditionUnknown, "Waiting", "nothing has been decided yet"
	case d.Pods == 0:
		s.status, s.reason, s.text = metav1.ConditionUnknown, "NoPods", "no pod has been ready for long enough to be read"
	case d.Read < d.Pods:
		s.status, s.reason, s.text = metav1.ConditionFalse, "PodsNotRead",
			"not all pods have been read that have been ready for a minute, and until they are none is let go; see that Prometheus scrapes them, or that they answer a scaler with --direct-scrape, and the log of flyball-scaler"
	default:
		s.status, s.reason, s.text = metav1.ConditionTrue, "PodsRead", "all ready pods have been read lately"
	}
	return s
}

func limited(c Course) said {
	s := said{v1alpha1.ScalingLimited, "WithinBounds", "no bound keeps the number from what the promise needs", metav1.ConditionFalse}
	if c.Last == nil {
		s.status, s.reason, s.text = metav1.ConditionUnknown, "Waiting", "nothing has been decided yet"
		return s
	}
	for _, one := range []struct {
		rule   law.Rule
		reason string
	}{{law.RuleUnreachable, "PromiseUnreachable"}, {law.RuleBudget, "GPUBudget"}, {law.RuleShort, "MaximumTooLow"}, {law.RuleMaximum, "AtMaximum"}} {
		if r, ok := c.Last.by(one.rule); ok {
			s.status, s.reason, s.text = metav1.ConditionTrue, one.reason, why.Sentence(r)
			if one.rule == law.RuleBudget && c.Last.Grant != nil {
				s.text += " " + why.Shared(*c.Last.Grant)
			}
			return s
		}
	}
	return s
}

func conflict(v View, out Verdict, c Course) said {
	switch {
	case out.Conflict:
		last := out.Notices[len(out.Notices)-1]
		return said{v1alpha1.Conflict, last.Reason, last.Text, metav1.ConditionTrue}
	case c.Taken && c.Refused != nil:
		return said{v1alpha1.Conflict, c.Refused.Reason, c.Refused.Text, metav1.ConditionTrue}
	case out.Absent != nil && v.Spec.Engine == v1alpha1.Advise:
		return said{v1alpha1.Conflict, "Advising", "nothing is changed, so that another autoscaler may have the target", metav1.ConditionFalse}
	}
	return said{v1alpha1.Conflict, "None", "no other autoscaler has the target", metav1.ConditionFalse}
}

// Waits tells whether a condition is that one waits for KEDA or the scaler.
func Waits(c metav1.Condition) bool {
	return c.Type == v1alpha1.Ready && c.Status == metav1.ConditionUnknown
}
