package kserve

import "fmt"

// A Subject is what a refusal is about.
type Subject int

// The subjects.
const (
	AboutService Subject = iota // the service as it is
	AboutName                   // too long
	AboutBounds                 // minimum and maximum
	AboutWake                   // nothing can wake it from zero
	AboutSource                 // where a metric comes from
	AboutTarget                 // of a metric
)

// NoWake is why a service that only cpu or memory scales cannot be at zero.
const NoWake = "cpu and memory cannot tell when to wake a service from 0"

// Refusal says why a manifest is not acted upon: which field, what is wrong
// with it, and how to fix it.
type Refusal struct {
	Subject Subject
	Field   string // path in the InferenceService, "" if none
	What    string
	Fix     string
}

// Error makes a Refusal usable as an error.
func (r *Refusal) Error() string {
	if r.Field == "" {
		return fmt.Sprintf("%s; %s", r.What, r.Fix)
	}
	return fmt.Sprintf("%s: %s; %s", r.Field, r.What, r.Fix)
}

func refuse(subject Subject, field, fix, what string, args ...any) *Refusal {
	return &Refusal{subject, field, fmt.Sprintf(what, args...), fix}
}
