package kubetest

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// Guide is the guide's manifest with the two bounds that it forgets.
const Guide = `
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

// Service is the guide's manifest after replacements "old", "new", ….
func Service(t *testing.T, replace ...string) *kserve.InferenceService {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(Guide)
	if len(replace) > 0 && text == Guide {
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
