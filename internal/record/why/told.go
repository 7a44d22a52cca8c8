package why

import (
	"cmp"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/record"
)

// A Decision is a Change with its Answer.
type Decision struct {
	Answer
	Because []string `json:"because"` // rules
	now     time.Duration
}

// Told is what a record says of a time.
type Told struct {
	Last    *Answer    `json:"last"`    // what held at its end; null: nothing had been decided
	Changes []Decision `json:"changes"` // within it, from the newest to the oldest
}

// mostTold is how many Changes are told.
const mostTold = 200

// Tell is what a record says of a service from one time to another.
func Tell(r *record.Reader, service string, from, to time.Duration) (Told, error) {
	var services []string
	var last record.Entry
	all := []Decision{}
	rules := map[law.Rule]bool{}
	held := false
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		if !slices.Contains(services, e.Service) {
			services = append(services, e.Service)
		}
		if e.Service != service {
			continue
		}
		c := change(e, rules)
		if e.Now() > to {
			continue
		}
		if !held || later(e, last) {
			last, held = e, true
		}
		if len(c.Because) > 0 && e.Now() >= from {
			all = append(all, Decision{Of(e), c.Because, e.Now()})
		}
	}
	if !slices.Contains(services, service) {
		return Told{}, NoService{service, services}
	}
	slices.SortStableFunc(all, func(a, b Decision) int { return cmp.Compare(b.now, a.now) })
	told := Told{Changes: all[:min(len(all), mostTold)]}
	if held {
		told.Last = new(Of(last))
	}
	return told, nil
}
