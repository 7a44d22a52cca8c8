package lint

import (
	"slices"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// ownerRules are about who scales a workload: nobody, somebody, or two.
func ownerRules() []Rule {
	return []Rule{
		{
			ID: "no-autoscaler", Severity: Warning, Title: "class external, and nothing that scales",
			Why: "With class external KServe leaves scaling to someone else. Without autoScaling.metrics, Flyball does so " +
				"too; minReplicas and maxReplicas do nothing, and one replica stays one.",
			Fix:   "add autoScaling.metrics, or give the ScaledObject or HPA that scales NAME-predictor",
			check: checkNoAutoscaler,
		},
		{
			ID: "class-drops-metrics", Severity: Error, Title: "metrics that the autoscaler class does not read",
			Why: "Classes hpa and (unset) read only Resource metrics: with others alone the HPA silently gets CPU 80 %. " +
				"Class none reads nothing.",
			Fix:   kserve.ClassAnnotation + ": external",
			check: checkDropped,
		},
		{
			ID: "class-change", Severity: Warning, Title: "a change of class that leaves an autoscaler behind",
			Why: "KServe deletes no ScaledObject when the class leaves keda: it stays and keeps scaling. And it keeps its " +
				"HPA when the class becomes keda: KEDA's webhook then refuses the ScaledObject.",
			Fix:   "from keda: delete the ScaledObject by hand. From hpa to keda: go through external, where KServe deletes its HPA",
			check: checkChange,
		},
		{
			ID: "leftover-autoscaler", Severity: Error, Title: "an autoscaler of a class that is no longer set",
			Why: "It belongs to the InferenceService but not to its class: nobody updates or removes it, and it keeps " +
				"scaling. With class none KServe sets the replicas back each time.",
			Fix:   "delete it, or set the class that it belongs to",
			check: checkLeftover,
		},
		{
			ID: "two-autoscalers", Severity: Error, Title: "two autoscalers of one workload",
			Why: "KEDA's webhook refuses the second, if it is installed. If not, two HPAs with the same bounds freeze " +
				"(AmbiguousSelector), with others they fight.",
			Fix: "keep one; several triggers in one ScaledObject give the highest desired count",
		},
		{
			ID: "behavior-dropped", Severity: Warning, Title: "scaling behavior that KServe does not pass on",
			Why: "With class keda only the two stabilizationWindowSeconds reach the HPA, with class hpa nothing: policies, " +
				"selectPolicy and tolerance are dropped silently.",
			Fix:   "class external: Flyball passes all of it on",
			check: checkBehavior,
		},
	}
}

// scaled tells whether a scaler among the last documents has this target.
func (m *manifests) scaled(namespace, name string) bool {
	return slices.ContainsFunc(m.scalers, func(s *scaler) bool {
		return s.name == name && sameNamespace(s.of.Namespace, namespace)
	}) || m.autoscaled(namespace, name)
}

func checkNoAutoscaler(m *manifests, report reporter) {
	for _, o := range m.of("InferenceService") {
		if class(o) == "external" && !m.scaled(o.Namespace, kserve.PredictorName(o.Name)) {
			report(o.Get("metadata", "annotations", kserve.ClassAnnotation), "nothing among the manifests scales %s-predictor", o.Name)
		}
	}
}

func checkDropped(m *manifests, report reporter) {
	for _, o := range m.of("InferenceService") {
		c := class(o)
		metrics := o.Get("spec", "predictor", "autoScaling", "metrics")
		if !kserve.HasClass(inferenceServiceOf(o)) {
			c = "hpa, where none is set,"
		}
		for _, f := range metrics.Items() {
			resource := f.Get("type").Text() == "Resource"
			if c == "none" || c != "external" && c != "keda" && !resource {
				report(f, "class %s does not read a metric of type %s", c, f.Get("type").Text())
			}
		}
	}
}

func checkChange(m *manifests, report reporter) {
	for _, o := range m.of("InferenceService") {
		later := m.next(o)
		if later == nil {
			continue
		}
		at := later.Get("metadata", "annotations", kserve.ClassAnnotation)
		was, is := class(o), class(later)
		adopted := is == "external" && inferenceService(later) != nil
		switch {
		case was == "keda" && is != "keda" && !adopted:
			report(at, "the class was keda at %s:%d: ScaledObject %s-predictor stays and keeps scaling", o.File, o.Line, o.Name)
		case was == "hpa" && is == "keda":
			report(at, "the class was hpa at %s:%d: KServe keeps its HPA %s-predictor", o.File, o.Line, o.Name)
		}
	}
}

// owner is the InferenceService that an object says it belongs to, if it is given.
func (m *manifests) owner(o *manifest.Document) *manifest.Document {
	for _, f := range o.Get("metadata", "ownerReferences").Items() {
		if f.Get("kind").Text() == "InferenceService" {
			return m.find("InferenceService", o.Namespace, f.Get("name").Text())
		}
	}
	return nil
}

func checkLeftover(m *manifests, report reporter) {
	for _, s := range m.scalers {
		if s.by != byKEDA && s.by != byHPA || m.next(s.of) != nil {
			continue
		}
		o := m.owner(s.of)
		if o == nil && s.service != "" {
			o = m.find("InferenceService", s.of.Namespace, s.service)
			if class(o) != "none" {
				continue // the user's own beside the service
			}
		}
		if o != nil && leftover(s, o) {
			report(s.of.Get("metadata"), "%s has class %s", o, class(o))
		}
	}
}

// leftover tells whether the class of an InferenceService does not want a scaler that
// belongs to it.
func leftover(s *scaler, o *manifest.Document) bool {
	switch class(o) {
	case "none":
		return true
	case "keda":
		return s.by == byHPA
	case "external":
		flyballs := s.of.Get("metadata", "labels", kserve.ManagedByLabel).Text() == kserve.Manager
		return s.by == byKEDA && !flyballs && inferenceService(o) == nil
	case "hpa":
		return s.by == byKEDA
	}
	return false
}

func checkBehavior(m *manifests, report reporter) {
	for _, s := range m.scalers {
		for _, side := range []string{"scaleUp", "scaleDown"} {
			for _, k := range s.behavior.Get(side).Keys() {
				kept := s.by == byKServe && k.Text() == "stabilizationWindowSeconds"
				if (s.by == byKServe || s.by == byDefault) && !kept {
					report(k, "%s.%s does not reach the HPA", side, k.Text())
				}
			}
		}
	}
}
