package policy

import (
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
)

// Guide is the policy of a service that Flyball scales through KEDA, within the bounds
// given: KEDA and the HPA decide on the cluster, and Flyball asks for what its gateways
// hold. A simulation has their law in the place of law.Delegated.
func Guide(s *kserve.InferenceService, bounds law.Bounds) decide.Policy {
	return decide.Policy{
		Law: law.Delegated{}, Bounds: bounds,
		Wake: &guard.Wake{PerReplica: kserve.RequestsPerReplica(s), CountsRunning: kserve.CountsRunning(s), Quiet: demand.TTL, Cold: guard.ColdReplicas},
	}
}
