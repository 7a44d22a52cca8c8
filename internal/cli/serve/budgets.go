package serve

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/hint"
)

// gpuBudgets are those of --gpu-budget.
type gpuBudgets struct {
	values []string
	pools  []budget.Pool
}

func (g *gpuBudgets) register(fl *pflag.FlagSet) {
	fl.StringSliceVar(&g.values, "gpu-budget", nil, "the most GPUs that services with objectives may have: 64 for all of them, demo=8 for those of namespace demo; may be given several times")
}

// read reads the values.
func (g *gpuBudgets) read() error {
	g.pools = nil
	given := map[string]bool{}
	for _, value := range g.values {
		namespace, number, named := strings.Cut(value, "=")
		if !named {
			namespace, number = "", value
		}
		gpus, err := strconv.ParseUint(number, 10, 31)
		switch {
		case err != nil:
			return hint.With(fmt.Errorf("--gpu-budget %s: %q is no number of GPUs", value, number), "give 64 for all namespaces together, or demo=8 for namespace demo")
		case named && len(validation.IsDNS1123Label(namespace)) > 0:
			return hint.With(fmt.Errorf("--gpu-budget %s: %q is no namespace's name", value, namespace), "give 64 for all namespaces together, or demo=8 for namespace demo")
		case given[namespace]:
			return hint.With(fmt.Errorf("--gpu-budget %s: there is another one for the same services", value), "leave one of the two out")
		}
		given[namespace] = true
		name := "the GPU budget of the cluster"
		if named {
			name = "the GPU budget of namespace " + namespace
		}
		g.pools = append(g.pools, budget.Pool{Name: name, Namespace: namespace, GPUs: int(gpus)})
	}
	return nil
}

// pools are the GPUs that services share: by the flags, and by ResourceQuotas.
func (p parts) pools(ctx context.Context) []budget.Pool {
	quotas, err := p.services.Quotas(ctx)
	if err != nil {
		p.log.Warn("services are scaled without regard to ResourceQuotas", "error", err)
	}
	all := slices.Clip(p.budgets)
	for _, q := range quotas {
		all = append(all, budget.Pool{
			Name: fmt.Sprintf("%s of ResourceQuota %s in namespace %s", q.Resource, q.Name, q.Namespace), Namespace: q.Namespace, Resource: q.Resource, GPUs: q.Hard, Used: q.Used,
		})
	}
	return all
}
