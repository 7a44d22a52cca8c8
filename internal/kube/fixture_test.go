package kube

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/kserve"
)

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

func changed(so *kserve.ScaledObject, change func(*kserve.ScaledObject)) *kserve.ScaledObject {
	change(so)
	return so
}

func foreign() *kserve.ScaledObject {
	so := &kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Name: "llama-predictor"}}
	so.Spec.ScaleTargetRef = kserve.ScaleTarget{Name: "llama-predictor"}
	return so
}

func hpa(name string, refs []metav1.OwnerReference) autoscalingv2.HorizontalPodAutoscaler {
	h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: refs}}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "llama-predictor"}
	return h
}

// llama is the name of the guide's service.
var llama = types.NamespacedName{Namespace: "demo", Name: "llama"}
