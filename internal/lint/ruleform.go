package lint

import (
	"regexp"
	"slices"
	"strings"
)

// formRules are about what the API takes, or takes and ignores.
func formRules() []Rule {
	return []Rule{
		{
			ID: "name-too-long", Severity: Error, Title: "a name from which too long a name is made",
			Why: "KEDA names its HPA keda-hpa-NAME and Kubernetes allows 63 characters: 54 for a ScaledObject, 44 for an " +
				"InferenceService, whose ScaledObject is NAME-predictor.",
			Mend:  "a shorter name; a service must be created anew for it",
			check: checkNames,
		},
		{
			ID: "placeholder", Severity: Error, Title: "a placeholder that was not filled in",
			Why:   "<your-namespace> matches no series, and no API server takes it for a name.",
			Mend:  "write the value",
			check: checkPlaceholders,
		},
		{
			ID: "metadata-not-text", Severity: Error, Title: "trigger metadata that is no text",
			Why:   "The metadata of a trigger is a map of texts; the API server refuses a number or a boolean.",
			Mend:  "put it in quotes",
			check: checkMetadata,
		},
		{
			ID: "unknown-field", Severity: Warning, Title: "a field that nothing reads",
			Why:   "The API server drops what the schema does not know (kubectl warns), and the default counts instead.",
			Mend:  "correct the spelling or the place",
			check: checkFields,
		},
	}
}

func checkNames(m *manifests, report reporter) {
	for _, s := range m.scalers {
		most := map[maker]int{byKEDA: 54, byFlyball: 44, byKServe: 44, byDefault: 53}[s.by]
		if n := len(s.of.Name); most > 0 && n > most {
			report(s.of.get("metadata", "name"), "%d characters; %d are allowed", n, most)
		}
	}
}

// unfilled tells whether a text is a template's.
func unfilled(s string) bool {
	return regexp.MustCompile(`<[A-Za-z][A-Za-z0-9 _.-]*>|\$\{[A-Za-z_][A-Za-z0-9_]*\}`).MatchString(s)
}

func checkPlaceholders(m *manifests, report reporter) {
	for _, o := range m.objects {
		for _, place := range [][]string{{"metadata"}, {"spec", "predictor", "autoScaling"}, {"spec", "triggers"}, {"spec", "scaleTargetRef"}, {"spec", "secretTargetRef"}} {
			if o.Kind == "PrometheusRule" {
				continue
			}
			o.get(place...).scalars(func(f field) {
				if unfilled(f.text()) {
					report(f, "%s", strings.Join(strings.Fields(f.text()), " "))
				}
			})
		}
	}
}

func checkMetadata(m *manifests, report reporter) {
	for _, o := range m.of("ScaledObject") {
		for _, t := range o.get("spec", "triggers").items() {
			meta := t.get("metadata")
			for _, k := range meta.keys() {
				if v := meta.get(k.text()); v.ok() && v.node.ShortTag() != "!!str" {
					report(v, "%s: %s has no quotes", k.text(), v.text())
				}
			}
		}
	}
}

func checkFields(m *manifests, report reporter) {
	unknown := func(f field, known string) {
		for _, k := range f.keys() {
			if !slices.Contains(strings.Fields(known), k.node.Value) {
				report(k, "nothing reads %s here", k.node.Value)
			}
		}
	}
	for _, o := range m.of("ScaledObject") {
		unknown(o.get("spec"), "scaleTargetRef pollingInterval initialCooldownPeriod cooldownPeriod idleReplicaCount minReplicaCount "+
			"maxReplicaCount advanced triggers fallback")
		for _, t := range o.get("spec", "triggers").items() {
			unknown(t, "type name useCachedMetrics metadata authenticationRef metricType")
		}
		unknown(o.get("spec", "fallback"), "failureThreshold replicas behavior")
	}
	for _, o := range m.of("InferenceService") {
		for _, k := range o.get("spec", "predictor").keys() {
			if name := k.node.Value; name != "autoScaling" && strings.EqualFold(name, "autoScaling") {
				report(k, "%s; the field is autoScaling", name)
			}
		}
		if f := o.get("spec", "autoScaling"); f.ok() {
			report(f, "spec.autoScaling; the field is spec.predictor.autoScaling")
		}
		unknown(o.get("spec", "predictor", "autoScaling"), "metrics behavior")
		for _, f := range o.get("spec", "predictor", "autoScaling", "metrics").items() {
			unknown(f, "type resource external podmetric")
			unknown(f.get("external"), "metric authenticationRef target")
			unknown(f.get("external", "metric"), "backend serverAddress query namespace")
		}
	}
	for _, o := range m.of("HorizontalPodAutoscaler") {
		unknown(o.get("spec"), "scaleTargetRef minReplicas maxReplicas metrics behavior targetCPUUtilizationPercentage")
	}
}
