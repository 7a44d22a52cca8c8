package explain

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// A Snapshot is an InferenceService and all that explains how many replicas it has.
type Snapshot struct {
	InferenceService kserve.InferenceService
	Deployment       *appsv1.Deployment
	ScaledObject     *kserve.ScaledObject                    // named as the service's own is
	Others           []kserve.ScaledObject                   // under other names
	HPAs             []autoscalingv2.HorizontalPodAutoscaler // on a target of the Deployment's name, by name
	Auths            map[string][]string                     // TriggerAuthentications of the namespace and their Secrets' names
	Pods             []corev1.Pod
	Events           []corev1.Event // about the InferenceService and the ScaledObject, newest first
	NoKEDA           bool           // the cluster knows no ScaledObjects
	Native           bool           // an InferenceAutoscaler has Flyball scale it itself, or may: who reads this cannot tell
	Demand           *demand.Demand // what the gateways report; nil if nobody writes it down
	Servers          kserve.Servers // that KEDA may ask, where it is known
}
