package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// mostAddresses is how many are shown that are not asked.
const mostAddresses = 10

// servers says which Prometheus servers the controller lets services have asked, and
// returns them.
func (d Doctor) servers(ctx context.Context) (kserve.Servers, []Check) {
	const name = "metric servers"
	found, err := d.deployments(ctx, config.Controller)
	if err != nil {
		return nil, []Check{unseen(name, err)}
	}
	if len(found) != 1 { // the check of the programs says so
		return nil, nil
	}
	servers, err := kserve.NewServers(flagValues(found[0], "--metric-servers"))
	at := fmt.Sprintf("Deployment %s/%s", found[0].Namespace, found[0].Name)
	switch {
	case err != nil:
		return nil, []Check{{Fail, name, at + ": --metric-servers: " + err.Error(), "give http or https addresses, separated by commas"}}
	case len(servers) == 0:
		return nil, []Check{{
			Warn, name, "any: whoever writes an InferenceService has KEDA ask whatever serverAddress names, and send it the namespace's credential",
			"name them in the arguments of " + at + ": --metric-servers=http://prometheus-operated.NAMESPACE.svc:9090",
		}}
	}
	return servers, []Check{{OK, name, "only " + strings.Join(servers, ", ") + " may be asked", ""}}
}

// flagValues are those of a flag in the arguments of a Deployment's only container.
func flagValues(d appsv1.Deployment, flag string) []string {
	var all []string
	for _, c := range d.Spec.Template.Spec.Containers {
		for i, a := range c.Args {
			value, ok := strings.CutPrefix(a, flag+"=")
			if !ok && a == flag && i+1 < len(c.Args) {
				value, ok = c.Args[i+1], true
			}
			if ok && value != "" {
				all = append(all, strings.Split(value, ",")...)
			}
		}
	}
	return all
}

// unasked are the addresses that only tenants name: this machine asks none of them, since
// it may reach what their pods do not.
func (d Doctor) unasked(ctx context.Context, asked kserve.Servers) []Check {
	const name = "prometheus"
	objects, err := cluster.ReadAll[kserve.ScaledObject](ctx, d.Cluster, kserve.ScaledObjectKind)
	if meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		return []Check{unseen(name, err)}
	}
	by := map[string]string{} // address → the first that names it
	var addresses []string
	for _, o := range objects {
		for _, t := range o.Spec.Triggers {
			a := t.Metadata["serverAddress"]
			if t.Type != "prometheus" || a == "" || len(asked) > 0 && asked.May(a) {
				continue
			}
			if by[a] == "" {
				by[a] = o.Namespace + "/" + o.Name
				addresses = append(addresses, a)
			}
		}
	}
	slices.Sort(addresses)
	var all []Check
	for i, a := range addresses {
		if i == mostAddresses {
			all = append(all, Check{Warn, name, fmt.Sprintf("%d more addresses are not asked", len(addresses)-i), "name one of them: flyball doctor --prometheus ADDRESS"})
			break
		}
		all = append(all, Check{
			Warn, name, fmt.Sprintf("%s is not asked from this machine: ScaledObject %s names it, and no administrator", shown(a), by[a]),
			"if you trust it: " + hint.Command("flyball", "doctor", "--prometheus", shown(a)),
		})
	}
	return all
}
