package kserve

import (
	"strconv"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// ForceActivation makes KEDA take a Deployment from 0 to its minimum, whatever its
// triggers say (KEDA's ForceActivationAnnotation). A new minimum makes it do so at
// once, and not at the next poll.
const ForceActivation = "autoscaling.keda.sh/force-activation"

// Raised is the minimum that an earlier wake set, 0 if none.
func Raised(so *ScaledObject) int32 {
	if so == nil || so.Annotations[ForceActivation] != "true" || so.Spec.MinReplicaCount == nil {
		return 0
	}
	return *so.Spec.MinReplicaCount
}

// UnknownRequests stands for a replica of which it is not known how many requests it
// takes: the first one that is up answers whether more are needed.
const UnknownRequests = 1 << 30

// GatewayTarget is what gateways are told of it: 0 if it is not known.
func GatewayTarget(s *InferenceService) int {
	n := RequestsPerReplica(s)
	if n >= UnknownRequests {
		return 0
	}
	return max(1, int(n))
}

// RequestsPerReplica is the target of the first metric that is a sum of requests.
func RequestsPerReplica(s *InferenceService) float64 {
	if !HasMetrics(s) {
		return UnknownRequests
	}
	triggers, r := mapMetrics(s)
	if r != nil {
		return UnknownRequests
	}
	for _, t := range triggers {
		if t.MetricType != autoscalingv2.AverageValueMetricType || !strings.Contains(t.Metadata["query"], "num_requests_") {
			continue
		}
		if n, err := strconv.ParseFloat(t.Metadata["threshold"], 64); err == nil && n > 0 {
			return n
		}
	}
	return UnknownRequests
}
