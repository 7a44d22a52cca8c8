package explain

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// A Reason is in one word why a service has the replicas that it has.
type Reason string

// From what stops a service to what is as it should be; the first that is true of a
// service is its reason.
const (
	Deleting   Reason = "Deleting"
	Stopped    Reason = "Stopped"
	Unscaled   Reason = "Unscaled"  // nobody is meant to scale it
	Contested  Reason = "Contested" // two autoscalers on one Deployment
	NoKEDA     Reason = "NoKEDA"
	Refused    Reason = "Refused" // by Flyball, or by KEDA's webhook
	Paused     Reason = "Paused"
	WakeFailed Reason = "WakeFailed" // no pod became ready; it is kept at zero for a time
	Asleep     Reason = "Asleep"
	Waking     Reason = "Waking" // requests are held, and no pod is asked for yet
	NoMetric   Reason = "NoMetric"
	Broken     Reason = "Broken" // the HPA cannot act for another cause
	NoHPA      Reason = "NoHPA"
	NoGPU      Reason = "NoGPU"
	Unplaced   Reason = "Unplaced" // no node takes the pod, not for want of GPUs
	Denied     Reason = "Denied"   // pods are not admitted: quota, security
	Crashing   Reason = "Crashing"
	Queueing   Reason = "Queueing" // requests are held although pods are ready
	Starting   Reason = "Starting"
	HeldOneWay Reason = "HeldOneWay" // scaling down or up is paused
	Fixed      Reason = "Fixed"      // minimum = maximum
	AtMaximum  Reason = "AtMaximum"
	AtMinimum  Reason = "AtMinimum"
	Holding    Reason = "Holding" // the stabilization window holds an earlier recommendation
	Following  Reason = "Following"
)

// callsForAttention is false where all is as the manifest says, or soon will be.
func (r Reason) callsForAttention() bool {
	switch r {
	case Deleting, Unscaled, Waking, Starting, AtMaximum, AtMinimum, Holding, Following:
		return false
	default:
		return true
	}
}

// Halts tells whether a service cannot follow any number that is asked for.
func (r Reason) Halts() bool {
	switch r {
	case Deleting, Stopped, Contested, NoGPU, Unplaced, Denied, Crashing:
		return true
	default:
		return false
	}
}

// An explanation says what is, and what command changes it where that is wanted.
type explanation struct {
	Reason       Reason
	Message, Fix string
}

func (s Snapshot) explain() explanation {
	for _, rule := range []func(Snapshot) *explanation{
		Snapshot.deleting, Snapshot.stopped, Snapshot.unscaled, Snapshot.contested, Snapshot.refused, Snapshot.missing, Snapshot.wakeFailed,
		Snapshot.paused, Snapshot.asleep, Snapshot.woken, Snapshot.podless, Snapshot.blind, Snapshot.broken, Snapshot.unplaced, Snapshot.denied, Snapshot.crashing,
		Snapshot.queueing, Snapshot.starting, Snapshot.heldOneWay, Snapshot.fixed, Snapshot.limited,
	} {
		if e := rule(s); e != nil {
			return *e
		}
	}
	return explanation{Following, "scales with its metric", ""}
}

func (s Snapshot) isvc() string {
	return s.InferenceService.Name + " -n " + s.InferenceService.Namespace
}

func (s Snapshot) deleting() *explanation {
	if s.InferenceService.DeletionTimestamp == nil {
		return nil
	}
	return &explanation{Deleting, "is being deleted", ""}
}

func (s Snapshot) stopped() *explanation {
	if !strings.EqualFold(s.InferenceService.Annotations[kserve.StopAnnotation], "true") {
		return nil
	}
	return &explanation{
		Stopped, "stopped by its annotation " + kserve.StopAnnotation + ", which nothing removes by itself",
		"kubectl annotate inferenceservice " + s.isvc() + " " + kserve.StopAnnotation + "-",
	}
}

func (s Snapshot) unscaled() *explanation {
	switch {
	case len(s.HPAs) > 0 || s.ScaledObject != nil:
		return nil
	case s.mode() == ModeNone:
		return &explanation{Unscaled, "class none: KServe keeps it at minReplicas", ""}
	case s.mode() == ModeExternal:
		return &explanation{Unscaled, "class external without autoScaling.metrics: nothing to scale on", ""}
	}
	return nil
}

