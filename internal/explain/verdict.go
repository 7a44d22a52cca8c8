package explain

import (
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// mine says whether the ScaledObject there is Flyball's.
func (s Snapshot) mine() bool { return s.ScaledObject != nil && kserve.IsFlyballs(s.ScaledObject) }

// An Action is what the controller does.
type Action int

// The one act of a reconciliation.
const (
	Keep     Action = iota + 1 // nothing to do
	Create                     // apply our ScaledObject where none is
	Adopt                      // apply it over the one that KServe made for class keda
	Repair                     // apply it over ours
	Rouse                      // likewise, asking for more replicas because requests are held
	Settle                     // likewise, no longer asking
	GiveBack                   // likewise, at zero for a time: the wake has failed
	Remove                     // delete it, if its UID is still the same
	Release                    // leave it to KServe, which updates the object of that name
	Wait                       // an object that is about to go comes first
	Abstain                    // the manifest or another autoscaler forbids to act
	numActions
)

func (a Action) String() string {
	names := [numActions]string{
		Keep: "keep", Create: "create", Adopt: "adopt", Repair: "repair",
		Rouse: "rouse", Settle: "settle", GiveBack: "give back", Remove: "remove", Release: "release", Wait: "wait", Abstain: "abstain",
	}
	if a < Keep || a >= numActions {
		return fmt.Sprintf("Action(%d)", int(a))
	}
	return names[a]
}

// A Notice is an Event to be: reason and text, Warning if something must be done.
type Notice struct {
	Warning      bool
	Reason, Text string
}

// A Verdict is what the controller does about a service: the act, what to tell
// meanwhile, and what once it is done.
type Verdict struct {
	Action  Action
	Apply   *kserve.ScaledObject // of Create, Adopt, Repair, Rouse, Settle and GiveBack
	Notices []Notice
	Done    *Notice
}

// Warn adds a Warning.
func (v *Verdict) Warn(reason, format string, args ...any) {
	v.Notices = append(v.Notices, Notice{true, reason, fmt.Sprintf(format, args...)})
}

// OlderKEDA warns of fields that KEDA does not know, and without which the ScaledObject was
// written.
func (v *Verdict) OlderKEDA(without []string) {
	if len(without) > 0 {
		v.Warn("KEDATooOld", "this KEDA does not know %s, so ScaledObject %s is written without it (without a fallback it keeps its replicas while its metrics fail); "+
			"upgrade KEDA to 2.18 or later", strings.Join(without, " and "), v.Apply.Name)
	}
}

// Then sets the act, and what to tell once it is done.
func (v *Verdict) Then(a Action, reason, format string, args ...any) {
	v.Action, v.Done = a, &Notice{false, reason, fmt.Sprintf(format, args...)}
}

// Verdict is the state machine of one service. "ours" is a ScaledObject with
// Flyball's label or field manager, "KServe's" one that only the service owns:
//
//	class             stop  ScaledObject         → action
//	external, metrics no    none                 → create, once no other autoscaler acts
//	external, metrics no    KServe's             → adopt, likewise
//	external, metrics no    ours                 → repair, rouse or settle, likewise
//	external          yes   ours or KServe's     → remove
//	external, bare    no    ours                 → remove
//	keda              –     ours                 → release
//	hpa, none         –     ours                 → remove
//	any               –     being deleted        → wait
//	other cases                                  → keep
func (s Snapshot) Verdict() Verdict {
	v := Verdict{Action: Keep}
	c := kserve.Class(&s.InferenceService)
	external := c == "external"
	if external && kserve.Stopped(&s.InferenceService) {
		v.Warn("Stopped", "%s is 'true', and nothing removes it by itself; resume with: kubectl annotate inferenceservice %s -n %s %s-",
			kserve.StopAnnotation, s.InferenceService.Name, s.InferenceService.Namespace, kserve.StopAnnotation)
	}
	switch {
	case s.ScaledObject != nil && s.ScaledObject.DeletionTimestamp != nil:
		v.Action = Wait
	case !external:
		leave(s, &v, c)
	case kserve.Stopped(&s.InferenceService):
		if s.mine() || s.ScaledObject != nil && kserve.BelongsTo(s.ScaledObject, &s.InferenceService) {
			removal(&v, s, "the service is stopped")
		}
	case kserve.HasMetrics(&s.InferenceService):
		decideGuide(s, &v)
	case s.mine():
		removal(&v, s, kserve.MetricsField+" is empty")
	}
	return v
}

// leave is for the classes that are not Flyball's.
func leave(s Snapshot, v *Verdict, class string) {
	switch {
	case !s.mine():
	case class == "keda":
		v.Then(Release, "ScaledObjectReleased", "class is keda: KServe manages ScaledObject %s from now on", s.ScaledObject.Name)
	default:
		removal(v, s, "class is "+class)
	}
}

func removal(v *Verdict, s Snapshot, why string) {
	v.Then(Remove, "ScaledObjectRemoved", "%s: ScaledObject %s is removed", why, s.ScaledObject.Name)
}

// decideGuide is for class external with metrics, not stopped.
func decideGuide(s Snapshot, v *Verdict) {
	mine := s.mine()
	so, warning, err := kserve.Map(&s.InferenceService)
	if err != nil {
		v.Action = Abstain
		v.Warn("InvalidAutoscaling", "%v", err)
		if r := (*kserve.Refusal)(nil); errors.As(err, &r) && r.Field == kserve.ModeField && mine {
			removal(v, s, "there is no Deployment to scale")
		}
		return
	}
	if s.NoKEDA {
		v.Action = Wait
		v.Warn("KEDAMissing", "%s.%s is not served by the API server: install KEDA, then ScaledObject %s is created without further action; for more: flyball doctor",
			kserve.ScaledObjectKind.Kind, kserve.ScaledObjectKind.Group, so.Name)
		return
	}
	if strangeServer(s, v, so) || rival(s, v) {
		return
	}
	v.Apply = so
	between := fmt.Sprintf("between %d and %d replicas", *so.Spec.MinReplicaCount, *so.Spec.MaxReplicaCount)
	switch {
	case s.ScaledObject == nil:
		v.Then(Create, "ScaledObjectCreated", "ScaledObject %s scales Deployment %s %s", so.Name, so.Name, between)
	case !mine:
		v.Then(Adopt, "ScaledObjectAdopted", "ScaledObject %s, created by KServe, is now managed by Flyball and scales %s", so.Name, between)
	default:
		v.Action = Repair
		s.scaledByHand(v)
	}
	if warning != "" {
		v.Warn("FixedReplicas", "%s", warning)
	}
	checkAuthentication(s, v, so)
}

// rival looks for another autoscaler of the same Deployment, which is never fought.
func rival(s Snapshot, v *Verdict) bool {
	return rivalOfOurName(s, v) || rivalScaledObject(s, v) || rivalHPA(s, v)
}

func rivalOfOurName(s Snapshot, v *Verdict) bool {
	switch {
	case s.ScaledObject == nil || kserve.BelongsTo(s.ScaledObject, &s.InferenceService):
		return false
	case kserve.OwnedBy(s.ScaledObject.OwnerReferences, kserve.InferenceServiceKind.Kind, s.InferenceService.Name):
		return v.waitFor("WaitingForRemoval", "ScaledObject %s belongs to a deleted service of the same name; waiting until it is gone", s.ScaledObject.Name)
	case !kserve.IsFlyballs(s.ScaledObject) || metav1.GetControllerOfNoCopy(s.ScaledObject) != nil:
		return v.yield(s, kserve.ScaledObjectKind.Kind, s.ScaledObject.Name)
	}
	return false // ours, with its owner taken off
}

func rivalScaledObject(s Snapshot, v *Verdict) bool {
	for _, other := range s.Others {
		ref := other.Spec.ScaleTargetRef
		if ref.Name == kserve.PredictorName(s.InferenceService.Name) && (ref.Kind == "" || ref.Kind == "Deployment") {
			return v.yield(s, kserve.ScaledObjectKind.Kind, other.Name)
		}
	}
	return false
}

func rivalHPA(s Snapshot, v *Verdict) bool {
	target := kserve.PredictorName(s.InferenceService.Name)
	for _, h := range s.HPAs {
		ref := h.Spec.ScaleTargetRef
		switch {
		case ref.Kind != "Deployment" || ref.Name != target || kserve.OwnedBy(h.OwnerReferences, kserve.ScaledObjectKind.Kind, target):
			continue
		case kserve.OwnedBy(h.OwnerReferences, kserve.InferenceServiceKind.Kind, s.InferenceService.Name):
			return v.waitFor("WaitingForHPA", "waiting until KServe has removed its HorizontalPodAutoscaler %s", h.Name)
		}
		return v.yield(s, "HorizontalPodAutoscaler", h.Name)
	}
	return false
}

// yield leaves the Deployment to another autoscaler.
func (v *Verdict) yield(s Snapshot, kind, name string) bool {
	v.Action = Abstain
	v.Warn("AnotherAutoscaler", "Deployment %s is already scaled by %s %s, so Flyball does nothing; remove that with: kubectl delete %s %s -n %s",
		kserve.PredictorName(s.InferenceService.Name), kind, name, strings.ToLower(kind), name, s.InferenceService.Namespace)
	return true
}

// waitFor lets an object go first.
func (v *Verdict) waitFor(reason, format string, args ...any) bool {
	v.Action = Wait
	v.Notices = append(v.Notices, Notice{false, reason, fmt.Sprintf(format, args...)})
	return true
}
