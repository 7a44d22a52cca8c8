package autoscaler

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// nativeView is of one that Flyball scales itself, and nothing is wrong with.
func nativeView(t *testing.T) View {
	t.Helper()
	v := view(t)
	v.Spec.Engine = v1alpha1.Native
	return v
}

func onTarget(name, scaledObject string) autoscalingv2.HorizontalPodAutoscaler {
	h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: name}}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "llama-predictor"}
	if scaledObject != "" {
		h.OwnerReferences = []metav1.OwnerReference{{Kind: kserve.ScaledObjectKind.Kind, Name: scaledObject, Controller: new(true)}}
	}
	return h
}

// INV-10: it is written where nothing else scales the workload, and Flyball may.
func TestNative(t *testing.T) {
	barred := Unwritten(objective.Workload{Kind: "Deployment", Name: "llama-predictor"}, true, "no right")
	for name, tc := range map[string]struct {
		change   func(*View)
		action   explain.Action
		reason   string
		text     string
		conflict bool
		none     bool // nothing is decided on
	}{
		"alone":        {func(*View) {}, explain.Keep, "ObjectivesAccepted", "tpot:p90:100ms, ttft:p90:3s is promised, and Flyball scales Deployment llama-predictor itself", false, false},
		"without KEDA": {func(v *View) { v.KEDA = false }, explain.Keep, "ObjectivesAccepted", "", false, false},
		"its own": {func(v *View) {
			v.ScaledObject, v.HPAs = scaledObject("chat", "a-1"), append(v.HPAs, onTarget("keda-hpa-chat", "chat"))
		}, explain.Remove, "ScaledObjectRemoved", "once its HPA is gone", false, false},
		"going": {func(v *View) {
			v.ScaledObject = scaledObject("chat", "a-1")
			v.ScaledObject.DeletionTimestamp = &metav1.Time{}
		}, explain.Wait, "WaitingForRemoval", "ScaledObject chat", false, false},
		"its HPA": {func(v *View) { v.HPAs = append(v.HPAs, onTarget("keda-hpa-chat", "chat")) }, explain.Wait, "WaitingForRemoval", "HorizontalPodAutoscaler keda-hpa-chat", false, false},
		"an HPA":  {func(v *View) { v.HPAs = append(v.HPAs, onTarget("mine", "")) }, explain.Abstain, "AnotherAutoscaler", "kubectl delete horizontalpodautoscaler mine -n demo", true, false},
		"an HPA beside": {func(v *View) {
			v.ScaledObject, v.HPAs = scaledObject("chat", "a-1"), append(v.HPAs, onTarget("mine", ""))
		}, explain.Abstain, "AnotherAutoscaler", "mine", true, false},
		"a ScaledObject": {func(v *View) { v.ScaledObjects = []kserve.ScaledObject{*scaledObject("mine", "")} }, explain.Abstain, "AnotherAutoscaler", "kubectl delete scaledobject mine -n demo", true, false},
		"in its place":   {func(v *View) { v.ScaledObject = scaledObject("chat", "") }, explain.Abstain, "AnotherAutoscaler", "kubectl delete scaledobject chat -n demo", true, false},
		"second": {func(v *View) {
			v.Peers = []v1alpha1.InferenceAutoscaler{*object(t, "name: chat", "name: older", "uid: a-1", "uid: a-2", "2026-01-02", "2026-01-01")}
		}, explain.Abstain, "TargetTaken", "kubectl delete inferenceautoscaler chat -n demo", true, true},
		"class none":  {func(v *View) { v.InferenceService.Annotations[kserve.ClassAnnotation] = "none" }, explain.Abstain, "AnotherAutoscaler", "so that KServe sets its replicas back", true, true},
		"guide mode":  {func(v *View) { v.InferenceService = service(t, false) }, explain.Abstain, "AnotherAutoscaler", "kubectl patch inferenceservice llama", true, true},
		"not heard":   {func(v *View) { v.Heard = false }, explain.Abstain, "NamespaceNotEnabled", "kubectl label namespace demo", false, true},
		"no workload": {func(v *View) { v.Replicas = nil }, explain.Wait, "TargetMissing", "", false, true},
		"no share":    {func(v *View) { v.Spec.Objectives[0].Quantile = .99 }, explain.Abstain, "InvalidObjectives", "", false, true},
		"no right": {func(v *View) { v.ScaledObject, v.Barred = scaledObject("chat", "a-1"), barred }, explain.Abstain, "ScaleForbidden",
			"an administrator adds the component config/native to the kustomization, or --set native=true to the Helm release", false, true},
		"a schedule": {func(v *View) {
			v.Spec.Schedules, v.Status.MinReplicas, v.Status.MaxReplicas = office(), new(int32(0)), new(int32(8))
			v.Now = time.Date(2026, time.November, 30, 8, 0, 0, 0, time.UTC) // a Monday
		}, explain.Keep, "BoundsChanged", "the replicas are between 4 and 8 by the schedule office", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := nativeView(t)
			tc.change(&v)
			out := v.Verdict(address)
			said := out.Done
			if out.refused() {
				said = &out.Notices[len(out.Notices)-1]
			}
			if out.Action != tc.action || said.Reason != tc.reason || !strings.Contains(said.Text, tc.text) || out.Conflict != tc.conflict || out.Apply != nil {
				t.Errorf("Verdict = %v %+v, applies %v, conflict %v, want %v %s %q, %v", out.Action, said, out.Apply, out.Conflict, tc.action, tc.reason, tc.text, tc.conflict)
			}
			if (out.Absent == nil) != tc.none || out.Writes() != (tc.action == explain.Keep) {
				t.Errorf("decided on %v, writes %v", out.Absent, out.Writes())
			}
		})
	}
}

