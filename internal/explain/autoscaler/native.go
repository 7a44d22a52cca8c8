package autoscaler

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/record/why"
)

// native has Flyball scale the workload itself, once nothing else does. While something that
// goes is waited for, or is in its way, decisions go on, so that nothing is forgotten.
func (v View) native(address string) Verdict {
	out := Verdict{}
	for _, refuses := range []func(*Verdict) bool{v.unheard, v.missing, v.ofKServe, v.second, v.barred} {
		if refuses(&out) {
			return out
		}
	}
	if out.Absent = v.stated(&out, address); out.Absent == nil || v.rival(&out) {
		return out
	}
	out.Native = true
	w := objective.WorkloadOf(v.Spec.TargetRef)
	if v.own() {
		out.Then(explain.Remove, "ScaledObjectRemoved", "spec.engine is native, so ScaledObject %s is deleted; once its HPA is gone Flyball scales %s %s itself", v.ScaledObject.Name, w.Kind, w.Name)
		return out
	}
	out.Then(explain.Keep, "ObjectivesAccepted", "%s is promised, and Flyball scales %s %s itself", out.Absent.Spec.Triggers[0].Metadata[objective.Key], w.Kind, w.Name)
	out.Notices = append(out.Notices, *out.Done)
	if b, _ := BoundsAt(v.InferenceAutoscaler, v.Now); v.rebounded(b) {
		out.Then(explain.Keep, "BoundsChanged", "the replicas are %v", b)
		out.Notices = append(out.Notices, *out.Done)
	}
	return out
}

// Wakes tells whether Flyball itself scales the workload of one when requests are held for it, by
// what was last said of it. What passes by itself refuses nobody.
func Wakes(a *v1alpha1.InferenceAutoscaler) bool {
	ready := meta.FindStatusCondition(a.Status.Conditions, v1alpha1.Ready)
	if a.Spec.Engine != v1alpha1.Native || a.DeletionTimestamp != nil || ready == nil {
		return false
	}
	return ready.Status != metav1.ConditionFalse ||
		slices.Contains([]string{"TargetMissing", "Stopped", "WaitingForRemoval", "ScaleFailed", "DecisionTooOld"}, ready.Reason)
}

// Writes tells whether the number that is decided is to be written to the workload's scale.
func (out *Verdict) Writes() bool { return out.Native && out.Action == explain.Keep }

// rebounded tells whether a schedule has changed the bounds since the status was written.
func (v View) rebounded(b Bounds) bool {
	least, most := v.Status.MinReplicas, v.Status.MaxReplicas
	return len(v.Spec.Schedules) > 0 && least != nil && most != nil && (*least != b.Min || *most != b.Max)
}

// barred is for one whose workload's scale Flyball cannot write.
func (v View) barred(out *Verdict) bool {
	if v.Barred == nil {
		return false
	}
	out.Notices = append(out.Notices, *v.Barred)
	return out.abstain(false)
}

// Unwritten is said where the scale of a workload could not be written, in the API server's
// words. The right to do so is none that Flyball has unless it is given.
func Unwritten(w objective.Workload, forbidden bool, words string) *explain.Notice {
	v := explain.Verdict{}
	if forbidden {
		v.Warn("ScaleForbidden", "the engine native needs the right to get and update %ss/scale, which flyball-scaler lacks: %s; "+
			"an administrator adds the component config/native to the kustomization, or --set native=true to the Helm release", strings.ToLower(w.Kind), words)
	} else {
		v.Warn("ScaleFailed", "the replicas of %s %s could not be written, which is tried again at each tick: %s", w.Kind, w.Name, words)
	}
	return &v.Notices[0]
}

// Rescaled is said of replicas that Flyball has written, with the reasons for the number.
func Rescaled(w objective.Workload, from, to int, reasons []law.Reason) explain.Notice {
	sentences := []string{fmt.Sprintf("%s %s goes from %d to %d replicas.", w.Kind, w.Name, from, to)}
	for _, r := range reasons {
		if r.Rule != law.RuleOutlook {
			sentences = append(sentences, why.Sentence(r))
		}
	}
	text, v := strings.Join(sentences, " "), explain.Verdict{}
	if to > from {
		v.Then(explain.Keep, "ScaledUp", "%s", text)
	} else {
		v.Then(explain.Keep, "ScaledDown", "%s", text)
	}
	return *v.Done
}
