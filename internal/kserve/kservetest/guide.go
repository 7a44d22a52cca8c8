package kservetest

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
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
func Service(replace ...string) (*unstructured.Unstructured, error) {
	text := strings.NewReplacer(replace...).Replace(Guide)
	if len(replace) > 0 && text == Guide {
		return nil, fmt.Errorf("%q is not in the guide's manifest", replace[0])
	}
	o := &unstructured.Unstructured{}
	return o, yaml.Unmarshal([]byte(text), &o.Object)
}
