package why

import (
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/internal/law"
)

// Sentence is what one reason says.
func Sentence(r law.Reason) string {
	if text, ok := own(r); ok {
		return text
	}
	t := terms(r.Terms)
	switch r.Rule {
	case law.RuleMinimum:
		return fmt.Sprintf("The minimum raises %d to %d.", r.From, r.To)
	case law.RuleMaximum:
		return fmt.Sprintf("The maximum allows %d of the %d that were wanted.", r.To, r.From)
	case law.RuleBudget:
		return fmt.Sprintf("There are GPUs for %d of the %d that were wanted.", r.To, r.From)
	case law.RuleFloor:
		return fmt.Sprintf("Requests are held, which takes %d at least.", r.To)
	case law.RuleSettle:
		return fmt.Sprintf("It has been watched for too short a time to let one of the %d go: that is %s from now.", t.n(law.TermDesired), t.time(law.TermWait))
	case law.RuleParked:
		return "The wake has failed, and what it asked for is given back until the back-off is over."
	case law.RuleScratch:
		return "What was remembered is another law's, or of another version: it begins from scratch."
	case law.RuleLastOne:
		if t.of(law.TermWait) == 0 { // another law's
			return other(r)
		}
		return fmt.Sprintf("The last replica stays: idle for %s of the %s that it must be, and %s of the requests would wait for a start, where %s may.",
			t.time(law.TermQuiet), t.time(law.TermWait), t.share(law.TermExpected), t.share(law.TermAllowed))
	default:
		return other(r)
	}
}

// other is a reason of a law that has no words of its own here.
func other(r law.Reason) string {
	var parts []string
	for _, t := range r.Terms {
		text := strings.TrimSpace(fmt.Sprintf("%s %s %s", t.Name, amount(t.Value), t.Unit))
		parts = append(parts, text)
	}
	what := fmt.Sprintf("Rule %q keeps %d", r.Rule, r.To)
	if r.From != r.To {
		what = fmt.Sprintf("Rule %q makes %d of %d", r.Rule, r.To, r.From)
	}
	if len(parts) == 0 {
		return what + "."
	}
	return what + ": " + strings.Join(parts, ", ") + "."
}
