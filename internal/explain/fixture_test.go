package explain

import (
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
)

// service is the guide's after replacements "old", "new", ….
func service(t *testing.T, replace ...string) *kserve.InferenceService {
	t.Helper()
	s := &kserve.InferenceService{}
	o, err := kservetest.Service(replace...)
	if err == nil {
		err = kserve.Decode(o, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const external = "autoscalerClass: external"

func owner(kind, name string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{Kind: kind, Name: name, UID: "u1", Controller: new(true)}}
}

func ours() *kserve.ScaledObject {
	return &kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{
		Name: "llama-predictor", Labels: map[string]string{kserve.ManagedByLabel: kserve.Manager}, OwnerReferences: owner("InferenceService", "llama"),
	}}
}

func kserves() *kserve.ScaledObject {
	so := ours()
	so.Labels = nil
	return so
}

// earlier is ours, left over from a deleted service of the same name.
func earlier() *kserve.ScaledObject {
	so := ours()
	so.OwnerReferences[0].UID = "u0"
	return so
}

func changed(so *kserve.ScaledObject, change func(*kserve.ScaledObject)) *kserve.ScaledObject {
	change(so)
	return so
}

func foreign() *kserve.ScaledObject { return targeting("llama-predictor", "") }

func targeting(name, kind string) *kserve.ScaledObject {
	so := &kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Name: name}}
	so.Spec.ScaleTargetRef = kserve.ScaleTarget{Kind: kind, Name: "llama-predictor"}
	return so
}

func hpaNamed(name string, refs []metav1.OwnerReference) autoscalingv2.HorizontalPodAutoscaler {
	h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: refs}}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "llama-predictor"}
	return h
}
