package kserve

import "fmt"

// Refusal says why a manifest is not acted upon: which field, what is wrong
// with it, and how to mend it.
type Refusal struct {
	Reason string // of the Event, CamelCase
	Field  string // path in the InferenceService, "" if none
	What   string
	Mend   string
}

// Error makes a Refusal usable as an error.
func (r *Refusal) Error() string {
	if r.Field == "" {
		return fmt.Sprintf("%s; %s", r.What, r.Mend)
	}
	return fmt.Sprintf("%s: %s; %s", r.Field, r.What, r.Mend)
}

func refuse(field, mend, what string, args ...any) *Refusal {
	return &Refusal{"InvalidAutoscaling", field, fmt.Sprintf(what, args...), mend}
}
