package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/numbers"
)

// retarget sets the target of what scales, which must be one metric's: of several it would
// not be known which decides.
func (t *target) retarget(value string) error {
	var fields []manifest.Field
	switch {
	case len(t.scalers) > 0 && t.scalers[0].Kind == "ScaledObject":
		fields = numbers.OfScaledObject(t.scalers[0])
	case len(t.scalers) > 0:
		fields = numbers.OfMetrics(t.scalers[0].Get("spec", "metrics"))
	case t.isvc != nil:
		fields = numbers.OfMetrics(t.isvc.Get("spec", "predictor", "autoScaling", "metrics"))
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
		if slices.ContainsFunc(t.autoscalers(), states) {
			return hint.With(fmt.Errorf("%s is scaled by objectives, which have no target to try", t.title()),
				"try another promise, as --objective ttft:p95:3s, or the target of a law without -f: --law hpa --sweep target=4..48")
		}
		return hint.With(fmt.Errorf("%s has no target that could be another", t.title()), "give a metric with a target")
	case 1:
		if !fields[0].Set(value) {
			return errors.New(found[0] + " is no number")
		}
		return nil
	}
	return hint.With(fmt.Errorf("%s has %d targets, and it is not known which of them decides: %s", t.title(), len(fields), strings.Join(found, ", ")), "leave one metric")
}
