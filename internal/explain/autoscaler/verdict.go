package autoscaler

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// A View is what is seen of an InferenceAutoscaler.
type View struct {
	*v1alpha1.InferenceAutoscaler
	Now   time.Time
	Heard bool // its namespace has opted in to objectives
	KEDA  bool // ScaledObjects are served

	InferenceService *kserve.InferenceService // whose predictor the workload is, if there is one
	Replicas         *int                     // of the workload that are ready; nil: it is not there
	Peers            []v1alpha1.InferenceAutoscaler
	ScaledObject     *kserve.ScaledObject                    // of its name
	ScaledObjects    []kserve.ScaledObject                   // that name its workload
	HPAs             []autoscalingv2.HorizontalPodAutoscaler // likewise
	Barred           *explain.Notice                         // why Flyball cannot write its scale; nil: it can, or has not tried
}

// A Verdict is what is done about one.
type Verdict struct {
	explain.Verdict
	Conflict bool                 // with another autoscaler
	Absent   *kserve.ScaledObject // decided on as if it were there; nil: it is there, or nothing is
	Native   bool                 // Flyball is to scale the workload itself
}

// refused tells whether nothing is decided; the last notice says why.
func (out *Verdict) refused() bool {
	return out.Action == explain.Abstain || out.Action == explain.Wait
}

// Verdict goes from what an administrator has to allow to what others do, and to what is
// stated.
func (v View) Verdict(address string) Verdict {
	switch v.Spec.Engine {
	case v1alpha1.Advise:
		return v.advice(address)
	case v1alpha1.Native:
		return v.native(address)
	case v1alpha1.KEDA:
	}
	out := Verdict{}
	for _, refuses := range []func(*Verdict) bool{v.unheard, v.powerless, v.missing, v.ofKServe, v.second, v.rival} {
		if refuses(&out) {
			return out
		}
	}
	so := v.stated(&out, address)
	if so == nil {
		return out
	}
	out.Apply = so
	if v.ScaledObject == nil {
		out.Then(explain.Create, "ScaledObjectCreated", "ScaledObject %s asks Flyball for the replicas of %s %s, between %d and %d",
			so.Name, so.Spec.ScaleTargetRef.Kind, so.Spec.ScaleTargetRef.Name, *so.Spec.MinReplicaCount, *so.Spec.MaxReplicaCount)
		return out
	}
	out.Action = explain.Repair
	if was, is := boundsOf(v.ScaledObject), boundsOf(so); len(v.Spec.Schedules) > 0 && was != is {
		b, _ := BoundsAt(v.InferenceAutoscaler, v.Now)
		out.Then(explain.Repair, "BoundsChanged", "the replicas are %v", b)
	}
	return out
}

// byKEDA tells whether KEDA carries the number out.
func (v View) byKEDA() bool {
	return v.Spec.Engine != v1alpha1.Native && v.Spec.Engine != v1alpha1.Advise
}

func boundsOf(so *kserve.ScaledObject) [2]int32 {
	least, most := so.Bounds()
	return [2]int32{least, most}
}

// advice asks for nothing, and gives back what was asked for before.
func (v View) advice(address string) Verdict {
	out := Verdict{}
	if !v.unheard(&out) && !v.missing(&out) && !v.named(&out) {
		if out.Absent = v.stated(&out, address); out.Absent != nil {
			w := objective.WorkloadOf(v.Spec.TargetRef)
			out.Then(explain.Keep, "ObjectivesAdvised", "%s: Flyball decides and records how many replicas of %s %s keep it, and changes nothing; to have it scale them: %s",
				out.Absent.Spec.Triggers[0].Metadata[objective.Key], w.Kind, w.Name, HandOver(v.InferenceAutoscaler))
			out.Notices = append(out.Notices, *out.Done)
		}
	}
	if v.own() && !v.leaving(&out) {
		out.Then(explain.Remove, "ScaledObjectRemoved", "spec.engine is advise, so ScaledObject %s is deleted; the replicas stay as they are", v.ScaledObject.Name)
	}
	return out
}

// HandOver is the command with which one that only advises scales.
func HandOver(a *v1alpha1.InferenceAutoscaler) string {
	return fmt.Sprintf(`kubectl patch inferenceautoscaler %s -n %s --type=merge -p '{"spec":{"engine":"%s"}}'`, a.Name, a.Namespace, v1alpha1.KEDA)
}

