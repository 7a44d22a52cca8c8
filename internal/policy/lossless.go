package policy

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/lossless"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/pod"
)

// namespaceLabels are the values of lossless.Label on the namespaces among the documents,
// of each the last.
func namespaceLabels(docs []*manifest.Document) map[string]string {
	labels := map[string]string{}
	for _, d := range docs {
		if d.Group == "" && d.Kind == "Namespace" {
			labels[d.Name] = d.Get("metadata", "labels", lossless.Label).Text()
		}
	}
	return labels
}

// lossless puts into the pod what the webhook would, where the service or its namespace
// asks for it.
func (p *maker) lossless(of *pod.Pod) {
	if of.Source == nil || !p.asksForDrain() {
		return
	}
	const asked = lossless.Label + ": enabled"
	added, refusal := lossless.Add(&of.Spec)
	if len(added) > 0 {
		var names []string
		for _, a := range added {
			names = append(names, string(a))
		}
		p.note("%s: %s is taken to add %s, as Flyball's webhook does where it is installed", p.title(), asked, strings.Join(names, ", "))
	}
	if refusal != "" {
		p.note("%s: %s, and its pods may end with a loss: %s", p.title(), asked, refusal)
	}
}

// asksForDrain compares labels as the webhook's selectors do (config/drain/webhook).
func (p *maker) asksForDrain() bool {
	own := ""
	switch {
	case p.isvc != nil: // KServe copies both to the pods, the predictor's over the service's
		for _, path := range [][]string{{"metadata", "labels"}, {"spec", "predictor", "labels"}} {
			if f := p.isvc.Get(append(path, lossless.Label)...); f.OK() {
				own = f.Text()
			}
		}
	case p.workload != nil:
		var d appsv1.Deployment
		if p.workload.Into(&d) != nil {
			return false // reading it strictly says why
		}
		labels := d.Spec.Template.Labels
		if labels[kserve.ServiceLabel] == "" || slices.Contains([]string{"transformer", "explainer"}, labels[kserve.ComponentLabel]) {
			return false
		}
		own = labels[lossless.Label]
	}
	return own == "enabled" || own != "disabled" && p.draining[p.namespace] == "enabled"
}
