package why

import (
	"fmt"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
)

// outlook says what Flyball's own law knew: the demand, what a replica does, and how long a
// new one takes.
func outlook(o terms) []string {
	return []string{
		fmt.Sprintf("%s arrive, which is the work of %s replicas at full load. One replica alone serves %s within the objectives; nine times in ten that lies between %s and %s.",
			o.rate(law.TermArrivals), amount(o.of(law.TermDemand)), o.rate(law.TermCapacity), amount(o.of(law.TermLeast)), amount(o.of(law.TermMost))),
		start(o),
		balance(o),
	}
}

// start says how long a new replica takes, and whether that was learned.
func start(o terms) string {
	cold := "the cold start as it was learned"
	if lead, _ := o.find(law.TermLead); lead.Quality == reading.Absent {
		cold = "a typical cold start, since none of this service has been seen yet,"
	}
	return fmt.Sprintf("A replica that is asked for now serves in %s, %s and the time to see it.", o.time(law.TermLead), cold)
}

// balance says how the promise stands.
func balance(o terms) string {
	if left := o.of(law.TermBudget); left < 0 {
		return fmt.Sprintf("%s more than promised have missed lately, and so %s may miss from now on.", amount(-left), o.share(law.TermAllowed))
	}
	return fmt.Sprintf("%s may still miss before the promise is broken, and so %s may miss from now on.", o.requests(law.TermBudget), o.share(law.TermAllowed))
}

// neighbours say why not one fewer, and why not one more; of none, what none may mean.
func neighbours(o terms, n int, l law.Law, g *budget.Grant) []string {
	if n < 1 {
		return []string{"Why none: nothing is expected before one could be back."}
	}
	allowed, now := o.of(law.TermAllowed), o.of(law.TermExpected)
	bounds := law.Bounds{}
	if own, ok := l.(promise.Law); ok {
		bounds = own.Bounds
	}
	fewer := fmt.Sprintf("Why not %d: %s of the requests would then be expected to miss", n-1, o.share(law.TermFewer))
	switch {
	case n <= bounds.Least():
		fewer = fmt.Sprintf("Why not %d: the minimum is %d.", n-1, bounds.Least())
	case o.of(law.TermFewer) > allowed:
		fewer += ", which is more than may."
	default:
		fewer += ", which would do for now; what keeps the number is below."
	}
	more := fmt.Sprintf("Why not %d: with %d, %s are expected to miss, ", n+1, n, percent(now))
	switch {
	case now <= allowed:
		more += fmt.Sprintf("which is no more than may; one more would make it %s.", o.share(law.TermMore))
	case n >= bounds.Most():
		more += fmt.Sprintf("which is more than may, but the maximum is %d; one more would make it %s.", n, o.share(law.TermMore))
	case g != nil && n >= g.Replicas:
		more += fmt.Sprintf("which is more than may, but there is no GPU for one more, which would make it %s.", o.share(law.TermMore))
	default:
		more += fmt.Sprintf("which is more than may, and one more would make it %s: too little to help.", o.share(law.TermMore))
	}
	return []string{fewer, more}
}

// sentences of Flyball's own rules.
func own(r law.Reason) (string, bool) {
	t := terms(r.Terms)
	switch r.Rule {
	case law.RuleArrivals:
		return fmt.Sprintf("What arrives, %s, takes %d at full load, when one replica does %s.", t.rate(law.TermArrivals), r.To, t.rate(law.TermCapacity)), true
	case law.RuleMisses:
		if may := t.of(law.TermAllowed); may > 0 && t.of(law.TermExpected) > may {
			return fmt.Sprintf("%d is the most that helps within the bounds: %s are expected to miss when what is asked for now serves, and %s with one fewer.",
				t.n(law.TermWanted), t.share(law.TermExpected), t.share(law.TermFewer)), true
		}
		return fmt.Sprintf("%d is the fewest with which no more than may is expected to miss when what is asked for now serves: %s, and %s with one fewer.",
			t.n(law.TermWanted), t.share(law.TermExpected), t.share(law.TermFewer)), true
	case law.RuleJump:
		return fmt.Sprintf("Prepared for a jump to %s as is seen every %s: with %d it would cost %s, and %s may still miss.",
			t.rate(law.TermJump), t.time(law.TermEvery), t.n(law.TermWanted)-1, t.requests(law.TermCost), t.requests(law.TermBudget)), true
	case law.RuleBacklog:
		return fmt.Sprintf("%s are too many, or will be when what is asked for now serves: they wait at the gateways, or inside replicas that have no room for them. Serving them within %s takes %d replicas.",
			t.requests(law.TermHeld), t.time(law.TermWait), r.To), true
	case law.RuleBehind:
		return fmt.Sprintf("%s are too many: they wait at the gateways, or inside replicas that have no room for them. The %d that are ready do not catch up within a minute: none is let go.",
			t.requests(law.TermHeld), t.n(law.TermReady)), true
	case law.RuleKeep:
		return fmt.Sprintf("%d are kept: demand may need them again within %s, the time of a start and a drain.", t.n(law.TermWanted), t.time(law.TermLead)), true
	case law.RuleHold:
		if t.of(law.TermWait) > 0 {
			return fmt.Sprintf("%d stay for another %s: a replica goes only when it has not been needed for as long as a start and a drain take.", t.n(law.TermWanted), t.time(law.TermWait)), true
		}
		return fmt.Sprintf("%d is the most that was needed while fewer might have gone, for as long as a start and a drain take.", t.n(law.TermWanted)), true
	case law.RuleBlind:
		return fmt.Sprintf("Not every pod was read, or too little is known yet: none of the %d is let go before it is.", t.n(law.TermDesired)), true
	default:
		return cannot(r, t)
	}
}

// cannot are what the law says when the promise cannot be kept.
func cannot(r law.Reason, t terms) (string, bool) {
	switch r.Rule {
	case law.RuleUnreachable:
		return fmt.Sprintf("No number of replicas keeps the promise: on a replica that is all but idle %s miss, and %s may.", t.share(law.TermExpected), t.share(law.TermAllowed)), true
	case law.RuleShort:
		return fmt.Sprintf("The maximum of %d does not keep the promise: %s are expected to miss, and %s may. It would take %s.",
			t.n(law.TermMaximum), t.share(law.TermExpected), t.share(law.TermAllowed), replicas(t.n(law.TermWanted))), true
	case law.RuleFirstJump:
		return fmt.Sprintf("A jump like none before, from %s to %s: whatever is asked for now, %s are expected to miss until it serves, in %s, and %s may.",
			t.rate(law.TermArrivals), t.rate(law.TermJump), t.requests(law.TermCost), t.time(law.TermLead), t.requests(law.TermBudget)), true
	case law.RuleFull:
		return fmt.Sprintf("An engine does no more than %s: with %s at once it lets others wait, though there is room in its KV cache. --max-num-seqs may allow no more.",
			t.rate(law.TermCapacity), t.requests(law.TermLimit)), true
	case law.RuleNoCapacity:
		doubt, known := t.doubt()
		switch {
		case !known:
			return "", false
		case t.of(law.TermMost) > 0:
			return fmt.Sprintf("What a replica serves is not told apart yet: %s.", doubt), true
		}
		return fmt.Sprintf("It is not known what a replica serves: %s. What there is stays.", doubt), true
	default:
		return "", false
	}
}

// doubt is why a capacity cannot be told.
func (t terms) doubt() (string, bool) {
	one, known := t.find(law.TermDoubt)
	return capacity.Doubt(law.Count(one.Value)).String(), known
}