func (s Snapshot) contested() *explanation {
	if len(s.HPAs) < 2 {
		return nil
	}
	var names []string
	for _, h := range s.HPAs {
		names = append(names, h.Name)
	}
	return &explanation{
		Contested, "more than one HPA acts on it: " + strings.Join(names, ", "),
		fmt.Sprintf("kubectl delete hpa NAME -n %s, for each of them but the one to keep", s.InferenceService.Namespace),
	}
}

// refused is a manifest that Flyball does not act upon, or not yet.
func (s Snapshot) refused() *explanation {
	if s.mode() != ModeGuide {
		return nil
	}
	v := s.Verdict()
	said := ""
	if len(v.Notices) > 0 {
		said = v.Notices[0].Text
	}
	switch {
	case s.NoKEDA && v.Action == Wait:
		return &explanation{NoKEDA, said, ""}
	case v.Action == Wait:
		return &explanation{Starting, cmp.Or(said, "its old ScaledObject is being deleted"), ""}
	case v.Action == Abstain:
		return &explanation{Refused, said, ""}
	}
	return nil
}

// missing is a service that should have a ScaledObject and has none.
func (s Snapshot) missing() *explanation {
	if s.ScaledObject != nil || s.mode() != ModeGuide && s.mode() != ModeKEDA {
		return nil
	}
	if s.NoKEDA {
		return &explanation{NoKEDA, "KEDA is not installed", "flyball doctor"}
	}
	if said := s.warning(kserve.InferenceServiceKind.Kind); said != "" {
		return &explanation{Refused, said, "kubectl describe inferenceservice " + s.isvc()}
	}
	return &explanation{Refused, "it has no ScaledObject and no Event says why: is the controller running?", "flyball doctor"}
}

// warning is the newest Warning about the service's object of that kind.
func (s Snapshot) warning(kind string) string {
	for _, e := range s.Events {
		if e.InvolvedObject.Kind == kind && e.Type == corev1.EventTypeWarning {
			return e.Message
		}
	}
	return ""
}

func (s Snapshot) paused() *explanation {
	a, v := kserve.PausedBy(s.ScaledObject)
	if a == "" {
		return nil
	}
	return &explanation{Paused, fmt.Sprintf("paused by the ScaledObject's annotation %s=%s", a, v), s.unannotate(a)}
}

// wakeFailed is a service whose GPUs the controller has given back.
func (s Snapshot) wakeFailed() *explanation {
	a := kserve.AttemptOf(s.ScaledObject)
	if a.Again.IsZero() {
		return nil
	}
	return &explanation{
		WakeFailed, fmt.Sprintf("no pod became ready after the last wake-up: %s; it stays at zero until %s, then the next request wakes it",
			a.Cause, a.Again.UTC().Format(time.RFC3339)),
		"fix that; to allow the next wake-up at once: " + s.unannotate(kserve.WakeAgain),
	}
}

// podless is a service without a ready pod, which explains why its metric is empty.
func (s Snapshot) podless() *explanation {
	if s.Deployment == nil || wantedReplicas(*s.Deployment) == 0 || s.Deployment.Status.ReadyReplicas > 0 {
		return nil
	}
	return s.hindered()
}

// hindered is what keeps pods from becoming ready.
func (s Snapshot) hindered() *explanation {
	for _, rule := range []func(Snapshot) *explanation{Snapshot.unplaced, Snapshot.denied, Snapshot.crashing} {
		if e := rule(s); e != nil {
			return e
		}
	}
	return nil
}

// NotReady is why no pod is ready, and whether all of them crash.
func (s Snapshot) NotReady() (cause string, crashing bool) {
	if e := s.allCrashing(); e != nil {
		return e.Message, true
	}
	if e := s.hindered(); e != nil {
		return e.Message, false
	}
	return "its pods are starting", false
}

func (s Snapshot) heldOneWay() *explanation {
	if s.ScaledObject == nil {
		return nil
	}
	for _, p := range [][2]string{{"down", kserve.Paused + "-scale-in"}, {"up", kserve.Paused + "-scale-out"}} {
		way, a := p[0], p[1]
		if v, ok := s.ScaledObject.Annotations[a]; ok && v != "false" {
			return &explanation{HeldOneWay, fmt.Sprintf("scaling %s is paused by the ScaledObject's annotation %s", way, a), s.unannotate(a)}
		}
	}
	return nil
}

