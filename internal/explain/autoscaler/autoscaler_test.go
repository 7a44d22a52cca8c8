package autoscaler

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

const address = "flyball-scaler.flyball-system:9443"

const stated = `
metadata: {name: chat, namespace: demo, uid: a-1, generation: 3, creationTimestamp: "2026-01-02T00:00:00Z"}
spec:
  targetRef: {apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, name: llama}
  replicas: {min: 0, max: 8}
  objectives:
    - {metric: tpot, quantile: 0.9, target: 100ms}
    - {metric: ttft, quantile: 0.9, target: 3s}
  engine: keda
`

// object is the one above after replacements "old", "new", ….
func object(t *testing.T, replace ...string) *v1alpha1.InferenceAutoscaler {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(stated)
	if len(replace) > 0 && text == stated {
		t.Fatalf("%q is not in the object", replace[0])
	}
	a := &v1alpha1.InferenceAutoscaler{}
	if err := yaml.UnmarshalStrict([]byte(text), a); err != nil {
		t.Fatal(err)
	}
	return a
}

// service is the guide's, which may be bare of metrics.
func service(t *testing.T, bare bool) *kserve.InferenceService {
	t.Helper()
	s := &kserve.InferenceService{}
	o, err := kservetest.Service()
	if err == nil {
		err = kserve.Decode(o, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	if bare {
		s.Spec.Predictor.AutoScaling = nil
	}
	return s
}

// view is of one that nothing is wrong with.
func view(t *testing.T) View {
	t.Helper()
	return View{InferenceAutoscaler: object(t), Heard: true, KEDA: true, InferenceService: service(t, true), Replicas: new(2)}
}

// scaledObject is one of a name on the workload, owned by an InferenceAutoscaler with a UID.
func scaledObject(name, uid string) *kserve.ScaledObject {
	so := &kserve.ScaledObject{}
	so.Name, so.Namespace = name, "demo"
	so.Spec.ScaleTargetRef = kserve.ScaleTarget{Kind: "Deployment", Name: "llama-predictor"}
	if uid != "" {
		so.OwnerReferences = []metav1.OwnerReference{{Kind: v1alpha1.Kind.Kind, Name: name, UID: types.UID(uid), Controller: new(true)}}
	}
	return so
}

// mapped is one's ScaledObject.
func mapped(t *testing.T, a *v1alpha1.InferenceAutoscaler) (*kserve.ScaledObject, *objective.Refusal) {
	t.Helper()
	b, refused := BoundsAt(a, time.Time{})
	if refused != nil {
		t.Fatal(refused)
	}
	return Map(a, b, address)
}

func TestMap(t *testing.T) {
	so, refused := mapped(t, object(t))
	if refused != nil {
		t.Fatal(refused)
	}
	want := `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  labels: {app.kubernetes.io/managed-by: flyball-scaler}
  name: chat
  namespace: demo
  ownerReferences:
    - {apiVersion: flyball.dev/v1alpha1, kind: InferenceAutoscaler, name: chat, uid: a-1, controller: true, blockOwnerDeletion: false}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: llama-predictor}
  minReplicaCount: 0
  maxReplicaCount: 8
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleUp: {stabilizationWindowSeconds: 0, tolerance: "0"}
        scaleDown: {stabilizationWindowSeconds: 0, tolerance: "0"}
  triggers:
    - type: external-push
      metadata: {scalerAddress: "flyball-scaler.flyball-system:9443", objectives: "tpot:p90:100ms, ttft:p90:3s"}
      authenticationRef: {name: flyball, kind: ClusterTriggerAuthentication}
`
	expected := &kserve.ScaledObject{}
	if err := yaml.UnmarshalStrict([]byte(want), expected); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected, so, cmp.Comparer(func(a, b metav1.Time) bool { return a.Equal(&b) })); diff != "" {
		t.Errorf("Map: -want +got\n%s", diff)
	}
	// INV-3: the same promise.
	if p, refused := objective.Read(so.Spec.Triggers[0].Metadata); refused != nil || p.String() != "ttft:p90:3s, tpot:p90:100ms" {
		t.Errorf("the trigger promises %v, %v", p, refused)
	}
	if kserve.IsFlyballs(so) {
		t.Error("guide mode takes the ScaledObject for its own, and would remove it")
	}
}

// INV-3: every quantile is read back as it was stated, or refused.
func TestQuantiles(t *testing.T) {
	for given, want := range map[string]string{"0.5": "p50", "0.95": "p95", "0.999": "p99.9", "0.29": "p29", "0.99999999": ""} {
		so, refused := mapped(t, object(t, "quantile: 0.9", "quantile: "+given))
		if want == "" {
			if refused == nil {
				t.Errorf("%s: want a refusal", given)
			}
			continue
		}
		if refused != nil || !strings.Contains(so.Spec.Triggers[0].Metadata[objective.Key], "ttft:"+want+":3s") {
			t.Errorf("%s: %v, %v, want %s", given, so, refused, want)
		}
	}
}

// INV-1 and INV-2.
func TestVerdict(t *testing.T) {
	const resolve = "kubectl annotate inferenceservice llama -n demo --overwrite serving.kserve.io/autoscalerClass=external"
	hpa := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "mine"}}
	hpa.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "llama-predictor"}
	kedas := *hpa.DeepCopy()
	kedas.OwnerReferences = []metav1.OwnerReference{{Kind: "ScaledObject", Name: "chat", Controller: new(true)}}
	peer := object(t, "name: chat", "name: older", "uid: a-1", "uid: a-2", "2026-01-02", "2026-01-01",
		"serving.kserve.io/v1beta1, kind: InferenceService, name: llama}", "apps/v1, kind: Deployment, name: llama-predictor}")
	younger := object(t, "name: chat", "name: younger", "uid: a-1", "uid: a-3", "2026-01-02", "2026-01-03")
	for name, tc := range map[string]struct {
		change   func(*View)
		action   explain.Action
		reason   string
		text     string
		conflict bool
	}{
		"new":   {func(*View) {}, explain.Create, "ScaledObjectCreated", "ScaledObject chat asks Flyball for the replicas of Deployment llama-predictor, between 0 and 8", false},
		"there": {func(v *View) { v.ScaledObject = scaledObject("chat", "a-1") }, explain.Repair, "", "", false},
		"KEDA's HPA": {func(v *View) {
			v.ScaledObject, v.HPAs = scaledObject("chat", "a-1"), append(v.HPAs, kedas)
		}, explain.Repair, "", "", false},
		"its HPA still": {func(v *View) { v.HPAs = append(v.HPAs, kedas) }, explain.Wait, "WaitingForRemoval", "HorizontalPodAutoscaler " + kedas.Name + " is being removed", false},
		"younger":       {func(v *View) { v.Peers = []v1alpha1.InferenceAutoscaler{*object(t), *younger} }, explain.Create, "ScaledObjectCreated", "", false},
		"not heard":     {func(v *View) { v.Heard = false }, explain.Abstain, "NamespaceNotEnabled", "kubectl label namespace demo flyball.dev/objectives=enabled", false},
		"no KEDA":       {func(v *View) { v.KEDA = false }, explain.Wait, "KEDAMissing", "install KEDA", false},
		"no service":    {func(v *View) { v.Replicas, v.InferenceService = nil, nil }, explain.Wait, "TargetMissing", "spec.targetRef: there is no InferenceService llama in namespace demo", false},
		"not made":      {func(v *View) { v.Replicas = nil }, explain.Wait, "TargetMissing", "InferenceService llama has no Deployment llama-predictor yet", false},
		"stopped": {func(v *View) {
			v.Replicas, v.InferenceService.Annotations[kserve.StopAnnotation] = nil, "true"
		}, explain.Wait, "Stopped", "kubectl annotate inferenceservice llama -n demo serving.kserve.io/stop-", false},
		"class keda": {func(v *View) { v.InferenceService.Annotations[kserve.ClassAnnotation] = "keda" }, explain.Abstain, "AnotherAutoscaler", "of autoscaler class keda, so that KServe scales it; for objectives: " + resolve, true},
		"class hpa":  {func(v *View) { delete(v.InferenceService.Annotations, kserve.ClassAnnotation) }, explain.Abstain, "AnotherAutoscaler", "class hpa, so that KServe scales it", true},
		"class none": {func(v *View) { v.InferenceService.Annotations[kserve.ClassAnnotation] = "none" }, explain.Abstain, "AnotherAutoscaler", "class none, so that KServe sets its replicas back", true},
		"guide mode": {func(v *View) { v.InferenceService = service(t, false) }, explain.Abstain, "AnotherAutoscaler", `kubectl patch inferenceservice llama -n demo --type=json -p '[{"op":"remove","path":"/spec/predictor/autoScaling"}]'`, true},
		"second":     {func(v *View) { v.Peers = []v1alpha1.InferenceAutoscaler{*peer, *object(t)} }, explain.Abstain, "TargetTaken", "Deployment llama-predictor has its objectives from InferenceAutoscaler older, which was first; delete one of the two: kubectl delete inferenceautoscaler chat -n demo", true},
		"another's ScaledObject": {func(v *View) { v.ScaledObjects = []kserve.ScaledObject{*scaledObject("mine", "")} },
			explain.Abstain, "AnotherAutoscaler", "already scaled by ScaledObject mine, so Flyball does nothing; remove that with: kubectl delete scaledobject mine -n demo", true},
		"in its place":  {func(v *View) { v.ScaledObject = scaledObject("chat", "") }, explain.Abstain, "AnotherAutoscaler", "kubectl delete scaledobject chat -n demo", true},
		"of one before": {func(v *View) { v.ScaledObject = scaledObject("chat", "a-0") }, explain.Wait, "WaitingForRemoval", "ScaledObject chat is being removed", false},
		"another's HPA": {func(v *View) { v.HPAs = append(v.HPAs, kedas, hpa) }, explain.Abstain, "AnotherAutoscaler", "kubectl delete horizontalpodautoscaler mine -n demo", true},
		"a schedule": {func(v *View) {
			v.Spec.Schedules, v.ScaledObject = office(), scaledObject("chat", "a-1")
			v.Now = time.Date(2026, time.November, 30, 8, 0, 0, 0, time.UTC) // a Monday
		}, explain.Repair, "BoundsChanged", "the replicas are between 4 and 8 by the schedule office", false},
		"a schedule that is none": {func(v *View) { v.Spec.Schedules = office(); v.Spec.Schedules[0].End = "at 6" },
			explain.Abstain, "InvalidSchedule", `spec.schedules[0].end: "at 6" is no cron expression; give minute`, false},
		"no share": {func(v *View) { v.Spec.Objectives[0].Quantile = .99 }, explain.Abstain, "InvalidObjectives", "spec.objectives: objectives tpot:p99:100ms and ttft:p90:3s promise different shares", false},
	} {
		t.Run(name, func(t *testing.T) {
			v := view(t)
			tc.change(&v)
			out := v.Verdict(address)
			said := explain.Notice{}
			if n := len(out.Notices); n > 0 {
				said = out.Notices[n-1]
			} else if out.Done != nil {
				said = *out.Done
			}
			acts := tc.action == explain.Create || tc.action == explain.Repair
			if out.Action != tc.action || said.Reason != tc.reason || !strings.Contains(said.Text, tc.text) || out.Conflict != tc.conflict || (out.Apply != nil) != acts {
				t.Errorf("Verdict = %v %+v %+v, conflict %v, want %v %s %q, %v", out.Action, said, out.Apply, out.Conflict, tc.action, tc.reason, tc.text, tc.conflict)
			}
		})
	}
}

