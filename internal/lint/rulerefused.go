package lint

import (
	"strings"

	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// refusedRules are about what the API server, KEDA, KServe, Flyball or vLLM refuses. They
// are found by the code with which the controller and the simulator refuse, and told in
// its words.
func refusedRules() []Rule {
	return []Rule{
		{
			ID: "refused", Severity: Error, Title: "what the API server, KEDA, KServe or Flyball refuses",
			Why: "What was there before stays as it is, or nothing comes to be.",
			Fix: "as each finding says",
		},
		{
			ID: "wrong-type", Severity: Error, Title: "a value of another type than the schema's",
			Why: "The API server refuses the object.",
			Fix: "as each finding says",
		},
		{
			ID: "unknown-setting", Severity: Error, Title: "a setting of a trigger, or an annotation, that KEDA and KServe do not know",
			Why: "It is read by nobody, without a word, and the default counts instead.",
			Fix: "correct the spelling",
		},
		{
			ID: "formula", Severity: Error, Title: "a formula that KEDA refuses",
			Why: "scalingModifiers need a formula that only names triggers with a query by their name, and a target; cpu and " +
				"memory are the HPA's own.",
			Fix: "give each trigger of the formula a name, and the formula a target",
		},
		{
			ID: "argument-invalid", Severity: Error, Title: "arguments with which vLLM does not start",
			Why: "Its parser ends with usage and a message, and the pod with it: CrashLoopBackOff.",
			Fix: "as each finding says",
		},
		{
			ID: "argument-unknown", Severity: Info, Title: "an argument that no known vLLM has",
			Why: "If this vLLM does not have it either, it does not start. Newer ones have more than are known here.",
			Fix: "correct the spelling, if it is no newer one's",
		},
		{
			ID: "paused", Severity: Info, Title: "an autoscaler that is paused",
			Why: "Nothing scales while a ScaledObject has one of KEDA's annotations paused, nor in one direction with paused-scale-in or paused-scale-out.",
			Fix: "remove the annotation when it is time",
		},
		{
			ID: "not-simulated", Severity: Info, Title: "what flyball simulate does not simulate",
			Why: "The cluster takes it; flyball simulate refuses it in the same words rather than to leave it out.",
			Fix: "nothing, or what the finding says if it is to be simulated",
		},
	}
}

// ruleOf is the rule that a refusal belongs to.
func ruleOf(r *policy.Refusal) string {
	if strings.HasSuffix(r.Path, ".metric.backend") && objective.External(r.Document.At(r.Path).Text()) {
		return "objective-class"
	}
	if ofAutoscaler(r) {
		return "autoscaler-refused"
	}
	if r.Kind == policy.WrongType {
		switch {
		case strings.Contains(r.Path, "].metadata."):
			return "metadata-not-text"
		case strings.Contains(r.Path, ".target."):
			return "target-invalid"
		}
	}
	return map[policy.Kind]string{
		policy.Invalid: "refused", policy.UnknownField: "unknown-field", policy.WrongType: "wrong-type",
		policy.Bounds: "bounds", policy.LongName: "name-too-long", policy.Target: "target-invalid",
		policy.Unread: "average-value-ignored", policy.Incomplete: "trigger-incomplete", policy.Setting: "unknown-setting",
		policy.Formula: "formula", policy.Query: "query-syntax", policy.Removed: "query-removed-metric", policy.Owner: "two-autoscalers", policy.Wake: "zero-no-wake",
		policy.Arguments: "argument-invalid", policy.UnknownArgument: "argument-unknown", policy.Paused: "paused",
		policy.Unsimulated: "not-simulated",
	}[r.Kind]
}

// tell makes a finding of each refusal.
func tell(all *[]Finding, refused policy.Refusals) {
	for _, r := range refused {
		rule, _ := Find(ruleOf(r))
		found, fix := r.What, r.Fix
		if rule.ID == "objective-class" {
			fix = rule.Fix // no backend is right
		}
		if r.Path != "" {
			found = r.Path + ": " + found
		}
		*all = append(*all, Finding{
			Rule: rule.ID, Severity: rule.Severity, File: r.Document.File, Line: r.Document.At(r.Path).Line(),
			Object: r.Document.String(), Found: found, Fix: fix,
		})
	}
}
