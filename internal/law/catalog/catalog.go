package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/law/aibrix"
	"github.com/flyball-dev/flyball/internal/law/dynamo"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/law/knative"
	"github.com/flyball-dev/flyball/internal/law/kthena"
	"github.com/flyball-dev/flyball/internal/law/kubeai"
	"github.com/flyball-dev/flyball/internal/law/llmd"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/law/rayserve"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/law/skyserve"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/law/wva"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Specs are all laws that can be asked for, by name.
func Specs() []spec.Spec {
	all := []spec.Spec{
		aibrix.APASpec(), aibrix.KPASpec(), dynamo.LoadSpec(), dynamo.SLASpec(), hpa.Spec(), keda.Spec(), keda.ProductionStackSpec(),
		knative.Spec(), kthena.Spec(), kubeai.Spec(), llmd.QueueSpec(), llmd.SLOSpec(), llmd.TokensSpec(), promise.Spec(), rayserve.Spec(),
		reference.OracleSpec(), reference.ScheduleSpec(), reference.StaticSpec(), skyserve.Spec(), wva.QueueingSpec(), wva.ThroughputSpec(), wva.V1Spec(),
		wva.V2Spec(),
	}
	slices.SortFunc(all, func(a, b spec.Spec) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Find is the law of a name.
func Find(name string) (spec.Spec, error) {
	var names []string
	for _, s := range Specs() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return spec.Spec{}, fmt.Errorf("no law %q; there are %s", name, strings.Join(names, ", "))
}

// Make is the law that a text like hpa:metric=waiting,target=5 asks for, and the queries
// whose answers it reads. Series are signals by what upstream calls them: a metric may
// be named so too.
func Make(text string, series map[string]reading.Signal) (spec.Made, error) {
	name, pairs, _ := strings.Cut(text, ":")
	s, err := Find(name)
	if err != nil {
		return spec.Made{}, err
	}
	made, err := s.Make(pairs, series)
	if err != nil {
		return spec.Made{}, fmt.Errorf("law %s: %w", text, err)
	}
	return made, nil
}