// INV-4: whatever else scales the workload, what is decided on is what engine keda would ask
// for, and nothing is done but to give back what was.
func TestAdvice(t *testing.T) {
	hpa := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "mine"}}
	hpa.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "llama-predictor"}
	promising := func(uid string) *kserve.ScaledObject {
		so := scaledObject("chat", uid)
		so.Spec.Triggers = []kserve.Trigger{{Type: objective.Push, Metadata: map[string]string{objective.Key: "ttft:p90:3s"}}}
		return so
	}
	for name, tc := range map[string]struct {
		change func(*View)
		action explain.Action
		reason string
		text   string
		none   bool // nothing is decided on
	}{
		"alone":        {func(*View) {}, explain.Keep, "ObjectivesAdvised", `-p '{"spec":{"engine":"keda"}}'`, false},
		"without KEDA": {func(v *View) { v.KEDA = false }, explain.Keep, "ObjectivesAdvised", "tpot:p90:100ms, ttft:p90:3s: Flyball decides and records how many replicas of Deployment llama-predictor", false},
		"class keda":   {func(v *View) { v.InferenceService.Annotations[kserve.ClassAnnotation] = "keda" }, explain.Keep, "ObjectivesAdvised", "", false},
		"guide mode":   {func(v *View) { v.InferenceService = service(t, false) }, explain.Keep, "ObjectivesAdvised", "", false},
		"an HPA":       {func(v *View) { v.HPAs = append(v.HPAs, hpa) }, explain.Keep, "ObjectivesAdvised", "", false},
		"a ScaledObject": {func(v *View) {
			v.ScaledObject = scaledObject("chat", "")
			v.ScaledObjects = []kserve.ScaledObject{*v.ScaledObject, *scaledObject("mine", "")}
		}, explain.Keep, "ObjectivesAdvised", "", false},
		"second": {func(v *View) {
			v.Peers = []v1alpha1.InferenceAutoscaler{*object(t, "name: chat", "name: older", "uid: a-1", "uid: a-2", "2026-01-02", "2026-01-01")}
		}, explain.Keep, "ObjectivesAdvised", "", false},
		"its own":     {func(v *View) { v.ScaledObject = promising("a-1") }, explain.Remove, "ScaledObjectRemoved", "the replicas stay", false},
		"going":       {func(v *View) { v.ScaledObject = promising("a-1"); v.ScaledObject.DeletionTimestamp = &metav1.Time{} }, explain.Wait, "WaitingForRemoval", "ScaledObject chat", false},
		"its name":    {func(v *View) { v.ScaledObject = promising("") }, explain.Abstain, "NameTaken", "ScaledObject chat states objectives too", true},
		"not heard":   {func(v *View) { v.Heard = false }, explain.Abstain, "NamespaceNotEnabled", "", true},
		"given back":  {func(v *View) { v.Heard, v.ScaledObject = false, promising("a-1") }, explain.Remove, "ScaledObjectRemoved", "", true},
		"no workload": {func(v *View) { v.Replicas = nil }, explain.Wait, "TargetMissing", "", true},
		"no share":    {func(v *View) { v.Spec.Objectives[0].Quantile = .99 }, explain.Abstain, "InvalidObjectives", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			v := view(t)
			v.Spec.Engine = v1alpha1.Advise
			tc.change(&v)
			out := v.Verdict(address)
			said := out.Done
			if out.refused() {
				said = &out.Notices[len(out.Notices)-1]
			}
			if out.Action != tc.action || said.Reason != tc.reason || !strings.Contains(said.Text, tc.text) || out.Conflict || out.Apply != nil {
				t.Errorf("Verdict = %v %+v, applies %v, conflict %v, want %v %s %q", out.Action, said, out.Apply, out.Conflict, tc.action, tc.reason, tc.text)
			}
			want, _ := mapped(t, object(t))
			if tc.none {
				want = nil
			}
			if diff := cmp.Diff(want, out.Absent); diff != "" {
				t.Errorf("decided on: -want +got\n%s", diff)
			}
		})
	}
}

