package lint

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apimachinery/pkg/util/validation/field"
	limits "k8s.io/apiserver/pkg/apis/cel"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy"
)

// admitted adds what the API server refuses of InferenceAutoscalers by their rules in CEL, which
// it asks only of what the schema takes. Beside that nothing is said in the words of a status,
// which such an object has none of, but who else scales its target.
func (m *manifests) admitted(refused policy.Refusals) policy.Refusals {
	schemas := manifest.NewSchemas()
	var all policy.Refusals
	for _, d := range m.of(v1alpha1.Kind.Kind) {
		mistaken := slices.ContainsFunc(refused, func(r *policy.Refusal) bool { return r.Document == d && r.Kind == policy.WrongType })
		if broken := breaks(schemas, d); !mistaken && len(broken) > 0 {
			refused = slices.DeleteFunc(refused, func(r *policy.Refusal) bool {
				return r.Document == d && r.Kind != policy.Owner && r.Kind != policy.UnknownField && r.Kind != policy.Unsimulated
			})
			all = append(all, broken...)
		}
	}
	return slices.Concat(refused, all)
}

// breaks are the rules in CEL that a document breaks, in the words that its custom resource has
// for them: what is wrong, and after a semicolon how to fix it.
func breaks(schemas *manifest.Schemas, d *manifest.Document) policy.Refusals {
	known := schemas.Structural(d)
	if known == nil {
		return nil
	}
	rules := cel.NewValidator(known, true, limits.PerCallLimit)
	var object map[string]any
	var errs field.ErrorList
	if rules != nil && d.Into(&object) == nil { // else reading it says why not
		defaulting.Default(object, known)
		ctx := context.Background() //nolint:forbidigo // what is evaluated is in memory, and ends by its budget
		errs, _ = rules.Validate(ctx, nil, known, object, nil, limits.RuntimeCELCostBudget)
	}
	var all policy.Refusals
	for _, e := range errs {
		what, fix, told := strings.Cut(e.Detail, "; ")
		if !told {
			fix = "correct it"
		}
		path := e.Field
		if path == (*field.Path)(nil).String() {
			path = "" // of the whole object
		}
		all = append(all, &policy.Refusal{Kind: policy.Invalid, Fault: manifest.Fault{Document: d, Path: path, What: what, Fix: fix}})
	}
	return all
}
