package autoscaler

// A Refusal is why a ScaledObject that states objectives, or seems to, gets no number.
type Refusal struct {
	Cause  Cause
	Reason string // of the Event; "" where there is none
	Text   string // with what to do about it
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
	Taken           // another autoscaler has the target
	Waiting         // the target is not there
	NumCauses
)