func (s Snapshot) unannotate(annotation string) string {
	return fmt.Sprintf("kubectl annotate scaledobject %s -n %s %s-", s.ScaledObject.Name, s.ScaledObject.Namespace, annotation)
}

// asleep is a service at zero that may be there.
func (s Snapshot) asleep() *explanation {
	lo, _ := s.limits()
	if s.Deployment == nil || wantedReplicas(*s.Deployment) > 0 || lo > 0 {
		return nil
	}
	if e := s.wakeable(); e != nil {
		return e
	}
	return &explanation{
		Asleep, s.cannotWake(),
		fmt.Sprintf("kubectl scale deployment %s -n %s --replicas=1", s.Deployment.Name, s.Deployment.Namespace),
	}
}

// woken is a service that has just left zero, where its metric and its HPA are not
// expected to have noticed.
func (s Snapshot) woken() *explanation {
	n := kserve.Raised(s.ScaledObject)
	if n == 0 || s.ScaledObject.Annotations[kserve.ForceActivation] == "" || s.Deployment == nil || s.Deployment.Status.ReadyReplicas >= n {
		return nil
	}
	if e := s.hindered(); e != nil {
		return e
	}
	return &explanation{Waking, fmt.Sprintf("it was woken for held requests: KEDA is asked for %d replicas, %d are ready", n, s.Deployment.Status.ReadyReplicas), ""}
}

// queueing is a service whose pods do not take all that comes. The engines do not count
// what is held, so that its metric may be at its target.
func (s Snapshot) queueing() *explanation {
	if s.Demand == nil || s.Demand.Held == 0 || s.Deployment == nil || s.Deployment.Status.ReadyReplicas == 0 {
		return nil
	}
	said := fmt.Sprintf("%s, with %d in flight on %s", countHeld(s.Demand.Held), s.Demand.InFlight, countReady(s.Deployment.Status.ReadyReplicas))
	_, hi, _ := kserve.Bounds(s.InferenceService.Spec.Predictor.Component)
	n := kserve.Raised(s.ScaledObject)
	switch {
	case wantedReplicas(*s.Deployment) >= hi:
		return &explanation{Queueing, fmt.Sprintf("%s; it is at its maximum, %d", said, hi), "raise spec.predictor.maxReplicas if there are GPUs for more"}
	case n > 0:
		said += fmt.Sprintf("; KEDA is asked for at least %d of %d replicas", n, hi)
	}
	return &explanation{Queueing, said, ""}
}

// wakeable is a service at zero that gateways wake, in guide mode: one with objectives is told by
// what states them.
func (s Snapshot) wakeable() *explanation {
	asked, d := kserve.Raised(s.ScaledObject), s.Demand
	switch {
	case asked > 0:
		return &explanation{Waking, fmt.Sprintf("requests are held; KEDA is asked for %d replicas", asked), ""}
	case s.mode() != ModeGuide || d == nil:
		return nil
	case d.Held > 0:
		return &explanation{Waking, countHeld(d.Held) + "; the controller asks KEDA for replicas", ""}
	case d.Gateways > 0:
		return &explanation{Asleep, fmt.Sprintf("at zero; the next request to a gateway wakes it (gateways reporting: %d)", d.Gateways), ""}
	}
	return nil
}

// cannotWake says why. No pod means no series of vLLM, so the query that must wake
// the service stays empty: KEDA's TriggerError is expected.
func (s Snapshot) cannotWake() string {
	why := "at zero; its triggers report no work"
	if c := s.kedaCondition("Ready"); c.Status == "False" {
		why = "at zero and cannot wake by itself: " + cmp.Or(s.credentials(), "no pod reports the metric, so its query is empty")
	}
	switch {
	case s.mode() == ModeGuide:
		why += "; no gateway reports, so nothing can wake it"
	case s.Demand != nil && s.Demand.Gateways > 0:
		why += "; a gateway wakes only what Flyball scales: class external, with metrics or objectives"
	}
	return why
}

