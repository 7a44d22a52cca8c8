package lint

import (
	"slices"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// objectiveRules are about ScaledObjects whose trigger states objectives in place of a
// threshold: its metric is the number of replicas, which the HPA should take as it is. What
// is wrong with the objectives themselves is refused (policy/objective).
func objectiveRules() []Rule {
	const behavior = "advanced.horizontalPodAutoscalerConfig.behavior"
	return []Rule{
		{
			ID: "objective-tolerance", Severity: Warning, Title: "objectives whose single steps the HPA leaves out",
			Why: "The HPA ignores a change of up to a tenth: one replica more or fewer from 10 on. " +
				"The promise is then kept a step late, or costs a replica more. A tolerance of 0 needs Kubernetes 1.35.",
			Fix:   "set " + behavior + ".scaleUp.tolerance and scaleDown.tolerance to 0",
			check: checkObjectiveTolerance,
		},
		{
			ID: "objective-window", Severity: Warning, Title: "objectives that wait for a window before they scale up",
			Why:   "The law has reckoned with the cold start already; each second in the window is one more in which the promise is missed.",
			Fix:   "leave " + behavior + ".scaleUp.stabilizationWindowSeconds out, or set it to 0",
			check: checkObjectiveWindow,
		},
		{
			ID: "objective-shared", Severity: Error, Title: "objectives beside another trigger",
			Why: "The HPA takes the most of both, so that what the law lets go stays; and where Flyball does not answer when the " +
				"ScaledObject is created, KEDA makes an HPA of the other trigger alone.",
			Fix:   "leave the other triggers out, or the objectives",
			check: checkObjectiveShared,
		},
		{
			ID: "objective-fallback", Severity: Warning, Title: "objectives with a fallback",
			Why: "KEDA's fallback does not act while a scaler cannot be reached (keda#8056): the HPA then holds the replicas by itself. " +
				"It acts where the scaler answers that it cannot say, and there Flyball holds them.",
			Fix:   "leave the fallback out",
			check: checkObjectiveFallback,
		},
		{
			ID: "objective-value", Severity: Error, Title: "objectives with the metricType Value",
			Why:   "The metric is the number of replicas that are wanted, and Value multiplies it by those that are there.",
			Fix:   "leave metricType out, or set it to AverageValue",
			check: checkObjectiveValue,
		},
		{
			ID: "objective-class", Severity: Error, Title: "objectives among the metrics of an InferenceService",
			Why: "KServe 0.19 knows the backends prometheus and graphite only, in every class: a trigger of an external scaler cannot be named there.",
			Fix: "class external without autoScaling.metrics, and beside it a ScaledObject of NAME-predictor with the trigger, or an InferenceAutoscaler",
		},
		{
			ID: "objective-llm", Severity: Warning, Title: "objectives in an LLMInferenceService",
			Why:   "KServe 0.19 has no spec.scaling.keda.triggers, and drops them; a later one makes a ScaledObject of them, which Flyball has not been run with.",
			Fix:   "use a KServe whose LLMInferenceService has the field, or scale a Deployment, or an InferenceService of class external, by the trigger",
			check: checkObjectiveLLM,
		},
	}
}

// promised calls visit for each trigger that states objectives.
func (m *manifests) promised(visit func(s *scaler, t trigger)) {
	for _, s := range m.scalers {
		for _, t := range s.triggers {
			if s.by == byKEDA && t.promises() {
				visit(s, t)
			}
		}
	}
}

func (t trigger) promises() bool {
	return objective.Of(kserve.Trigger{Type: t.kind, Metadata: t.metadata()})
}

func (t trigger) metadata() map[string]string {
	all := map[string]string{}
	for _, key := range t.at.Get("metadata").Keys() {
		all[key.Text()] = t.at.Get("metadata", key.Text()).Text()
	}
	return all
}

// llmTriggers calls visit for each trigger of an LLMInferenceService that states objectives.
func (m *manifests) llmTriggers(visit func(t trigger)) {
	for _, o := range m.of("LLMInferenceService") {
		for _, f := range o.Get("spec", "scaling", "keda", "triggers").Items() {
			if t := scaledTrigger(f); t.promises() {
				visit(t)
			}
		}
	}
}

// misstated are objectives of LLMInferenceServices that the scaler will refuse.
func (m *manifests) misstated() policy.Refusals {
	var all policy.Refusals
	m.llmTriggers(func(t trigger) {
		if _, refused := objective.Read(t.metadata()); refused != nil {
			fault := manifest.Fault{Document: t.at.Document(), Path: t.at.Path() + ".metadata." + refused.Key, What: refused.What, Fix: refused.Fix}
			all = append(all, &policy.Refusal{Kind: policy.Invalid, Fault: fault})
		}
	})
	return all
}

func checkObjectiveLLM(m *manifests, report reporter) {
	m.llmTriggers(func(t trigger) { report(t.at, "KServe 0.19 does not know the field that it is in") })
}

// swallows is from how many replicas on the HPA's tolerance leaves a step of one out.
const swallows = 10

func checkObjectiveTolerance(m *manifests, report reporter) {
	m.promised(func(s *scaler, t trigger) {
		if most, ok := s.ceiling(); ok && most < swallows {
			return
		}
		for _, direction := range []string{"scaleUp", "scaleDown"} {
			set := s.behavior.Get(direction, "tolerance")
			if n, ok := quantity(set.Text()); !ok || n != 0 {
				places := []manifest.Field{set, s.behavior.Get(direction), s.behavior, t.at}
				report(places[slices.IndexFunc(places, manifest.Field.OK)], "behavior.%s.tolerance is not 0", direction)
			}
		}
	})
}

func checkObjectiveWindow(m *manifests, report reporter) {
	m.promised(func(s *scaler, _ trigger) {
		if window := s.behavior.Get("scaleUp", "stabilizationWindowSeconds"); window.WholeOr(0) > 0 {
			report(window, "%d s before each step up", window.WholeOr(0))
		}
	})
}

func checkObjectiveShared(m *manifests, report reporter) {
	m.promised(func(s *scaler, t trigger) {
		if others := len(s.triggers) - 1; others > 0 {
			report(t.at, "%d more in the ScaledObject", others)
		}
	})
}

func checkObjectiveFallback(m *manifests, report reporter) {
	m.promised(func(s *scaler, _ trigger) {
		if fallback := s.spec.Get("fallback"); fallback.OK() {
			report(fallback, "it does not act when it should, and does when it need not")
		}
	})
}

func checkObjectiveValue(m *manifests, report reporter) {
	m.promised(func(_ *scaler, t trigger) {
		if t.reads == value {
			report(t.at.Get("metricType"), "metricType is Value")
		}
	})
}
