package policy

import (
	"math"
	"strings"

	"github.com/expr-lang/expr"

	"github.com/flyball-dev/flyball/internal/law"
)

// compile makes a formula as KEDA does, with the same library
// (github.com/kedacore/keda/v2/apis/keda/v1alpha1/scaledobject_webhook.go and
// pkg/scaling/modifiers/formula.go, at v2.21.0). The clock is left out: the same
// readings must give the same result.
func compile(text string, names []string) (law.Formula, error) {
	sample := map[string]float64{}
	for _, name := range names {
		sample[name] = -1
	}
	program, err := expr.Compile(toFloat(text), expr.Env(sample), expr.DisableBuiltin("now"))
	if err != nil {
		return nil, err
	}
	if _, err := expr.Run(program, sample); err != nil {
		return nil, err
	}
	return func(values map[string]float64) (float64, bool) {
		env := map[string]any{}
		for _, name := range names {
			if v, ok := values[name]; ok {
				env[name] = v
			} else {
				env[name] = nil
			}
		}
		result, err := expr.Run(program, env)
		x, isNumber := result.(float64)
		switch {
		case err == nil && result == nil:
			return 0, false
		case err != nil || !isNumber:
			return math.NaN(), true // an error, for which no fallback stands in
		}
		return x, true
	}, nil
}

func toFloat(formula string) string {
	switch {
	case strings.Contains(formula, "??"):
		return "let _kedaCompositeResult = (" + formula + "); _kedaCompositeResult == nil ? nil : float(_kedaCompositeResult)"
	case strings.HasPrefix(formula, "float("):
		return formula
	}
	return "float(" + formula + ")"
}
