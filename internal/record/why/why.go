package why

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/record"
)

// An Answer says why.
type Answer struct {
	Service   string   `json:"service"`
	At        string   `json:"at"`
	Replicas  int      `json:"replicas"`
	Before    int      `json:"before"`
	Sentences []string `json:"sentences"`
	Rules     []Rule   `json:"rules"`
}

// A Rule is one that acted, or kept the number as it was.
type Rule struct {
	Rule    string `json:"rule"`
	From    int    `json:"from"`
	To      int    `json:"to"`
	Without int    `json:"without"` // what would be asked for without it
	Terms   []Term `json:"terms,omitempty"`
}

// A Term is a number that a rule went by.
type Term struct {
	Name    string  `json:"name"`
	Value   *number `json:"value"` // null: it is no number
	Unit    string  `json:"unit,omitempty"`
	Quality string  `json:"quality"`
}

// Of is the answer about a step that was recorded.
func Of(e record.Entry) Answer {
	d := e.Decision
	a := Answer{Service: e.Service, At: Clock(e.Now()), Replicas: d.Replicas, Before: e.Input.Fleet.Desired}
	a.Sentences = append(a.Sentences, headline(a), fleet(e.Input.Fleet))
	if i := slices.IndexFunc(d.Reasons, func(r law.Reason) bool { return r.Rule == law.RuleOutlook }); i >= 0 {
		o, n := terms(d.Reasons[i].Terms), d.Reasons[i].To
		a.Sentences = append(a.Sentences, outlook(o)...)
		if n != d.Replicas {
			a.Sentences = append(a.Sentences, fmt.Sprintf("The law itself wants %d.", n))
		}
		a.Sentences = append(a.Sentences, neighbours(o, n, e.Policy.Law, e.Input.Grant)...)
	}
	without := record.Without(e.Policy, d)
	for i, r := range d.Reasons {
		a.Rules = append(a.Rules, rule(r, without[i]))
		if r.Rule != law.RuleOutlook {
			a.Sentences = append(a.Sentences, Sentence(r))
		}
		if r.Rule == law.RuleBudget && e.Input.Grant != nil {
			a.Sentences = append(a.Sentences, Shared(*e.Input.Grant))
		}
	}
	if len(d.Reasons) == 0 {
		a.Sentences = append(a.Sentences, "No rule asked for another number.")
	}
	return a
}

func rule(r law.Reason, without int) Rule {
	out := Rule{Rule: r.Rule.String(), From: r.From, To: r.To, Without: without}
	for _, t := range r.Terms {
		out.Terms = append(out.Terms, Term{t.Name.String(), finite(t.Value), t.Unit.String(), t.Quality.String()})
	}
	return out
}

func headline(a Answer) string {
	switch {
	case a.Replicas > a.Before:
		return fmt.Sprintf("%s scales up from %d to %s.", a.Service, a.Before, replicas(a.Replicas))
	case a.Replicas < a.Before:
		return fmt.Sprintf("%s scales down from %d to %s.", a.Service, a.Before, replicas(a.Replicas))
	}
	return fmt.Sprintf("%s stays at %s.", a.Service, replicas(a.Replicas))
}

// fleet says what there is of what was asked for before.
func fleet(f law.Fleet) string {
	parts := []string{fmt.Sprintf("%d ready", f.Ready)}
	for _, p := range []struct {
		n    int
		text string
	}{{f.Starting, "%d starting"}, {f.Pending, "%d pending without a node"}, {f.Draining, "%d draining"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf(p.text, p.n))
		}
	}
	crashing := ""
	if f.Crashing {
		crashing = " Every one of them crashes, or cannot pull its image."
	}
	return "Replicas: " + strings.Join(parts, ", ") + "." + crashing
}

// terms are those of a reason.
type terms []law.Term

func (t terms) find(name law.Name) (law.Term, bool) {
	i := slices.IndexFunc(t, func(one law.Term) bool { return one.Name == name })
	if i < 0 {
		return law.Term{}, false
	}
	return t[i], true
}

// of is the value of a name, 0 if it is not there.
func (t terms) of(name law.Name) float64 {
	one, _ := t.find(name)
	return one.Value
}

func (t terms) n(name law.Name) int { return law.Count(t.of(name)) }

func (t terms) time(name law.Name) string { return seconds(t.of(name)) }

func (t terms) share(name law.Name) string { return percent(t.of(name)) }

func (t terms) rate(name law.Name) string { return amount(t.of(name)) + " requests/s" }

func (t terms) requests(name law.Name) string { return amount(max(t.of(name), 0)) + " requests" }

// year is beyond all that is simulated: times count from the epoch then.
const year = 365 * 24 * time.Hour

// Clock writes a time of a record as ParseClock reads it: RFC 3339 where it counts from
// the epoch, or else the time since the run began.
func Clock(at time.Duration) string {
	if at > 10*year {
		return time.Unix(0, int64(at)).UTC().Format(time.RFC3339)
	}
	return at.Round(time.Second).String()
}

// ParseClock reads a time of a record; one of a run may be given to the second, and is then
// that second's end.
func ParseClock(text string) (time.Duration, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return time.Duration(at.UnixNano()) + time.Second - 1, nil
	}
	at, err := time.ParseDuration(text)
	if err != nil || at < 0 {
		return 0, fmt.Errorf("%q is neither a time like 2026-11-29T18:30:00Z nor one since the run began, like 1h30m", text)
	}
	return at + time.Second/2 - 1, nil
}
