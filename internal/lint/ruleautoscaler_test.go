package lint_test

import (
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/lint"
)

// INV-5: what is refused of an InferenceAutoscaler is said in the words of its custom resource, or of
// its status; the rest of the manifests count as they do in a cluster.
func TestAutoscalers(t *testing.T) {
	r, _ := lint.Find("autoscaler-refused")
	good := r.Good()
	edit := func(replace ...string) string { return strings.NewReplacer(replace...).Replace(good) }
	const ofService = "serving.kserve.io/v1beta1"
	predictor := edit("apps/v1", ofService, "kind: Deployment", "kind: InferenceService")
	external, _ := lint.Find("objective-class")
	service, scaled, _ := strings.Cut(external.Good(), "---\n")
	guided, _ := lint.Find("no-autoscaler")
	for name, c := range map[string]struct {
		manifests []string
		want      []string // rule and what it found
	}{
		"a Deployment":        {[]string{good}, nil},
		"an InferenceService": {[]string{service, predictor}, nil}, // and something scales it
		"asleep":              {[]string{service, strings.Replace(predictor, "min: 1", "min: 0", 1)}, nil},
		"asleep, a Deployment": {[]string{edit("min: 1", "min: 0")}, []string{
			"autoscaler-refused: spec: replicas.min: at 0 nothing wakes a Deployment or a StatefulSet, which no gateway sends requests to"}},
		"bounds": {[]string{edit("min: 1", "min: 9")}, []string{
			"autoscaler-refused: spec.replicas: max: it is below min"}},
		"two shares": {[]string{r.Bad()}, []string{"autoscaler-refused: spec.objectives: objectives promise different shares of the requests: " +
			"a service has one, that of the requests that meet all"}},
		"a second": {[]string{good, strings.Replace(good, "name: llama\n  namespace", "name: again\n  namespace", 1)}, []string{
			"autoscaler-refused: spec.targetRef: Deployment llama has its objectives from InferenceAutoscaler llama, which was first"}},
		"beside a ScaledObject": {[]string{good, strings.NewReplacer("llama-predictor", "llama", "name: llama\n", "name: mine\n").Replace(scaled[:strings.Index(scaled, "spec:")]) + strings.Replace(scaled[strings.Index(scaled, "spec:"):], "llama-predictor", "llama", 1)}, []string{
			"autoscaler-refused: spec.targetRef: Deployment llama is already scaled by ScaledObject mine, so Flyball does nothing"}},
		"guide mode":                 {[]string{guided.Good(), predictor}, []string{"autoscaler-refused: spec.targetRef: InferenceService llama has spec.predictor.autoScaling.metrics, by which it is scaled"}},
		"another engine":             {[]string{good + "  engine: steam\n"}, []string{`wrong-type: spec.engine: "steam" is none of keda, native, advise`}},
		"advice beside guide mode":   {[]string{guided.Good(), predictor + "  engine: advise\n"}, nil},
		"advice, and nothing scales": {[]string{service, predictor + "  engine: advise\n"}, []string{"no-autoscaler: nothing among the manifests scales llama-predictor"}},
		"advice within no bounds": {[]string{edit("min: 1", "min: 9") + "  engine: advise\n"}, []string{
			"autoscaler-refused: spec.replicas: max: it is below min"}},
		"a schedule": {[]string{good + "  schedules: [{name: office, start: 0 8 * * 1-5, end: 0 18 * * 1-5, min: 4}]\n"}, nil},
		"no hours": {[]string{good + "  schedules: [{name: office, start: 8 am, end: 0 18 * * 1-5, min: 4}]\n"}, []string{
			`autoscaler-refused: spec.schedules[0].start: "8 am" is no cron expression`}},
		"hours for nothing": {[]string{good + "  schedules: [{name: office, start: 0 8 * * 1-5, end: 0 18 * * 1-5}]\n"}, []string{
			"autoscaler-refused: spec.schedules[0]: it changes nothing"}},
		"hours above the max": {[]string{good + "  schedules: [{name: office, start: 0 8 * * 1-5, end: 0 18 * * 1-5, min: 9}]\n"}, []string{
			"autoscaler-refused: spec: schedules: a max is below the min"}},
		"another version": {[]string{edit("apps/v1", "apps/v1beta2")}, []string{
			"autoscaler-refused: spec.targetRef: apiVersion: it is serving.kserve.io/v1beta1 of an InferenceService, and apps/v1 of a Deployment or a StatefulSet"}},
		"a long name": {[]string{strings.Replace(good, "name: llama", "name: "+strings.Repeat("l", 55), 1)}, []string{
			"autoscaler-refused: metadata.name: use at most 54 characters, or the name of KEDA's HPA, keda-hpa-NAME, is too long"}},
		"a share of all": {[]string{edit("quantile: 0.9", "quantile: 1")}, []string{
			"autoscaler-refused: spec.objectives[0].quantile: it is a share of the requests, above 0 and below 1, as 0.9 for nine of ten",
			"autoscaler-refused: spec.objectives[1].quantile: it is a share of the requests, above 0 and below 1, as 0.9 for nine of ten"}},
		"no unit": {[]string{edit("target: 3s", `target: "3"`)}, []string{
			"autoscaler-refused: spec.objectives[0].target: it is a time above 0 with its unit, as 3s, 1.5s or 100ms"}},
		"no such field":   {[]string{good + "  engin: keda\n"}, []string{"unknown-field: spec.engin: there is no such field"}},
		"no whole number": {[]string{edit("max: 8", "max: many")}, []string{`wrong-type: spec.replicas.max: "many" is not a whole number`}},
	} {
		t.Run(name, func(t *testing.T) {
			var found []string
			for _, f := range lint.Lint(read(t, c.manifests...), lint.Default()) {
				if f.Severity != lint.Info {
					found = append(found, f.Rule+": "+f.Found)
				}
			}
			if got, want := strings.Join(found, "\n"), strings.Join(c.want, "\n"); got != want {
				t.Errorf("Lint() = %s\nwant %s", got, want)
			}
		})
	}
}
