package lint

import (
	"regexp"
	"strings"

	"github.com/flyball-dev/flyball/internal/manifest"
)

// formRules are about what the API takes, or takes and ignores.
func formRules() []Rule {
	return []Rule{
		{
			ID: "name-too-long", Severity: Error, Title: "a name from which too long a name is made",
			Why: "KEDA names its HPA keda-hpa-NAME and Kubernetes allows 63 characters: 54 for a ScaledObject, 44 for an " +
				"InferenceService, whose ScaledObject is NAME-predictor.",
			Fix: "a shorter name; a service must be deleted and created again for it",
		},
		{
			ID: "placeholder", Severity: Error, Title: "a placeholder that was not filled in",
			Why:   "<your-namespace> matches no series, and no API server takes it for a name.",
			Fix:   "write the value",
			check: checkPlaceholders,
		},
		{
			ID: "metadata-not-text", Severity: Error, Title: "trigger metadata that is no text",
			Why: "The metadata of a trigger is a map of texts; the API server refuses a number or a boolean.",
			Fix: "put it in quotes",
		},
		{
			ID: "unknown-field", Severity: Warning, Title: "a field that nothing reads",
			Why: "The API server drops what the schema does not know (kubectl warns), and the default counts instead.",
			Fix: "correct the spelling or the place",
		},
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
			o.Get(place...).Scalars(func(f manifest.Field) {
				if unfilled(f.Text()) {
					report(f, "%s", strings.Join(strings.Fields(f.Text()), " "))
				}
			})
		}
	}
}