// credentials is what is wrong with them, and the command that fixes it.
func (s Snapshot) credentials() string {
	if s.mode() != ModeGuide {
		return ""
	}
	for _, n := range s.Verdict().Notices {
		if strings.HasPrefix(n.Reason, "Authentication") || strings.HasPrefix(n.Reason, "Credentials") {
			return n.Text
		}
	}
	return ""
}

// blind is a service whose metric cannot be read. KEDA and the HPA hold it then.
func (s Snapshot) blind() *explanation {
	if s.sees() {
		return nil
	}
	if said := s.credentials(); said != "" {
		return &explanation{NoMetric, said, ""}
	}
	said := ""
	if c := s.hpaCondition(autoscalingv2.ScalingActive); c.Status == corev1.ConditionFalse && strings.HasPrefix(c.Reason, "FailedGet") {
		said = c.Message
	}
	if c := s.kedaCondition("Ready"); c.Status == "False" || c.Reason == "PartialTriggerError" {
		said = cmp.Or(s.warning(kserve.ScaledObjectKind.Kind), said, c.Message) // KEDA's condition only says that there is an error
	}
	fallback := s.kedaCondition("Fallback").Status == "True"
	if said == "" && fallback { // for KEDA, and the HPA, all is well then
		said = cmp.Or(s.warning(kserve.ScaledObjectKind.Kind), "KEDA cannot read its metric")
	}
	if said == "" {
		return nil
	}
	if fallback {
		said += "; KEDA's fallback keeps at least the current replicas"
	}
	return &explanation{NoMetric, said, fmt.Sprintf("kubectl describe scaledobject,hpa -n %s", s.InferenceService.Namespace)}
}

// broken is every other cause for which the HPA does not act.
func (s Snapshot) broken() *explanation {
	if len(s.HPAs) == 0 {
		return &explanation{NoHPA, "its HPA does not exist yet", ""}
	}
	for _, t := range []autoscalingv2.HorizontalPodAutoscalerConditionType{autoscalingv2.AbleToScale, autoscalingv2.ScalingActive} {
		if c := s.hpaCondition(t); c.Status == corev1.ConditionFalse {
			return &explanation{
				Broken, c.Reason + ": " + c.Message,
				fmt.Sprintf("kubectl describe hpa %s -n %s", s.HPAs[0].Name, s.HPAs[0].Namespace),
			}
		}
	}
	return nil
}

func (s Snapshot) fixed() *explanation {
	lo, hi := s.limits()
	if lo != hi {
		return nil
	}
	return &explanation{
		Fixed, fmt.Sprintf("its minimum is its maximum, %d: it cannot scale", hi),
		"set spec.predictor.maxReplicas above the minimum",
	}
}

// limited says which of the HPA's own rules acted last.
func (s Snapshot) limited() *explanation {
	c, able := s.hpaCondition(autoscalingv2.ScalingLimited), s.hpaCondition(autoscalingv2.AbleToScale)
	switch {
	case c.Status == corev1.ConditionTrue && c.Reason == "TooManyReplicas":
		return &explanation{AtMaximum, c.Message, ""}
	case c.Status == corev1.ConditionTrue && c.Reason == "TooFewReplicas":
		return &explanation{AtMinimum, c.Message, ""}
	case c.Status == corev1.ConditionTrue:
		return &explanation{Holding, c.Reason + ": " + c.Message, ""}
	case strings.HasSuffix(able.Reason, "Stabilized"):
		return &explanation{Holding, able.Message, ""}
	}
	return nil
}

func (s Snapshot) kedaCondition(kind string) kserve.Condition {
	if s.ScaledObject == nil {
		return kserve.Condition{}
	}
	c, _ := kserve.FindCondition(s.ScaledObject.Status.Conditions, kind)
	return c
}

func (s Snapshot) hpaCondition(t autoscalingv2.HorizontalPodAutoscalerConditionType) autoscalingv2.HorizontalPodAutoscalerCondition {
	if len(s.HPAs) > 0 {
		for _, c := range s.HPAs[0].Status.Conditions {
			if c.Type == t {
				return c
			}
		}
	}
	return autoscalingv2.HorizontalPodAutoscalerCondition{}
}
