package explain

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// TestScaledByHand: what somebody sets is told, and what KEDA, the HPA and a rollout set is
// not.
func TestScaledByHand(t *testing.T) {
	set := func(manager, subresource string) []metav1.ManagedFieldsEntry {
		return []metav1.ManagedFieldsEntry{{Manager: "kserve"}, {Manager: manager, Subresource: subresource}}
	}
	for name, tc := range map[string]struct {
		fields []metav1.ManagedFieldsEntry
		paused bool
		told   bool
	}{
		"nobody":               {nil, false, false},
		"kubectl scale":        {set("kubectl", "scale"), false, true},
		"another program":      {set("k9s", "scale"), false, true},
		"the HPA":              {set("kube-controller-manager", "scale"), false, false},
		"KEDA":                 {set("keda-operator", "scale"), false, false},
		"a status":             {set("kubectl", "status"), false, false},
		"while KEDA is paused": {set("kubectl", "scale"), true, false},
	} {
		so := ours()
		if tc.paused {
			so.Annotations = map[string]string{kserve.PausedReplicas: "5"}
		}
		d := &appsv1.Deployment{}
		d.Name, d.ManagedFields, d.Spec.Replicas = "llama-predictor", tc.fields, new(int32(5))
		v := Snapshot{InferenceService: *service(t), ScaledObject: so, Deployment: d, Auths: map[string][]string{"prom-basic-auth": {"x"}}}.Verdict()
		told := false
		for _, n := range v.Notices {
			told = told || n.Reason == "ScaledByHand" && strings.Contains(n.Text, "to 5 replicas") && strings.Contains(n.Text, "paused-replicas=5")
		}
		if told != tc.told {
			t.Errorf("%s: Verdict() = %+v, told %t, want %t", name, v.Notices, told, tc.told)
		}
	}
}
