package objective

import (
	"fmt"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
)

// The fields of a ScaledObject that bound its replicas.
const (
	Least = "spec.minReplicaCount"
	Most  = "spec.maxReplicaCount"
)

// Bounds are those of a ScaledObject that states objectives for a target, as "Deployment
// llama". At 0 there is no pod of which anything could be read: what wakes it is that gateways
// hold requests for it.
func Bounds(so *kserve.ScaledObject, target string, wakes bool) (law.Bounds, *Refusal) {
	least, most := so.Bounds()
	switch {
	case least < 0 || most < max(least, 1):
		return law.Bounds{}, &Refusal{Most, fmt.Sprintf("%d replicas at most and %d at least", most, least), "give at least 1, and no less than the minimum"}
	case least == 0 && !wakes:
		return law.Bounds{}, &Refusal{Least, fmt.Sprintf("at 0 nothing wakes %s, which no gateway sends requests to", target), "set it to 1 or more"}
	}
	return law.Bounds{Min: int(least), Max: int(most)}, nil
}
