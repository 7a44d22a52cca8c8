package promised

// A Cause is the kind of a Refusal.
type Cause int

// The causes.
const (
	_         Cause = iota
	Unknown         // no ScaledObject of that name states objectives
	Wrong           // what it says
	Forbidden       // the namespace has not opted in, or has no more to give
	Taken           // another autoscaler has the target
	Waiting         // the target is not there
)

// A Refusal is why a ScaledObject is not entitled to a number.
type Refusal struct {
	Cause  Cause
	Reason string // of the Event
	Text   string
}

func (r *Refusal) Error() string { return r.Text }
