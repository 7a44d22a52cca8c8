package kube

import (
	"errors"
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observed is everything that a decision about one service reads.
type observed struct {
	service *InferenceService
	noKEDA  bool          // its custom resources are not served; all below is empty then
	own     *ScaledObject // named as ours would be; nil if there is none
	others  []ScaledObject
	hpas    []autoscalingv2.HorizontalPodAutoscaler // of the namespace
	auths   map[string][]string                     // TriggerAuthentication → the Secrets it names
	events  []corev1.Event                          // KEDA's Warnings about own, in any order
	demand  Demand
}

// mine says whether the ScaledObject there is Flyball's.
func (o observed) mine() bool { return o.own != nil && isOurs(o.own) }

type action int

// The one act of a reconciliation.
const (
	keep    action = iota + 1 // nothing to do
	create                    // apply our ScaledObject where none is
	adopt                     // apply it over the one that KServe made for class keda
	repair                    // apply it over ours
	rouse                     // likewise, asking for more replicas because requests are held
	settle                    // likewise, no longer asking
	remove                    // delete it, if its UID is still the same
	release                   // leave it to KServe, which updates the object of that name
	wait                      // an object that is about to go comes first
	abstain                   // the manifest or another autoscaler forbids to act
	numActions
)

func (a action) String() string {
	names := [numActions]string{
		keep: "keep", create: "create", adopt: "adopt", repair: "repair",
		rouse: "rouse", settle: "settle", remove: "remove", release: "release", wait: "wait", abstain: "abstain",
	}
	if a < keep || a >= numActions {
		return fmt.Sprintf("action(%d)", int(a))
	}
	return names[a]
}

// notice is an Event to be: reason and text, Warning if something must be done.
type notice struct {
	warning      bool
	reason, text string
}

// verdict is the act, what to tell meanwhile, and what once it is done.
type verdict struct {
	action  action
	apply   *ScaledObject // of create, adopt, repair, rouse and settle
	notices []notice
	done    *notice
}

func (v *verdict) warn(reason, format string, args ...any) {
	v.notices = append(v.notices, notice{true, reason, fmt.Sprintf(format, args...)})
}

func (v *verdict) then(a action, reason, format string, args ...any) {
	v.action, v.done = a, &notice{false, reason, fmt.Sprintf(format, args...)}
}

// decide is the state machine of one service. "ours" is a ScaledObject with
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
func decide(o observed) verdict {
	v := verdict{action: keep}
	c := class(o.service)
	external := c == "external"
	if external && stopped(o.service) {
		v.warn("Stopped", "%s is 'true' and nothing takes it back; resume with: kubectl annotate inferenceservice %s -n %s %s-",
			stopAnnotation, o.service.Name, o.service.Namespace, stopAnnotation)
	}
	switch {
	case o.own != nil && o.own.DeletionTimestamp != nil:
		v.action = wait
	case !external:
		leave(o, &v, c)
	case stopped(o.service):
		if o.mine() || o.own != nil && ownedByService(o.own, o.service) {
			removal(&v, o, "the service is stopped")
		}
	case metered(o.service):
		decideGuide(o, &v)
	case o.mine():
		removal(&v, o, metricsField+" is empty")
	}
	return v
}

// leave is for the classes that are not Flyball's.
func leave(o observed, v *verdict, class string) {
	switch {
	case !o.mine():
	case class == "keda":
		v.then(release, "ScaledObjectReleased", "class is keda: ScaledObject %s is KServe's to update from now on", o.own.Name)
	default:
		removal(v, o, "class is "+class)
	}
}

func removal(v *verdict, o observed, why string) {
	v.then(remove, "ScaledObjectRemoved", "%s: ScaledObject %s is removed", why, o.own.Name)
}

// decideGuide is for class external with metrics, not stopped.
func decideGuide(o observed, v *verdict) {
	mine := o.mine()
	so, warning, err := Map(o.service)
	if err != nil {
		v.action = abstain
		v.warn("InvalidAutoscaling", "%v", err)
		if r := (*Refusal)(nil); errors.As(err, &r) && r.Field == modeField && mine {
			removal(v, o, "there is no Deployment to scale")
		}
		return
	}
	if o.noKEDA {
		v.action = wait
		v.warn("KEDAMissing", "%s.%s is not served: install KEDA, and the ScaledObject %s follows by itself; find out more with: flyball doctor",
			ScaledObjectKind.Kind, ScaledObjectKind.Group, so.Name)
		return
	}
	if rival(o, v) {
		return
	}
	v.apply = so
	between := fmt.Sprintf("between %d and %d replicas", *so.Spec.MinReplicaCount, *so.Spec.MaxReplicaCount)
	switch {
	case o.own == nil:
		v.then(create, "ScaledObjectCreated", "ScaledObject %s scales Deployment %s %s", so.Name, so.Name, between)
	case !mine:
		v.then(adopt, "ScaledObjectAdopted", "ScaledObject %s, which KServe made, is Flyball's: it scales %s", so.Name, between)
	default:
		v.action = repair
	}
	wake(o, v)
	if warning != "" {
		v.warn("FixedReplicas", "%s", warning)
	}
	checkAuthentication(o, v, so)
}

// rival looks for another autoscaler of the same Deployment, which is never fought.
func rival(o observed, v *verdict) bool {
	return rivalOfOurName(o, v) || rivalScaledObject(o, v) || rivalHPA(o, v)
}

func rivalOfOurName(o observed, v *verdict) bool {
	switch {
	case o.own == nil || ownedByService(o.own, o.service):
		return false
	case ownedBy(o.own.OwnerReferences, InferenceServiceKind.Kind, o.service.Name):
		return v.waitFor("WaitingForRemoval", "ScaledObject %s belongs to a deleted service of the same name and goes first", o.own.Name)
	case !isOurs(o.own) || metav1.GetControllerOfNoCopy(o.own) != nil:
		return v.yield(o, ScaledObjectKind.Kind, o.own.Name)
	}
	return false // ours, with its owner taken off
}

func rivalScaledObject(o observed, v *verdict) bool {
	for _, other := range o.others {
		ref := other.Spec.ScaleTargetRef
		if ref.Name == predictorName(o.service.Name) && (ref.Kind == "" || ref.Kind == "Deployment") {
			return v.yield(o, ScaledObjectKind.Kind, other.Name)
		}
	}
	return false
}

func rivalHPA(o observed, v *verdict) bool {
	target := predictorName(o.service.Name)
	for _, h := range o.hpas {
		ref := h.Spec.ScaleTargetRef
		switch {
		case ref.Kind != "Deployment" || ref.Name != target || ownedBy(h.OwnerReferences, ScaledObjectKind.Kind, target):
			continue
		case ownedBy(h.OwnerReferences, InferenceServiceKind.Kind, o.service.Name):
			return v.waitFor("WaitingForHPA", "KServe removes its HorizontalPodAutoscaler %s first", h.Name)
		}
		return v.yield(o, "HorizontalPodAutoscaler", h.Name)
	}
	return false
}

// yield leaves the Deployment to another autoscaler.
func (v *verdict) yield(o observed, kind, name string) bool {
	v.action = abstain
	v.warn("AnotherAutoscaler", "Deployment %s is scaled by %s %s already, so that Flyball does nothing; remove it with: kubectl delete %s %s -n %s",
		predictorName(o.service.Name), kind, name, strings.ToLower(kind), name, o.service.Namespace)
	return true
}

// waitFor lets an object go first.
func (v *verdict) waitFor(reason, format string, args ...any) bool {
	v.action = wait
	v.notices = append(v.notices, notice{false, reason, fmt.Sprintf(format, args...)})
	return true
}

// isOurs is told by the label, or by the fields where someone took the label off.
func isOurs(so *ScaledObject) bool {
	if so.Labels[managedByLabel] == Manager {
		return true
	}
	for _, f := range so.ManagedFields {
		if f.Manager == Manager && f.Operation == metav1.ManagedFieldsOperationApply {
			return true
		}
	}
	return false
}

// ownedByService also asks for the UID: a service may be deleted and made again.
func ownedByService(so *ScaledObject, s *InferenceService) bool {
	c := metav1.GetControllerOfNoCopy(so)
	return c != nil && c.Kind == InferenceServiceKind.Kind && c.UID == s.UID
}

func ownedBy(refs []metav1.OwnerReference, kind, name string) bool {
	c := metav1.GetControllerOfNoCopy(&metav1.ObjectMeta{OwnerReferences: refs})
	return c != nil && c.Kind == kind && c.Name == name
}