// stated is the ScaledObject of what is stated, or none.
func (v View) stated(out *Verdict, address string) *kserve.ScaledObject {
	b, refused := BoundsAt(v.InferenceAutoscaler, v.Now)
	if refused != nil {
		out.Warn("InvalidSchedule", "spec.%v", refused)
		out.abstain(false)
		return nil
	}
	so, refused := Map(v.InferenceAutoscaler, b, address)
	if refused != nil {
		out.Warn("InvalidObjectives", "%v", refused)
		out.abstain(false)
	}
	return so
}

// named is for one whose name a ScaledObject with objectives has: what is decided is kept by
// name.
func (v View) named(out *Verdict) bool {
	so := v.ScaledObject
	if so == nil || v.own() || v.goes() || objective.At(so.Spec.Triggers) < 0 {
		return false
	}
	out.Warn("NameTaken", "%s", objective.Recorded(so.Name).Words())
	return out.abstain(false)
}

// abstain is by the warning that was given last.
func (out *Verdict) abstain(conflict bool) bool {
	out.Action, out.Conflict = explain.Abstain, conflict
	return true
}

// wait lets something come, or go, first.
func (out *Verdict) wait() bool {
	out.Action = explain.Wait
	return true
}

func (v View) unheard(out *Verdict) bool {
	if v.Heard {
		return false
	}
	NotHeard(&out.Verdict, v.Namespace)
	return out.abstain(false)
}

// powerless is for one that nothing would scale for.
func (v View) powerless(out *Verdict) bool {
	if v.KEDA {
		return false
	}
	out.Warn("KEDAMissing", "%s.%s is not served by the API server: install KEDA, then ScaledObject %s is created without further action; for more: flyball doctor",
		kserve.ScaledObjectKind.Kind, kserve.ScaledObjectKind.Group, v.Name)
	return out.wait()
}

// The label of namespaces in which objectives are enabled, and its value.
const (
	OptIn   = "flyball.dev/objectives"
	Enabled = "enabled"
)

// NotHeard warns that a namespace has not opted in.
func NotHeard(v *explain.Verdict, namespace string) {
	v.Warn("NamespaceNotEnabled", "objectives are not enabled in namespace %s; an administrator can enable them with: %s", namespace, Enable(namespace))
}

// Enable is the command with which an administrator lets a namespace state objectives.
func Enable(namespace string) string {
	return fmt.Sprintf("kubectl label namespace %s %s=%s", namespace, OptIn, Enabled)
}

func (v View) missing(out *Verdict) bool {
	ref, w := v.Spec.TargetRef, objective.WorkloadOf(v.Spec.TargetRef)
	switch {
	case v.Replicas != nil:
		return false
	case ref.Kind != kserve.InferenceServiceKind.Kind || v.InferenceService == nil:
		out.Warn("TargetMissing", "spec.targetRef: there is no %s %s in namespace %s; create it, or correct the name", ref.Kind, ref.Name, v.Namespace)
	case kserve.Stopped(v.InferenceService):
		out.Warn("Stopped", "%s of InferenceService %s is 'true', and nothing removes it by itself; resume with: kubectl annotate inferenceservice %s -n %s %s-",
			kserve.StopAnnotation, ref.Name, ref.Name, v.Namespace, kserve.StopAnnotation)
	default:
		out.Warn("TargetMissing", "spec.targetRef: InferenceService %s has no Deployment %s yet: KServe makes it, in the deployment mode Standard or RawDeployment only", ref.Name, w.Name)
	}
	return out.wait()
}

func (v View) ofKServe(out *Verdict) bool {
	return v.InferenceService != nil && ByKServe(&out.Verdict, v.InferenceService) && out.abstain(true)
}

// ByKServe warns where KServe, or guide mode, scales a service.
func ByKServe(v *explain.Verdict, s *kserve.InferenceService) bool {
	refused := objective.ByKServe(s)
	if refused != nil {
		v.Warn("AnotherAutoscaler", "%s", refused.Words())
	}
	return refused != nil
}

// second is for whoever is not the first on a workload.
func (v View) second(out *Verdict) bool {
	w := objective.WorkloadOf(v.Spec.TargetRef)
	for i := range v.Peers {
		o := &v.Peers[i]
		if o.UID != v.UID && o.DeletionTimestamp == nil && o.Spec.Engine != v1alpha1.Advise && objective.WorkloadOf(o.Spec.TargetRef) == w && older(o, v.InferenceAutoscaler) {
			out.Warn("TargetTaken", "%s", w.Taken(v1alpha1.Kind.Kind, o.Name, v.Name, v.Namespace).Words())
			return out.abstain(true)
		}
	}
	return false
}

