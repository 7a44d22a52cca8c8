package policy

import (
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
)

// PlaceTime is how long a pod may wait for a node that someone adds.
const PlaceTime = 5 * time.Minute

// Patience is that with the wake of any service.
func Patience() guard.Patience {
	return guard.Patience{Ready: time.Hour, Crashing: 10 * time.Minute, BackOff: 5 * time.Minute, MostBackOff: time.Hour}
}

// Guide is the policy of a service that Flyball scales through KEDA, within the bounds
// given: KEDA and the HPA decide on the cluster, and Flyball asks for what its gateways
// hold. A simulation has their law in the place of law.Delegated.
func Guide(s *kserve.InferenceService, bounds law.Bounds) decide.Policy {
	return decide.Policy{
		Law: law.Delegated{}, Bounds: bounds,
		Wake: &guard.Wake{
			PerReplica: kserve.RequestsPerReplica(s), CountsRunning: kserve.CountsRunning(s), Quiet: demand.TTL, Cold: guard.ColdReplicas,
			Place: PlaceTime, Patience: Patience(),
		},
	}
}
