package kube

import (
	"strconv"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/flyball-dev/flyball/internal/law"
)

// forceActivation makes KEDA take a Deployment from 0 to its minimum, whatever its
// triggers say (KEDA's ForceActivationAnnotation). A new minimum makes it do so at
// once, and not at the next poll.
const forceActivation = "autoscaling.keda.sh/force-activation"

// wake raises the minimum of a service that may be at zero while requests are held
// for it, as law.Raised says. Everything that a restart must not lose stands in the
// ScaledObject.
func wake(o observed, v *verdict) {
	so := v.apply
	if *so.Spec.MinReplicaCount > 0 {
		return
	}
	most := *so.Spec.MaxReplicaCount
	was := min(raised(o.own), most)
	n := int32(law.Raised(int(was), o.demand.Held, o.demand.Quiet, requestsPerReplica(o.service), int(most)))
	if n > 0 {
		so.Annotations = map[string]string{forceActivation: "true"}
		so.Spec.MinReplicaCount = &n
	}
	switch {
	case v.action != repair || n == was:
	case n > was:
		v.then(rouse, "Waking", "requests are held: at least %d of %d replicas are asked for", n, most)
	default:
		v.then(settle, "WakeWithdrawn", "no request has been held for %s: its metrics alone scale it, down to 0 if they say so", DemandTTL)
	}
}

// raised is the minimum that an earlier wake set, 0 if none.
func raised(so *ScaledObject) int32 {
	if so == nil || so.Annotations[forceActivation] != "true" || so.Spec.MinReplicaCount == nil {
		return 0
	}
	return *so.Spec.MinReplicaCount
}

// unknownRequests stands for a replica of which it is not known how many requests it
// takes: the first one that is up answers whether more are needed.
const unknownRequests = 1 << 30

// requestsPerReplica is the target of the first metric that is a sum of requests.
func requestsPerReplica(s *InferenceService) float64 {
	if !metered(s) {
		return unknownRequests
	}
	triggers, r := mapMetrics(s)
	if r != nil {
		return unknownRequests
	}
	for _, t := range triggers {
		if t.MetricType != autoscalingv2.AverageValueMetricType || !strings.Contains(t.Metadata["query"], "num_requests_") {
			continue
		}
		if n, err := strconv.ParseFloat(t.Metadata["threshold"], 64); err == nil && n > 0 {
			return n
		}
	}
	return unknownRequests
}
