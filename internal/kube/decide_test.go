package kube

import (
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const external = "autoscalerClass: external"

func owner(kind, name string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{Kind: kind, Name: name, UID: "u1", Controller: new(true)}}
}

func ours() *ScaledObject {
	return &ScaledObject{ObjectMeta: metav1.ObjectMeta{
		Name: "llama-predictor", Labels: map[string]string{managedByLabel: Manager}, OwnerReferences: owner("InferenceService", "llama"),
	}}
}

func kserves() *ScaledObject {
	so := ours()
	so.Labels = nil
	return so
}

// earlier is ours, left over from a deleted service of the same name.
func earlier() *ScaledObject {
	so := ours()
	so.OwnerReferences[0].UID = "u0"
	return so
}

func changed(so *ScaledObject, change func(*ScaledObject)) *ScaledObject {
	change(so)
	return so
}

func foreign() *ScaledObject { return targeting("llama-predictor", "") }

func targeting(name, kind string) *ScaledObject {
	so := &ScaledObject{ObjectMeta: metav1.ObjectMeta{Name: name}}
	so.Spec.ScaleTargetRef = ScaleTarget{Kind: kind, Name: "llama-predictor"}
	return so
}

func hpa(name string, refs []metav1.OwnerReference) autoscalingv2.HorizontalPodAutoscaler {
	h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: refs}}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "llama-predictor"}
	return h
}

func TestDecide(t *testing.T) {
	stop := []string{external, external + "\n    serving.kserve.io/stop: 'true'"}
	classKEDA := []string{external, "autoscalerClass: keda"}
	for name, tc := range map[string]struct {
		replace []string
		own     *ScaledObject
		others  []ScaledObject
		hpas    []autoscalingv2.HorizontalPodAutoscaler
		noKEDA  bool
		want    action
		says    string // in a notice
	}{
		"new":                    {want: create},
		"repaired":               {own: ours(), want: repair},
		"KServe's adopted":       {own: kserves(), want: adopt},
		"stopped":                {replace: stop, own: ours(), want: remove, says: "serving.kserve.io/stop-"},
		"stopped, KServe's":      {replace: stop, own: kserves(), want: remove, says: "serving.kserve.io/stop-"},
		"stopped, nothing there": {replace: stop, want: keep, says: "serving.kserve.io/stop-"},
		"stopped, foreign":       {replace: stop, own: foreign(), want: keep, says: "serving.kserve.io/stop-"},
		"class keda":             {replace: classKEDA, own: ours(), want: release},
		"class keda, KServe's":   {replace: classKEDA, own: kserves(), want: keep},
		"class keda, label lost": {replace: classKEDA, own: changed(kserves(), func(so *ScaledObject) {
			so.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: Manager, Operation: metav1.ManagedFieldsOperationApply}}
		}), want: release},
		"class none":            {replace: []string{external, "autoscalerClass: none"}, own: ours(), want: remove},
		"class hpa, never ours": {replace: []string{external, "autoscalerClass: hpa"}, own: kserves(), want: keep},
		"the predictor's class": {replace: []string{"  predictor:\n", "  predictor:\n    annotations: {serving.kserve.io/autoscalerClass: none}\n"}, own: ours(), want: remove},
		"no metrics, ours":      {replace: []string{"metrics:", "ignored:"}, own: ours(), want: remove},
		"no metrics, KServe's":  {replace: []string{"metrics:", "ignored:"}, own: kserves(), want: keep},
		"no metrics":            {replace: []string{"metrics:", "ignored:"}, want: keep},
		"being deleted": {own: changed(ours(), func(so *ScaledObject) {
			so.DeletionTimestamp = &metav1.Time{}
		}), want: wait},
		"an earlier service's": {own: earlier(), want: wait, says: "goes first"},
		"owner taken off": {own: changed(ours(), func(so *ScaledObject) {
			so.OwnerReferences = nil
		}), want: repair},
		"owner exchanged": {own: changed(ours(), func(so *ScaledObject) {
			so.OwnerReferences = owner("Deployment", "x")
			so.OwnerReferences[0].UID = "u2"
		}), want: abstain, says: "kubectl delete scaledobject llama-predictor -n demo"},
		"KServe's HPA still there": {hpas: []autoscalingv2.HorizontalPodAutoscaler{hpa("llama-predictor", owner("InferenceService", "llama"))}, want: wait, says: "first"},
		"KEDA's own HPA":           {own: ours(), hpas: []autoscalingv2.HorizontalPodAutoscaler{hpa("keda-hpa-llama-predictor", owner("ScaledObject", "llama-predictor"))}, want: repair},
		"foreign HPA":              {hpas: []autoscalingv2.HorizontalPodAutoscaler{hpa("mine", nil)}, want: abstain, says: "kubectl delete horizontalpodautoscaler mine -n demo"},
		"foreign ScaledObject":     {others: []ScaledObject{*targeting("theirs", "")}, want: abstain, says: "kubectl delete scaledobject theirs -n demo"},
		"not the Deployment's":     {others: []ScaledObject{*targeting("theirs", "StatefulSet")}, want: create},
		"foreign of our name":      {own: foreign(), want: abstain, says: "kubectl delete scaledobject llama-predictor -n demo"},
		"refused keeps":            {replace: []string{"'1'", "'0'"}, own: ours(), want: abstain, says: "not positive"},
		"Knative is cleaned up":    {replace: []string{"RawDeployment", "Knative"}, own: ours(), want: remove, says: "no Deployment"},
		"no maximum":               {replace: []string{"    maxReplicas: 8\n", ""}, want: create, says: "spec.predictor.maxReplicas"},
		"KEDA missing":             {noKEDA: true, want: wait, says: "install KEDA"},
		"KEDA missing, class none": {noKEDA: true, replace: []string{external, "autoscalerClass: none"}, want: keep},
	} {
		t.Run(name, func(t *testing.T) {
			v := decide(observed{
				service: service(t, tc.replace...), own: tc.own, others: tc.others, hpas: tc.hpas, noKEDA: tc.noKEDA,
				auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}},
			})
			said := text(v.notices)
			if v.action != tc.want || !strings.Contains(said, tc.says) || tc.says == "" && said != "" {
				t.Errorf("decide() = %v saying %q, want %v saying %q", v.action, said, tc.want, tc.says)
			}
		})
	}
}

func text(notices []notice) string {
	var all strings.Builder
	for _, n := range notices {
		all.WriteString(n.text + "\n")
	}
	return all.String()
}

func TestActionString(t *testing.T) {
	seen := map[string]bool{}
	for a := keep; a < numActions; a++ {
		if name := a.String(); name == "" || seen[name] {
			t.Errorf("action(%d).String() = %q, want a name of its own", a, name)
		}
		seen[a.String()] = true
	}
	if got := action(0).String(); got != "action(0)" {
		t.Errorf("action(0).String() = %q, want action(0)", got)
	}
}
