package kube

import (
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// guide is the guide's manifest with the two bounds that it forgets.
const guide = `
metadata:
  name: llama
  namespace: demo
  uid: u1
  annotations:
    serving.kserve.io/deploymentMode: RawDeployment
    serving.kserve.io/autoscalerClass: external
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 8
    autoScaling:
      metrics:
        - type: External
          external:
            authenticationRef:
              authModes: basic
              authenticationRef:
                name: prom-basic-auth
            metric:
              backend: prometheus
              query: >
                sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})
              serverAddress: http://prometheus-operated.cpaas-system.svc.cluster.local:9090
            target:
              type: Value
              value: '1'
`

// service is the guide's manifest after replacements "old", "new", ….
func service(t *testing.T, replace ...string) *kserve.InferenceService {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(guide)
	if len(replace) > 0 && text == guide {
		t.Fatalf("%q is not in the guide's manifest", replace[0])
	}
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	s := &kserve.InferenceService{}
	if err := kserve.Decode(o, s); err != nil {
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
