//go:build e2e && linux

package e2e

import "fmt"

// Runtimes: the two that are shipped, and one of them without what makes its pods drain,
// which may hang or crash as well.
const (
	draining = "vllm-drain"    // of examples/lossless
	sleeping = "vllm-lossless" // of examples/zero
	plain    = "vllm-plain"
	hung     = "vllm-hung"  // Ready as long as it accepts connections
	crash    = "vllm-crash" // ends at its start
)

// service is an InferenceService to be.
type service struct {
	name        string
	least, most int
	runtime     string
	webhook     bool // gives its pods what makes them drain, the grace period too
	promised    bool // a latency, so that its requests wait by promise
}

// model is the name that its engines serve.
func (s service) model() string {
	if s.runtime == sleeping {
		return s.name
	}
	return "Qwen/Qwen3-14B"
}

func (s service) manifest() string {
	drain, grace := "disabled", "terminationGracePeriodSeconds: 300"
	if s.webhook {
		drain, grace = "enabled", ""
	}
	metrics, scaled := s.metrics(), ""
	if s.promised {
		metrics, scaled = "", s.promise()
	}
	return fmt.Sprintf(`apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: %[1]s
  namespace: %[2]s
  labels: {flyball.dev/drain: %[6]s}
  annotations:
    serving.kserve.io/deploymentMode: RawDeployment
    serving.kserve.io/autoscalerClass: external
spec:
  predictor:
    minReplicas: %[3]d
    maxReplicas: %[4]d
    %[7]s
%[8]s    model:
      modelFormat: {name: vLLM}
      runtime: %[5]s
      storageUri: hf://Qwen/Qwen3-14B
---
%[9]s`, s.name, soakNamespace, s.least, s.most, s.runtime, drain, grace, metrics, scaled)
}

// metrics have guide mode scale it.
func (s service) metrics() string {
	return fmt.Sprintf(`    autoScaling:
      metrics:
        - type: External
          external:
            authenticationRef:
              authModes: basic
              authenticationRef: {name: prom-basic-auth}
            metric:
              backend: prometheus
              query: sum(vllm:num_requests_running{isvc_name="%s",namespace="%s"})
              serverAddress: http://prometheus-operated.cpaas-system.svc.cluster.local:9090
            target: {type: AverageValue, averageValue: '1'}
      behavior:
        scaleDown: {stabilizationWindowSeconds: 5}
`, s.name, soakNamespace)
}

// promise has it scaled by objectives, under the name that guide mode would take.
func (s service) promise() string {
	return fmt.Sprintf(`apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: %[1]s-predictor, namespace: %[2]s}
spec:
  scaleTargetRef: {name: %[1]s-predictor}
  minReplicaCount: %[3]d
  maxReplicaCount: %[4]d
  triggers:
    - type: external-push
      metadata:
        scalerAddress: flyball-scaler.flyball-system:9443
        objectives: "ttft:p90:3s, tpot:p90:100ms"
      authenticationRef: {name: flyball, kind: ClusterTriggerAuthentication}
---
`, s.name, soakNamespace, s.least, s.most)
}