func older(a, b *v1alpha1.InferenceAutoscaler) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

// rival is another autoscaler of the workload, or an object in the ScaledObject's place.
func (v View) rival(out *Verdict) bool {
	return v.inItsPlace(out) || v.rivalScaledObject(out) || v.rivalHPA(out) || v.left(out)
}

func (v View) inItsPlace(out *Verdict) bool {
	if v.ScaledObject == nil || v.own() && v.ScaledObject.DeletionTimestamp == nil {
		return false
	}
	return v.leaving(out) || v.yield(out, kserve.ScaledObjectKind.Kind, v.ScaledObject.Name)
}

// own tells whether the ScaledObject is its own, also with the owner taken off.
func (v View) own() bool {
	if v.ScaledObject == nil {
		return false
	}
	owner := metav1.GetControllerOfNoCopy(v.ScaledObject)
	return owner == nil && v.ScaledObject.Labels[kserve.ManagedByLabel] == Manager || owner != nil && owner.UID == v.UID
}

// goes tells whether the ScaledObject is being deleted, or is of one of the name that was.
func (v View) goes() bool {
	owner := metav1.GetControllerOfNoCopy(v.ScaledObject)
	return v.ScaledObject.DeletionTimestamp != nil ||
		owner != nil && owner.Kind == v1alpha1.Kind.Kind && owner.Name == v.Name && owner.UID != v.UID
}

// leaving waits for a ScaledObject that goes.
func (v View) leaving(out *Verdict) bool {
	if !v.goes() {
		return false
	}
	return v.awaits(out, kserve.ScaledObjectKind.Kind, v.ScaledObject.Name)
}

// patience is how long what is deleted may be there: KEDA's operator and the garbage collector
// take seconds.
const patience = time.Minute

// awaits lets what is deleted go first: the course of a change of engines, unless it stays.
func (v View) awaits(out *Verdict, kind, name string) bool {
	n := explain.Notice{Reason: "WaitingForRemoval", Text: fmt.Sprintf("%s %s is being removed; waiting until it is gone", kind, name)}
	ready := meta.FindStatusCondition(v.Status.Conditions, v1alpha1.Ready)
	if ready != nil && ready.Reason == n.Reason && v.Now.Sub(ready.LastTransitionTime.Time) > patience {
		n.Warning = true
		n.Text = fmt.Sprintf("%s %s should be gone, and is still there after a minute: if it has finalizers, see the log of whoever set them (finalizer.keda.sh is KEDA's), "+
			"and otherwise that of kube-controller-manager; to see them: kubectl get %s %s -n %s -o jsonpath='{.metadata.finalizers}'", kind, name, strings.ToLower(kind), name, v.Namespace)
	}
	out.Notices = append(out.Notices, n)
	return out.wait()
}

func (v View) rivalScaledObject(out *Verdict) bool {
	w := objective.WorkloadOf(v.Spec.TargetRef)
	for _, so := range v.ScaledObjects {
		ref := so.Spec.ScaleTargetRef
		if so.Name != v.Name && so.DeletionTimestamp == nil && cmp.Or(ref.Kind, "Deployment") == w.Kind {
			return v.yield(out, kserve.ScaledObjectKind.Kind, so.Name)
		}
	}
	return false
}

func (v View) rivalHPA(out *Verdict) bool {
	w := objective.WorkloadOf(v.Spec.TargetRef)
	for _, h := range v.HPAs {
		if h.Spec.ScaleTargetRef.Kind == w.Kind && h.DeletionTimestamp == nil && !kserve.OwnedBy(h.OwnerReferences, kserve.ScaledObjectKind.Kind, v.Name) {
			return v.yield(out, "HorizontalPodAutoscaler", h.Name)
		}
	}
	return false
}

// left waits for the HPA of a ScaledObject that was deleted: the garbage collector would take
// it from under the one that KEDA keeps for the next of that name.
func (v View) left(out *Verdict) bool {
	if v.ScaledObject != nil {
		return false
	}
	for _, h := range v.HPAs {
		if kserve.OwnedBy(h.OwnerReferences, kserve.ScaledObjectKind.Kind, v.Name) {
			return v.awaits(out, "HorizontalPodAutoscaler", h.Name)
		}
	}
	return false
}

// yield leaves the workload to another autoscaler.
func (v View) yield(out *Verdict, kind, name string) bool {
	out.Warn("AnotherAutoscaler", "%s", objective.WorkloadOf(v.Spec.TargetRef).Scaled(kind, name, v.Namespace).Words())
	return out.abstain(true)
}
