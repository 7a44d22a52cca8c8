package leave

import (
	"cmp"

	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/drain"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/pulse"
)

// costWrites is how many costs are written in a drain.CostPeriod at most.
const costWrites = 200

// newCosts are the deletion costs to write. A pod at which no gateway has anything is
// idle: this is for services whose requests all come through gateways.
func newCosts(pods []corev1.Pod, work map[string]demand.PodWork) map[string]int32 {
	var measured []drain.Pod
	have := map[string]int32{}
	for i := range pods {
		if p := &pods[i]; explain.Serves(p) {
			w := work[p.Name]
			measured = append(measured, drain.Pod{
				Name: p.Name, Measured: true, InFlight: w.InFlight, WorkTokens: w.WorkTokens,
				Remaining: time.Duration(w.RemainingMs) * time.Millisecond, PrefixTokens: w.PrefixTokens,
			})
			have[p.Name] = writtenCost(p)
		}
	}
	return drain.Costs(measured, have)
}

// writtenCost is 0 where there is none, as for a ReplicaSet.
func writtenCost(p *corev1.Pod) int32 {
	cost, err := strconv.ParseInt(p.Annotations[corev1.PodDeletionCost], 10, 32)
	if err != nil {
		return 0
	}
	return int32(cost)
}

// Costs keeps the order in which the pods of each service leave.
type Costs struct {
	Client client.Client // of pods it needs list, watch and patch
	Work   func() map[demand.Service]map[string]demand.PodWork
	Acts   func() bool // false while another controller acts in the cluster
	Log    logr.Logger
	Pulse  *pulse.Pulse

	last    demand.Service // where the writes of a period ended
	trouble string
}

// Run works until the context ends.
func (c *Costs) Run(ctx context.Context) error {
	tick := time.NewTicker(drain.CostPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !c.Acts() {
			continue
		}
		trouble := ""
		bounded, end := c.Pulse.Begin(ctx, "writing deletion costs")
		if err := c.write(bounded); err != nil {
			trouble = err.Error()
		}
		end()
		if trouble != c.trouble && trouble != "" && ctx.Err() == nil {
			c.Log.Info("pods may leave in another order than that of their work", "error", trouble)
		}
		c.trouble = trouble
	}
}

// write is one period's. It goes on with the services that the last one left out, also
// within one whose pods are more than a period's writes. A service whose pods may not be
// written holds up no other.
func (c *Costs) write(ctx context.Context) error {
	work := c.Work()
	keys := slices.SortedFunc(maps.Keys(work), demand.Service.Compare)
	next := slices.IndexFunc(keys, func(k demand.Service) bool { return k.Compare(c.last) > 0 })
	keys = slices.Concat(keys[max(0, next):], keys[:max(0, next)])
	left := costWrites
	var failed error
	for _, key := range keys {
		wrote, err := c.writeService(ctx, key, work[key], left)
		failed = cmp.Or(failed, err)
		if left -= wrote; left == 0 {
			break
		}
		c.last = key
	}
	return failed
}

// writeService tries at most so many writes.
func (c *Costs) writeService(ctx context.Context, key demand.Service, work map[string]demand.PodWork, most int) (tried int, err error) {
	var pods corev1.PodList
	if err := c.Client.List(ctx, &pods, client.InNamespace(key.Namespace), client.MatchingLabels{kserve.ServiceLabel: key.Name}); err != nil {
		return 0, fmt.Errorf("listing the pods of %s: %w", key, err)
	}
	want := newCosts(slices.DeleteFunc(pods.Items, otherComponent), work)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if tried == most {
			break
		}
		tried++
		if err := c.patch(ctx, types.NamespacedName{Namespace: key.Namespace, Name: name}, want[name]); err != nil {
			return tried, err
		}
	}
	return tried, nil
}

func otherComponent(p corev1.Pod) bool {
	c := p.Labels[kserve.ComponentLabel]
	return c != "" && c != "predictor"
}

func (c *Costs) patch(ctx context.Context, key types.NamespacedName, cost int32) error {
	p := &corev1.Pod{}
	p.Namespace, p.Name = key.Namespace, key.Name
	body := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"%d"}}}`, corev1.PodDeletionCost, cost)
	err := c.Client.Patch(ctx, p, client.RawPatch(types.MergePatchType, body), client.FieldOwner(kserve.Manager))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the deletion cost of %s: %w", key, err)
	}
	return nil
}
