package objective

import (
	"fmt"

	"github.com/flyball-dev/flyball/internal/law"
)

// The fields of a ScaledObject that bound its replicas.
const (
	Least = "spec.minReplicaCount"
	Most  = "spec.maxReplicaCount"
)

// Bounds are those of a workload for which objectives are stated; wakes tells whether gateways
// send it requests. At 0 there is no pod of which anything could be read: what wakes it is that
// gateways hold requests for it.
func Bounds(least, most int32, of Workload, wakes bool) (law.Bounds, *Refusal) {
	switch {
	case least < 0 || most < max(least, 1):
		return law.Bounds{}, &Refusal{Most, fmt.Sprintf("%d replicas at most and %d at least", most, least), "give at least 1, and no less than the minimum"}
	case least == 0 && !wakes:
		return law.Bounds{}, &Refusal{Least, fmt.Sprintf("at 0 nothing wakes %s, which no gateway sends requests to", of.name()), "set it to 1 or more"}
	}
	return law.Bounds{Min: int(least), Max: int(most)}, nil
}
