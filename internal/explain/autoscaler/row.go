package autoscaler

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
)

// A Row is what the status of an InferenceAutoscaler says in short, or one that is proposed.
type Row struct {
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	Engine    v1alpha1.Engine `json:"engine,omitempty"`
	Ready     *int32          `json:"ready,omitempty"`
	Advised   *int32          `json:"advised,omitempty"`
	Promised  string          `json:"promised,omitempty"`
	Expected  string          `json:"expected,omitempty"`
	// Advice is what ran, compared with what was advised.
	Advice *v1alpha1.Advice `json:"advice,omitempty"`
	Reason string           `json:"reason,omitempty"`
	Why    string           `json:"why"`
	// HandOver is the command with which one that has advice scales.
	HandOver string `json:"handOver,omitempty"`
	// Manifest is one that is proposed, and is not there.
	Manifest *v1alpha1.InferenceAutoscaler `json:"manifest,omitempty"`
}

// RowOf reads a status that Status made.
func RowOf(a *v1alpha1.InferenceAutoscaler) Row {
	r := Row{
		Namespace: a.Namespace, Name: a.Name, Engine: a.Spec.Engine, Ready: a.Status.ReadyReplicas, Advised: a.Status.DesiredReplicas,
		Promised: a.Status.Promised, Expected: a.Status.Expected, Advice: a.Status.Advice, Why: "flyball-scaler has not looked at it yet",
	}
	is := meta.FindStatusCondition(a.Status.Conditions, v1alpha1.Ready)
	if is == nil {
		return r
	}
	r.Reason, r.Why = is.Reason, is.Message
	if a.Spec.Engine == v1alpha1.Advise && is.Status == metav1.ConditionTrue {
		r.HandOver = HandOver(a)
	}
	return r
}