// INV-4: in nobody's way.
func TestBesideAdvice(t *testing.T) {
	v := view(t)
	v.Peers = []v1alpha1.InferenceAutoscaler{*object(t, "name: chat", "name: older", "uid: a-1", "uid: a-2", "2026-01-02", "2026-01-01", "engine: keda", "engine: advise")}
	if out := v.Verdict(address); out.Action != explain.Create {
		t.Errorf("Verdict beside an older one that only advises = %v %v, want a ScaledObject", out.Action, out.Notices)
	}
}

// good is how it goes when KEDA and the scaler are content.
func good() Course {
	return Course{Last: &Decision{Replicas: 3, Pods: 2, Read: 2, Reasons: []law.Reason{outlook(.04)}}}
}

// advise is for a view of one that only advises beside another autoscaler.
func advise(v *View) {
	v.Spec.Engine, v.ScaledObject = v1alpha1.Advise, nil
	v.ScaledObjects = []kserve.ScaledObject{*scaledObject("mine", "")}
}

func outlook(missed float64) law.Reason {
	return law.Reason{Rule: law.RuleOutlook, From: 3, To: 3, Terms: []law.Term{law.Known(law.TermExpected, missed, law.UnitShare)}}
}

func TestConditions(t *testing.T) {
	doubt := law.Reason{Rule: law.RuleNoCapacity, Terms: []law.Term{law.Known(law.TermDoubt, float64(capacity.NoRequests), law.UnitNone)}}
	short := law.Reason{Rule: law.RuleShort, Terms: []law.Term{
		law.Known(law.TermExpected, .3, law.UnitShare), law.Known(law.TermAllowed, .1, law.UnitShare), law.Replicas(law.TermMaximum, 8), law.Replicas(law.TermWanted, 11),
	}}
	for name, tc := range map[string]struct {
		change func(*View, *Course)
		want   map[string]string // condition → status, reason
		says   string            // of Ready
	}{
		"well":     {func(*View, *Course) {}, map[string]string{"Ready": "True Following", "Learning": "False Learned", "MetricsAvailable": "True PodsRead", "ScalingLimited": "False WithinBounds", "Conflict": "False None"}, ""},
		"new":      {func(_ *View, c *Course) { c.Last = nil }, map[string]string{"Ready": "Unknown Waiting", "Learning": "Unknown Waiting", "MetricsAvailable": "Unknown Waiting"}, ""},
		"KEDA yet": {func(v *View, _ *Course) { v.ScaledObject.Status.Conditions = nil }, map[string]string{"Ready": "Unknown WaitingForKEDA"}, ""},
		"KEDA's": {func(v *View, _ *Course) {
			v.ScaledObject.Status.Conditions = []kserve.Condition{{Type: "Ready", Status: "False", Reason: "TriggerError", Message: "no such host"}}
		}, map[string]string{"Ready": "False KEDANotReady"}, "KEDA says of ScaledObject chat: TriggerError: no such host"},
		"learning": {func(_ *View, c *Course) { c.Last.Reasons = []law.Reason{doubt} }, map[string]string{"Ready": "True Learning", "Learning": "True Learning"}, "It is not known what a replica serves: no request has been seen. What there is stays."},
		"blind":    {func(_ *View, c *Course) { c.Last.Read = 1 }, map[string]string{"Ready": "True PodsNotRead", "MetricsAvailable": "False PodsNotRead"}, "Prometheus"},
		"no pod":   {func(_ *View, c *Course) { c.Last.Pods, c.Last.Read = 0, 0 }, map[string]string{"Ready": "True Following", "MetricsAvailable": "Unknown NoPods"}, ""},
		"short":    {func(_ *View, c *Course) { c.Last.Reasons = []law.Reason{short} }, map[string]string{"Ready": "True MaximumTooLow", "ScalingLimited": "True MaximumTooLow"}, "The maximum of 8 does not keep the promise: 30.0 % are expected to miss, and 10.0 % may. It would take 11 replicas."},
		"no GPUs": {func(_ *View, c *Course) {
			c.Last.Reasons = []law.Reason{{Rule: law.RuleBudget, From: 6, To: 4, Terms: []law.Term{law.Replicas(law.TermLimit, 4)}}}
			c.Last.Grant = &budget.Grant{Replicas: 4, Wanted: 6, GPUs: 1, Pool: "the GPU budget of namespace demo", Size: 8, Holders: []budget.Holder{{Name: "chat", GPUs: 6}, {Name: "llama", GPUs: 2}}}
		}, map[string]string{"Ready": "True GPUBudget", "ScalingLimited": "True GPUBudget"}, "There are GPUs for 4 of the 6 that were wanted. 2 more GPUs are needed; the GPU budget of namespace demo is 8: chat has 6, llama 2."},
		"too old": {func(_ *View, c *Course) { c.Last.Stale = true }, map[string]string{"Ready": "False DecisionTooOld"}, ""},
		"no room": {func(_ *View, c *Course) {
			*c = Course{Refused: &explain.Notice{Reason: "TooManyObjectives", Text: "as many as it may"}}
		}, map[string]string{"Ready": "False TooManyObjectives", "Conflict": "False None"}, "as many as it may"},
		"taken":     {func(_ *View, c *Course) { *c = Course{Taken: true, Refused: &explain.Notice{Reason: "TargetTaken"}} }, map[string]string{"Ready": "False TargetTaken", "Conflict": "True TargetTaken"}, ""},
		"not heard": {func(v *View, _ *Course) { v.Heard = false }, map[string]string{"Ready": "False NamespaceNotEnabled", "Conflict": "False None"}, "kubectl label namespace demo"},
		"advice":    {func(v *View, _ *Course) { advise(v) }, map[string]string{"Ready": "True Advising", "Learning": "False Learned", "MetricsAvailable": "True PodsRead", "ScalingLimited": "False WithinBounds", "Conflict": "False Advising"}, "nothing is changed"},
		"advice, new": {func(v *View, c *Course) {
			advise(v)
			c.Last = nil
		}, map[string]string{"Ready": "Unknown Waiting", "Conflict": "False Advising"}, ""},
		"advice, short": {func(v *View, c *Course) {
			advise(v)
			c.Last.Reasons = []law.Reason{short}
		}, map[string]string{"Ready": "True MaximumTooLow", "ScalingLimited": "True MaximumTooLow"}, "It would take 11 replicas."},
		"advice, no room": {func(v *View, c *Course) {
			advise(v)
			*c = Course{Refused: &explain.Notice{Reason: "TooManyObjectives", Text: "as many as it may"}}
		}, map[string]string{"Ready": "False TooManyObjectives"}, "as many as it may"},
		"advice, to begin": {func(v *View, _ *Course) {
			advise(v)
			v.ScaledObject = scaledObject("chat", "a-1")
			v.ScaledObject.DeletionTimestamp = &metav1.Time{}
		}, map[string]string{"Ready": "False WaitingForRemoval"}, "waiting until it is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			v, c := view(t), good()
			v.ScaledObject = scaledObject("chat", "a-1")
			v.ScaledObject.Status.Conditions = []kserve.Condition{{Type: "Ready", Status: "True"}}
			tc.change(&v, &c)
			s := Status(v.Status, v, v.Verdict(address), c, time.Unix(100, 0))
			got := map[string]string{}
			for kind := range tc.want {
				if c := meta.FindStatusCondition(s.Conditions, kind); c != nil && c.ObservedGeneration == 3 {
					got[kind] = string(c.Status) + " " + c.Reason
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("conditions: -want +got\n%s", diff)
			}
			if text := meta.FindStatusCondition(s.Conditions, v1alpha1.Ready).Message; !strings.Contains(text, tc.says) {
				t.Errorf("Ready says %q, want %q", text, tc.says)
			}
		})
	}
}

