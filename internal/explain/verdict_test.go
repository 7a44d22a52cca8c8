package explain

import (
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// INV-2, INV-3, INV-4: each state of class, stop and objects has its one act.
func TestVerdict(t *testing.T) {
	stop := []string{external, external + "\n    serving.kserve.io/stop: 'true'"}
	classKEDA := []string{external, "autoscalerClass: keda"}
	for name, tc := range map[string]struct {
		replace []string
		own     *kserve.ScaledObject
		others  []kserve.ScaledObject
		hpas    []autoscalingv2.HorizontalPodAutoscaler
		noKEDA  bool
		want    Action
		says    string // in a notice
	}{
		"new":                    {want: Create},
		"repaired":               {own: ours(), want: Repair},
		"KServe's adopted":       {own: kserves(), want: Adopt},
		"stopped":                {replace: stop, own: ours(), want: Remove, says: "serving.kserve.io/stop-"},
		"stopped, KServe's":      {replace: stop, own: kserves(), want: Remove, says: "serving.kserve.io/stop-"},
		"stopped, nothing there": {replace: stop, want: Keep, says: "serving.kserve.io/stop-"},
		"stopped, foreign":       {replace: stop, own: foreign(), want: Keep, says: "serving.kserve.io/stop-"},
		"class keda":             {replace: classKEDA, own: ours(), want: Release},
		"class keda, KServe's":   {replace: classKEDA, own: kserves(), want: Keep},
		"class keda, label lost": {replace: classKEDA, own: changed(kserves(), func(so *kserve.ScaledObject) {
			so.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: kserve.Manager, Operation: metav1.ManagedFieldsOperationApply}}
		}), want: Release},
		"class none":            {replace: []string{external, "autoscalerClass: none"}, own: ours(), want: Remove},
		"class hpa, never ours": {replace: []string{external, "autoscalerClass: hpa"}, own: kserves(), want: Keep},
		"the predictor's class": {replace: []string{"  predictor:\n", "  predictor:\n    annotations: {serving.kserve.io/autoscalerClass: none}\n"}, own: ours(), want: Remove},
		"no metrics, ours":      {replace: []string{"metrics:", "ignored:"}, own: ours(), want: Remove},
		"no metrics, KServe's":  {replace: []string{"metrics:", "ignored:"}, own: kserves(), want: Keep},
		"no metrics":            {replace: []string{"metrics:", "ignored:"}, want: Keep},
		"being deleted": {own: changed(ours(), func(so *kserve.ScaledObject) {
			so.DeletionTimestamp = &metav1.Time{}
		}), want: Wait},
		"an earlier service's": {own: earlier(), want: Wait, says: "waiting until it is gone"},
		"owner taken off": {own: changed(ours(), func(so *kserve.ScaledObject) {
			so.OwnerReferences = nil
		}), want: Repair},
		"owner exchanged": {own: changed(ours(), func(so *kserve.ScaledObject) {
			so.OwnerReferences = owner("Deployment", "x")
			so.OwnerReferences[0].UID = "u2"
		}), want: Abstain, says: "kubectl delete scaledobject llama-predictor -n demo"},
		"KServe's HPA still there": {hpas: []autoscalingv2.HorizontalPodAutoscaler{hpaNamed("llama-predictor", owner("InferenceService", "llama"))}, want: Wait, says: "has removed its HorizontalPodAutoscaler"},
		"KEDA's own HPA":           {own: ours(), hpas: []autoscalingv2.HorizontalPodAutoscaler{hpaNamed("keda-hpa-llama-predictor", owner("ScaledObject", "llama-predictor"))}, want: Repair},
		"foreign HPA":              {hpas: []autoscalingv2.HorizontalPodAutoscaler{hpaNamed("mine", nil)}, want: Abstain, says: "kubectl delete horizontalpodautoscaler mine -n demo"},
		"foreign ScaledObject":     {others: []kserve.ScaledObject{*targeting("theirs", "")}, want: Abstain, says: "kubectl delete scaledobject theirs -n demo"},
		"not the Deployment's":     {others: []kserve.ScaledObject{*targeting("theirs", "StatefulSet")}, want: Create},
		"foreign of our name":      {own: foreign(), want: Abstain, says: "kubectl delete scaledobject llama-predictor -n demo"},
		"refused keeps":            {replace: []string{"'1'", "'0'"}, own: ours(), want: Abstain, says: "not positive"},
		"Knative is cleaned up":    {replace: []string{"RawDeployment", "Knative"}, own: ours(), want: Remove, says: "no Deployment"},
		"no maximum":               {replace: []string{"    maxReplicas: 8\n", ""}, want: Create, says: "spec.predictor.maxReplicas"},
		"KEDA missing":             {noKEDA: true, want: Wait, says: "install KEDA"},
		"KEDA missing, class none": {noKEDA: true, replace: []string{external, "autoscalerClass: none"}, want: Keep},
	} {
		t.Run(name, func(t *testing.T) {
			v := Snapshot{
				InferenceService: *service(t, tc.replace...), ScaledObject: tc.own, Others: tc.others, HPAs: tc.hpas, NoKEDA: tc.noKEDA,
				Auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}},
			}.Verdict()
			said := text(v.Notices)
			if v.Action != tc.want || !strings.Contains(said, tc.says) || tc.says == "" && said != "" {
				t.Errorf("Verdict() = %v saying %q, want %v saying %q", v.Action, said, tc.want, tc.says)
			}
		})
	}
}

