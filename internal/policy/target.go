package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// retarget sets the target of what scales, which must be one metric's: of several it would
// not be known which decides.
func (t *target) retarget(value string) error {
	var fields []manifest.Field
	switch {
	case len(t.scalers) > 0 && t.scalers[0].Kind == "ScaledObject":
		fields = scaledObjectTargets(t.scalers[0])
	case len(t.scalers) > 0:
		fields = metricTargets(t.scalers[0].Get("spec", "metrics"))
	case t.isvc != nil:
		fields = metricTargets(t.isvc.Get("spec", "predictor", "autoScaling", "metrics"))
		if legacy := t.isvc.Get("spec", "predictor", "scaleTarget"); legacy.OK() {
			fields = append(fields, legacy)
		}
	}
	var found []string
	for _, f := range fields {
		found = append(found, fmt.Sprintf("%s:%d: %s", f.Document().File, f.Line(), f.Path()))
	}
	switch len(fields) {
	case 0:
		return hint.With(fmt.Errorf("%s has no target that could be another", t.title()), "give a metric with a target")
	case 1:
		if !fields[0].Set(value) {
			return errors.New(found[0] + " is no number")
		}
		return nil
	}
	return hint.With(fmt.Errorf("%s has %d targets, and it is not known which of them decides: %s", t.title(), len(fields), strings.Join(found, ", ")), "leave one metric")
}

// scaledObjectTargets are the triggers' thresholds, or the one target of their formula.
func scaledObjectTargets(d *manifest.Document) []manifest.Field {
	if modifiers := d.Get("spec", "advanced", "scalingModifiers"); modifiers.Get("formula").Text() != "" {
		return []manifest.Field{modifiers.Get("target")}
	}
	var all []manifest.Field
	for _, trigger := range d.Get("spec", "triggers").Items() {
		for _, key := range []string{"threshold", "value"} {
			if f := trigger.Get("metadata", key); f.OK() {
				all = append(all, f)
			}
		}
	}
	return all
}

// metricTargets are those of an HPA's metrics, or of a service's, which look alike.
func metricTargets(metrics manifest.Field) []manifest.Field {
	var all []manifest.Field
	for _, m := range metrics.Items() {
		for _, kind := range []string{"resource", "pods", "object", "external", "containerResource"} {
			for _, key := range []string{"averageUtilization", "averageValue", "value"} {
				if f := m.Get(kind, "target", key); f.OK() {
					all = append(all, f)
				}
			}
		}
	}
	return all
}
