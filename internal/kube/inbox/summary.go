package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// The demand is also written down, for flyball status, which has no token for the
// endpoint: in a ConfigMap beside the controller, at most every summaryPeriod where it
// has changed and every summaryLife ÷ 3 where it has not.
const (
	summaryName   = "flyball-demand"
	summaryKey    = "demand.json"
	summaryPeriod = 2 * time.Second
	summaryLife   = 30 * time.Second
)

// A Summary is what stands there.
type Summary struct {
	At       time.Time     `json:"at"`
	Gateways int           `json:"gateways"`
	Services []demand.Item `json:"services"`
}

// same says whether o has nothing new; arrivals are left out, they pass.
func (n Summary) same(o Summary) bool {
	return n.Gateways == o.Gateways && slices.EqualFunc(n.Services, o.Services, func(a, b demand.Item) bool {
		a.Arrivals, b.Arrivals = 0, 0
		return a.Namespace == b.Namespace && a.Name == b.Name && a.Work == b.Work
	})
}

// Publish keeps the summary until the context ends.
func (b *Inbox) Publish(ctx context.Context, c client.Client) error {
	tick := time.NewTicker(summaryPeriod)
	defer tick.Stop()
	var last Summary
	trouble := ""
	for {
		now := b.now()
		next := Summary{At: now.UTC()}
		next.Services, next.Gateways = b.All()
		if last.At.IsZero() || !next.same(last) || next.Gateways > 0 && now.Sub(last.At) >= summaryLife/3 {
			said := ""
			bounded, end := b.settings.Pulse.Begin(ctx, "writing down the demand")
			err := write(bounded, c, b.settings.Namespace, next)
			end()
			if err != nil {
				said = err.Error()
			} else {
				last = next
			}
			if said != trouble && said != "" && ctx.Err() == nil {
				b.log.Info("the gateways' reports are not shown in flyball status", "error", said)
			}
			trouble = said
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func write(ctx context.Context, c client.Client, namespace string, n Summary) error {
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encoding the demand: %w", err)
	}
	o := &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{summaryKey: string(text)}}}
	o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	o.SetName(summaryName)
	o.SetNamespace(namespace)
	if err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(kserve.Manager), client.ForceOwnership); err != nil {
		return fmt.Errorf("applying ConfigMap %s: %w", summaryName, err)
	}
	return nil
}

// ReadSummary is nil where no controller wrote one, or the reader may not see it; an
// old one says that no gateway reports.
func ReadSummary(ctx context.Context, c client.Reader, now time.Time) (*Summary, error) {
	var m corev1.ConfigMap
	switch err := c.Get(ctx, client.ObjectKey{Namespace: config.Namespace, Name: summaryName}, &m); {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading ConfigMap %s: %w", summaryName, err)
	}
	n := &Summary{}
	if err := json.Unmarshal([]byte(m.Data[summaryKey]), n); err != nil {
		return nil, fmt.Errorf("reading ConfigMap %s: %w", summaryName, err)
	}
	if now.Sub(n.At) > summaryLife {
		n.Gateways, n.Services = 0, nil
	}
	return n, nil
}

// Of is the demand for one service.
func (n *Summary) Of(namespace, name string) *demand.Demand {
	if n == nil {
		return nil
	}
	d := &demand.Demand{Gateways: n.Gateways}
	for _, s := range n.Services {
		if s.Namespace == namespace && s.Name == name {
			d.Work = s.Work
		}
	}
	return d
}
