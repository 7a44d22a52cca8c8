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

// RaisedMinimum is what says of a minimum above the service's own that it was raised for
// requests that are held, where no activation needs to be forced for it.
const RaisedMinimum = "flyball.dev/raised-minimum"

// Raised is the minimum that requests which were held have raised, 0 if none.
func Raised(so *ScaledObject) int32 {
	if so == nil || so.Spec.MinReplicaCount == nil {
		return 0
	}
	n := *so.Spec.MinReplicaCount
	if so.Annotations[ForceActivation] == "true" || so.Annotations[RaisedMinimum] == strconv.Itoa(int(n)) {
		return n
	}
	return 0
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

// CountsRunning tells whether the metric of RequestsPerReplica also counts the requests
// that replicas are answering, so that they ask for replicas beside those that are held.
func CountsRunning(s *InferenceService) bool {
	t, ok := requestTrigger(s)
	return ok && strings.Contains(t.Metadata["query"], "num_requests_running")
}

// RequestsPerReplica is the target of the first metric that is a sum of requests.
func RequestsPerReplica(s *InferenceService) float64 {
	t, ok := requestTrigger(s)
	if !ok {
		return UnknownRequests
	}
	n, err := strconv.ParseFloat(t.Metadata["threshold"], 64)
	if err != nil || n <= 0 {
		return UnknownRequests
	}
	return n
}

func requestTrigger(s *InferenceService) (Trigger, bool) {
	if !HasMetrics(s) {
		return Trigger{}, false
	}
	triggers, r := mapMetrics(s)
	if r != nil {
		return Trigger{}, false
	}
	for _, t := range triggers {
		if t.MetricType == autoscalingv2.AverageValueMetricType && strings.Contains(t.Metadata["query"], "num_requests_") {
			return t, true
		}
	}
	return Trigger{}, false
}
