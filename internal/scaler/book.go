package scaler

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
)

// A Book knows what is decided.
type Book interface {
	// Answer is what is known now; it waits for nobody. Where its error is an
	// *autoscaler.Refusal, KEDA is told its text.
	Answer(context.Context, Object) (Answer, error)

	// Follow has changed receive when the answer for an object, and no other one, may be another
	// than before, until stop is called: there is a stream of each, and few change at a time.
	Follow(Object) (changed <-chan struct{}, stop func())
}

// An Object is a ScaledObject that KEDA asks about, with the metadata of its trigger: what KEDA
// has resolved of it, also from the environment of the target's container.
type Object struct {
	Namespace, Name string
	Trigger         map[string]string
}

// An Answer is the last decision for an object.
type Answer struct {
	Replicas int       // desired; 0 is inactive
	At       time.Time // of the decision; zero before the first

	// Current is what the HPA compares with, its target's status.replicas, and Tolerance by
	// how much more it lets be: 0.1, where the ScaledObject's behavior has none for the way up.
	Current   int
	Tolerance float64
}

// code is what KEDA sees of a refusal's cause.
func code(c autoscaler.Cause) codes.Code {
	all := [autoscaler.NumCauses]codes.Code{
		autoscaler.Unknown: codes.NotFound, autoscaler.Wrong: codes.InvalidArgument, autoscaler.Forbidden: codes.PermissionDenied,
		autoscaler.Taken: codes.AlreadyExists, autoscaler.Waiting: codes.Unavailable,
	}
	if c <= 0 || c >= autoscaler.NumCauses {
		return codes.Internal
	}
	return all[c]
}