// INV-5: as TestVerdict, where the administrator has named the servers.
func TestVerdictOnServers(t *testing.T) {
	const guides = "http://prometheus-operated.cpaas-system.svc.cluster.local:9090"
	before := func(server string) *kserve.ScaledObject {
		so, _, err := kserve.Map(service(t, guides, server))
		if err != nil {
			t.Fatal(err)
		}
		return so
	}
	const evil, noRef = "http://evil:9090", "            authenticationRef:\n              authModes: basic\n              authenticationRef:\n                name: prom-basic-auth\n"
	theirs := before(evil)
	theirs.Labels = nil
	bare := before(evil)
	bare.Spec.Triggers[0].AuthenticationRef = nil
	delete(bare.Spec.Triggers[0].Metadata, "authModes")
	for name, tc := range map[string]struct {
		servers kserve.Servers
		replace []string
		own     *kserve.ScaledObject
		want    Action
		says    string // reason of the one notice
	}{
		"named":                                  {servers: kserve.Servers{guides}, want: Create},
		"none named":                             {replace: []string{guides, evil}, want: Create},
		"another, new":                           {servers: kserve.Servers{guides}, replace: []string{guides, evil}, want: Abstain, says: "MetricServerRefused"},
		"another, KServe's":                      {servers: kserve.Servers{guides}, replace: []string{guides, evil}, own: theirs, want: Abstain, says: "MetricServerRefused"},
		"another, of before":                     {servers: kserve.Servers{guides}, replace: []string{guides, evil}, own: before(evil), want: Repair, says: "MetricServerNotAllowed"},
		"of before, other bounds":                {servers: kserve.Servers{guides}, replace: []string{guides, evil, "maxReplicas: 8", "maxReplicas: 9"}, own: before(evil), want: Repair, says: "MetricServerNotAllowed"},
		"of before, another query":               {servers: kserve.Servers{guides}, replace: []string{guides, evil, "num_requests_running", "num_requests_waiting"}, own: before(evil), want: Abstain, says: "MetricServerRefused"},
		"of before, another server":              {servers: kserve.Servers{guides}, replace: []string{guides, "http://worse:9090"}, own: before(evil), want: Abstain, says: "MetricServerRefused"},
		"of before, another reference":           {servers: kserve.Servers{guides}, replace: []string{guides, evil, "name: prom-basic-auth", "name: other"}, own: before(evil), want: Abstain, says: "MetricServerRefused"},
		"of before, put right":                   {servers: kserve.Servers{guides}, own: before(evil), want: Repair},
		"without credentials, named":             {servers: kserve.Servers{guides}, replace: []string{noRef, ""}, want: Create},
		"without credentials, another":           {servers: kserve.Servers{guides}, replace: []string{guides, evil, noRef, ""}, want: Abstain, says: "MetricServerRefused"},
		"without credentials, of before":         {servers: kserve.Servers{guides}, replace: []string{guides, evil, noRef, ""}, own: bare, want: Repair, says: "MetricServerNotAllowed"},
		"without credentials, of before, edited": {servers: kserve.Servers{guides}, replace: []string{guides, "http://worse:9090", noRef, ""}, own: bare, want: Abstain, says: "MetricServerRefused"},
		"a credential is added":                  {servers: kserve.Servers{guides}, replace: []string{guides, evil}, own: bare, want: Abstain, says: "MetricServerRefused"},
	} {
		t.Run(name, func(t *testing.T) {
			v := Snapshot{
				InferenceService: *service(t, tc.replace...), ScaledObject: tc.own, Servers: tc.servers,
				Auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}, "other": nil},
			}.Verdict()
			if v.Action != tc.want || tc.says == "" && len(v.Notices) > 0 || tc.says != "" && (len(v.Notices) != 1 || v.Notices[0].Reason != tc.says) {
				t.Errorf("Verdict() = %v saying %v, want %v saying %q", v.Action, v.Notices, tc.want, tc.says)
			}
			if said := text(v.Notices); tc.says != "" && (!strings.Contains(said, "--metric-servers") || !strings.Contains(said, guides)) {
				t.Errorf("Verdict() says %q, want what is allowed and by what", said)
			}
		})
	}
}

func text(notices []Notice) string {
	var all strings.Builder
	for _, n := range notices {
		all.WriteString(n.Text + "\n")
	}
	return all.String()
}

func TestActionString(t *testing.T) {
	seen := map[string]bool{}
	for a := Keep; a < numActions; a++ {
		if name := a.String(); name == "" || seen[name] {
			t.Errorf("Action(%d).String() = %q, want a name of its own", a, name)
		}
		seen[a.String()] = true
	}
	if got := Action(0).String(); got != "Action(0)" {
		t.Errorf("Action(0).String() = %q, want Action(0)", got)
	}
}

// A service of class external without metrics is scaled by whoever its owner lets: a
// ScaledObject that states objectives is no rival, whatever it is called.
func TestVerdictBesideObjectives(t *testing.T) {
	bare := service(t, "metrics:", "ignored:")
	for name, s := range map[string]Snapshot{
		"of another name": {InferenceService: *bare, Others: []kserve.ScaledObject{*targeting("promise", "")}},
		"of our name":     {InferenceService: *bare, ScaledObject: foreign()},
	} {
		if v := s.Verdict(); v.Action != Keep || len(v.Notices) > 0 {
			t.Errorf("%s: Verdict() = %v, %v, want keep and silence", name, v.Action, v.Notices)
		}
	}
}