// INV-5.
func TestStatusIsStable(t *testing.T) {
	v, c := view(t), good()
	v.ScaledObject = scaledObject("chat", "a-1")
	out := v.Verdict(address)
	first := Status(v1alpha1.Status{}, v, out, c, time.Unix(100, 0))
	want := v1alpha1.Status{
		ObservedGeneration: 3, Conditions: first.Conditions, ScaledObject: "chat",
		MinReplicas: new(int32(0)), MaxReplicas: new(int32(8)), ReadyReplicas: new(int32(2)), DesiredReplicas: new(int32(3)), Promised: "90%", Expected: "96%",
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("Status: -want +got\n%s", diff)
	}
	for _, step := range []struct {
		missed float64
		want   string
	}{{.04, "96%"}, {.05, "96%"}, {.06, "94%"}, {.07, "94%"}, {.11, "89%"}, {.1, "90%"}, {0, "100%"}} {
		c.Last.Reasons = []law.Reason{outlook(step.missed)}
		next := Status(first, v, out, c, time.Unix(200, 0))
		if next.Expected != step.want || !cmp.Equal(next.Conditions, first.Conditions) {
			t.Errorf("%v missed: %q and %v, want %q and %v", step.missed, next.Expected, next.Conditions, step.want, first.Conditions)
		}
		first = next
	}
	c.Last.Replicas = 0
	if asleep := Status(first, v, out, c, time.Unix(300, 0)); asleep.Expected != "" {
		t.Errorf("at zero %q are expected to keep the promise, want nothing said", asleep.Expected)
	}
}
