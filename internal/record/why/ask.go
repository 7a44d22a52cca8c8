package why

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/record"
)

// A Question is about a service at a time.
type Question struct {
	Service string        // "": the only one of the record
	At      time.Duration // what held then; the last decision, if it is beyond all
}

// A NoService is a question about a service that is not in the record, or about none of
// several.
type NoService struct {
	Asked    string
	Services []string
}

func (n NoService) Error() string {
	switch {
	case len(n.Services) == 0:
		return "there is no decision in the record"
	case n.Asked == "":
		return "the record has several services: " + strings.Join(n.Services, ", ")
	}
	return fmt.Sprintf("no service %s in the record: it has %s", n.Asked, strings.Join(n.Services, ", "))
}

// ErrBefore is of a time before the first decision.
var ErrBefore = errors.New("nothing had been decided by then")

// Ask is the answer to a question, by a record. Of two logs of one service the decision
// with its inputs counts.
func Ask(r *record.Reader, q Question) (Answer, error) {
	var services []string
	var best record.Entry
	found, known := false, false
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		if !slices.Contains(services, e.Service) {
			services = append(services, e.Service)
		}
		if q.Service != "" && e.Service != q.Service {
			continue
		}
		known = true
		if e.Now() <= q.At && (!found || later(e, best)) {
			best, found = e, true
		}
	}
	switch {
	case !known, q.Service == "" && len(services) > 1:
		return Answer{}, NoService{q.Service, services}
	case !found:
		return Answer{}, ErrBefore
	}
	return Of(best), nil
}

// later says whether an entry is of a later time than another, or of the same and has what
// that has not.
func later(e, than record.Entry) bool {
	return e.Now() > than.Now() || e.Now() == than.Now() && than.Brief
}

// A Change is a decision for another number, or a rule that says what cannot be.
type Change struct {
	Service string   `json:"service"`
	At      string   `json:"at"`
	From    int      `json:"from"`
	To      int      `json:"to"`
	Because []string `json:"because"` // rules
}

// Changes are those of a service, or of all, from the oldest to the newest.
func Changes(r *record.Reader, service string) ([]Change, error) {
	var services []string
	var all []Change
	told := map[string]map[law.Rule]bool{}
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		if told[e.Service] == nil {
			services, told[e.Service] = append(services, e.Service), map[law.Rule]bool{}
		}
		if service != "" && e.Service != service {
			continue
		}
		if c := change(e, told[e.Service]); len(c.Because) > 0 {
			all = append(all, c)
		}
	}
	if service != "" && told[service] == nil || len(services) == 0 {
		return nil, NoService{service, services}
	}
	return all, nil
}

// change has the rules that made another number, and those that begin to say what cannot
// be.
func change(e record.Entry, told map[law.Rule]bool) Change {
	d, from := e.Decision, e.Input.Fleet.Desired
	c := Change{Service: e.Service, At: Clock(e.Now()), From: from, To: d.Replicas}
	now := map[law.Rule]bool{}
	for _, r := range d.Reasons {
		if cannotBe(r.Rule) {
			now[r.Rule] = true
			if !told[r.Rule] {
				c.Because = append(c.Because, r.Rule.String())
			}
			continue
		}
		if d.Replicas != from && r.From != r.To {
			c.Because = append(c.Because, r.Rule.String())
		}
	}
	clear(told)
	for rule := range now {
		told[rule] = true
	}
	return c
}

func cannotBe(r law.Rule) bool {
	switch r {
	case law.RuleUnreachable, law.RuleShort, law.RuleFirstJump, law.RuleNoCapacity, law.RuleBlind, law.RuleParked, law.RuleNoData, law.RuleBudget:
		return true
	default:
		return false
	}
}

// Difference says what is not made again as it was recorded.
func Difference(d record.Difference) string {
	switch {
	case d.State:
		return "what was remembered is not what replaying comes to"
	case d.Recorded.Replicas != d.Replayed.Replicas:
		return fmt.Sprintf("%d were asked for, and now %d are", d.Recorded.Replicas, d.Replayed.Replicas)
	}
	return fmt.Sprintf("%s as before, for other reasons or by other numbers", replicas(d.Replayed.Replicas))
}
