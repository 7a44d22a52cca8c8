package scaler

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
)

// A Book knows what is decided.
type Book interface {
	// Answer is what is known now; it waits for nobody. Where its error is a *Refusal, KEDA
	// is told its text.
	Answer(context.Context, Object) (Answer, error)

	// Changed is closed once an answer may be another than it was when Changed was called.
	Changed() <-chan struct{}
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

// A Refusal is why there is no answer for an object, and what to do about it.
type Refusal struct {
	Cause Cause
	Text  string
}

func (r *Refusal) Error() string { return r.Text }

// Cause is the kind of a Refusal.
type Cause int

// What is refused.
const (
	_         Cause = iota
	Unknown         // no such ScaledObject, or not one with a trigger of Flyball's
	Wrong           // the trigger's metadata, or what the ScaledObject has beside it
	Forbidden       // the namespace has not opted in, or has no more to give
	Taken           // another ScaledObject has the target
	Waiting         // Flyball itself is not ready to answer
	numCauses
)

// code is what KEDA sees of it.
func (c Cause) code() codes.Code {
	all := [numCauses]codes.Code{
		Unknown: codes.NotFound, Wrong: codes.InvalidArgument, Forbidden: codes.PermissionDenied,
		Taken: codes.AlreadyExists, Waiting: codes.Unavailable,
	}
	if c <= 0 || c >= numCauses {
		return codes.Internal
	}
	return all[c]
}