// What is decided on is what engine keda would ask for.
func TestNativeIsDecidedAlike(t *testing.T) {
	want, _ := mapped(t, object(t))
	v := nativeView(t)
	if diff := cmp.Diff(want, v.Verdict(address).Absent); diff != "" {
		t.Errorf("decided on: -want +got\n%s", diff)
	}
}

func TestNativeConditions(t *testing.T) {
	failed := Unwritten(objective.Workload{Kind: "Deployment", Name: "llama-predictor"}, false, "the webhook says no")
	for name, tc := range map[string]struct {
		change func(*View, *Course)
		want   map[string]string // condition → status, reason
		says   string            // of Ready
	}{
		"well":     {func(*View, *Course) {}, map[string]string{"Ready": "True Following", "Conflict": "False None", "ScalingLimited": "False WithinBounds"}, "the replicas follow"},
		"new":      {func(_ *View, c *Course) { c.Last = nil }, map[string]string{"Ready": "Unknown Waiting"}, ""},
		"too old":  {func(_ *View, c *Course) { c.Last.Stale = true }, map[string]string{"Ready": "False DecisionTooOld"}, ""},
		"failed":   {func(_ *View, c *Course) { c.Failed = failed }, map[string]string{"Ready": "False ScaleFailed"}, "the replicas of Deployment llama-predictor could not be written, which is tried again at each tick: the webhook says no"},
		"conflict": {func(v *View, _ *Course) { v.HPAs = append(v.HPAs, onTarget("mine", "")) }, map[string]string{"Ready": "False AnotherAutoscaler", "Conflict": "True AnotherAutoscaler"}, "remove that with"},
		"no right": {func(v *View, _ *Course) { v.Barred = Unwritten(objective.Workload{Kind: "Deployment"}, true, "no") }, map[string]string{"Ready": "False ScaleForbidden", "Conflict": "False None"}, "deployments/scale"},
	} {
		t.Run(name, func(t *testing.T) {
			v, c := nativeView(t), good()
			tc.change(&v, &c)
			s := Status(v.Status, v, v.Verdict(address), c, time.Unix(100, 0))
			got := map[string]string{}
			for kind := range tc.want {
				if c := meta.FindStatusCondition(s.Conditions, kind); c != nil {
					got[kind] = string(c.Status) + " " + c.Reason
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("conditions: -want +got\n%s", diff)
			}
			if text := meta.FindStatusCondition(s.Conditions, v1alpha1.Ready).Message; !strings.Contains(text, tc.says) || s.ScaledObject != "" {
				t.Errorf("Ready says %q, want %q; ScaledObject %q, want none", text, tc.says, s.ScaledObject)
			}
		})
	}
}

// INV-11: by its last status, from which a gateway sees whether to hold requests.
func TestWakes(t *testing.T) {
	failed := Unwritten(objective.Workload{Kind: "Deployment"}, false, "a conflict")
	for name, tc := range map[string]struct {
		change func(*View, *Course)
		want   bool
	}{
		"well":          {func(*View, *Course) {}, true},
		"new":           {func(_ *View, c *Course) { c.Last = nil }, true},
		"too old":       {func(_ *View, c *Course) { c.Last.Stale = true }, true},
		"a failure":     {func(_ *View, c *Course) { c.Failed = failed }, true},
		"KEDA's HPA":    {func(v *View, _ *Course) { v.HPAs = append(v.HPAs, onTarget("keda-hpa-chat", "chat")) }, true},
		"no Deployment": {func(v *View, _ *Course) { v.Replicas = nil }, true},
		"stopped": {func(v *View, _ *Course) {
			v.Replicas, v.InferenceService.Annotations[kserve.StopAnnotation] = nil, "true"
		}, true},
		"an HPA":        {func(v *View, _ *Course) { v.HPAs = append(v.HPAs, onTarget("mine", "")) }, false},
		"not heard":     {func(v *View, _ *Course) { v.Heard = false }, false},
		"no right":      {func(v *View, _ *Course) { v.Barred = Unwritten(objective.Workload{Kind: "Deployment"}, true, "no") }, false},
		"too many":      {func(_ *View, c *Course) { c.Refused = &explain.Notice{Reason: "TooManyObjectives"} }, false},
		"being deleted": {func(v *View, _ *Course) { v.DeletionTimestamp = &metav1.Time{} }, false},
		"engine keda":   {func(v *View, _ *Course) { v.Spec.Engine = v1alpha1.KEDA }, false},
		"engine advise": {func(v *View, _ *Course) { advise(v) }, false},
	} {
		v, c := nativeView(t), good()
		tc.change(&v, &c)
		v.Status = Status(v.Status, v, v.Verdict(address), c, time.Unix(100, 0))
		if got := Wakes(v.InferenceAutoscaler); got != tc.want {
			t.Errorf("%s: Wakes = %v, want %v; conditions %+v", name, got, tc.want, v.Status.Conditions)
		}
	}
	if Wakes(nativeView(t).InferenceAutoscaler) {
		t.Error("nobody has looked at it: Wakes = true, want false")
	}
}

func TestRescaled(t *testing.T) {
	reasons := []law.Reason{outlook(.04), {Rule: law.RuleMinimum, From: 1, To: 2}}
	got := Rescaled(objective.Workload{Kind: "Deployment", Name: "llama"}, 1, 2, reasons)
	if want := (explain.Notice{Reason: "ScaledUp", Text: "Deployment llama goes from 1 to 2 replicas. The minimum raises 1 to 2."}); got != want {
		t.Errorf("Rescaled = %+v, want %+v", got, want)
	}
}

// What was deleted is waited for as a matter of course, until it stays.
func TestWaitingForRemoval(t *testing.T) {
	gone := func(v *View) {
		v.ScaledObject = scaledObject("chat", "a-1")
		v.ScaledObject.DeletionTimestamp = &metav1.Time{}
	}
	its := func(v *View) { v.HPAs = append(v.HPAs, onTarget("keda-hpa-chat", "chat")) }
	for name, tc := range map[string]struct {
		change func(*View)
		since  time.Duration
		reason string // of Ready before
		text   string // of the warning; "": none
	}{
		"at once":          {gone, time.Hour, "Following", ""},
		"for some seconds": {gone, 15 * time.Second, "WaitingForRemoval", ""},
		"too long":         {gone, 61 * time.Second, "WaitingForRemoval", "kubectl get scaledobject chat -n demo"},
		"its HPA":          {its, 15 * time.Second, "WaitingForRemoval", ""},
		"its HPA too long": {its, 61 * time.Second, "WaitingForRemoval", "kubectl get horizontalpodautoscaler keda-hpa-chat -n demo"},
	} {
		t.Run(name, func(t *testing.T) {
			v := nativeView(t)
			v.Now = time.Unix(1000, 0)
			v.Status.Conditions = []metav1.Condition{{Type: v1alpha1.Ready, Status: "False", Reason: tc.reason, LastTransitionTime: metav1.Time{Time: v.Now.Add(-tc.since)}}}
			tc.change(&v)
			out := v.Verdict(address)
			if len(out.Notices) != 1 {
				t.Fatalf("said %+v, want one notice", out.Notices)
			}
			said := out.Notices[0]
			if out.Action != explain.Wait || said.Reason != "WaitingForRemoval" || said.Warning != (tc.text != "") || !strings.Contains(said.Text, tc.text) {
				t.Errorf("Verdict = %v, %+v, want a warning with %q", out.Action, said, tc.text)
			}
		})
	}
}
