package kube

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

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// The demand is also written down, for flyball status, which has no token for the
// endpoint: in a ConfigMap beside the controller, at most every notePeriod where it
// has changed and every noteLife ÷ 3 where it has not.
const (
	noteName   = "flyball-demand"
	noteKey    = "demand.json"
	notePeriod = 2 * time.Second
	noteLife   = 30 * time.Second
)

// demandNote is what stands there.
type demandNote struct {
	At       time.Time     `json:"at"`
	Gateways int           `json:"gateways"`
	Services []demand.Item `json:"services"`
}

// same says whether b has nothing new; arrivals are left out, they pass.
func (n demandNote) same(b demandNote) bool {
	return n.Gateways == b.Gateways && slices.EqualFunc(n.Services, b.Services, func(a, b demand.Item) bool {
		a.Arrivals, b.Arrivals = 0, 0
		return a.Namespace == b.Namespace && a.Name == b.Name && a.Work == b.Work
	})
}

// publish keeps the note until the context ends.
func (d *demands) publish(ctx context.Context, c client.Client) error {
	tick := time.NewTicker(notePeriod)
	defer tick.Stop()
	var last demandNote
	trouble := ""
	for {
		now := d.now()
		next := demandNote{At: now.UTC()}
		next.Services, next.Gateways = d.all()
		if last.At.IsZero() || !next.same(last) || next.Gateways > 0 && now.Sub(last.At) >= noteLife/3 {
			said := ""
			if err := writeNote(ctx, c, d.settings.Namespace, next); err != nil {
				said = err.Error()
			} else {
				last = next
			}
			if said != trouble && said != "" && ctx.Err() == nil {
				d.log.Info("the gateways' reports are not shown in flyball status", "error", said)
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

func writeNote(ctx context.Context, c client.Client, namespace string, n demandNote) error {
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encoding the demand: %w", err)
	}
	o := &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{noteKey: string(text)}}}
	o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	o.SetName(noteName)
	o.SetNamespace(namespace)
	if err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(kserve.Manager), client.ForceOwnership); err != nil {
		return fmt.Errorf("applying ConfigMap %s: %w", noteName, err)
	}
	return nil
}

// readNote is nil where no controller wrote one, or the reader may not see it; an
// old one says that no gateway reports.
func readNote(ctx context.Context, c client.Reader, now time.Time) (*demandNote, error) {
	var m corev1.ConfigMap
	switch err := c.Get(ctx, client.ObjectKey{Namespace: ControllerNamespace, Name: noteName}, &m); {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading ConfigMap %s: %w", noteName, err)
	}
	n := &demandNote{}
	if err := json.Unmarshal([]byte(m.Data[noteKey]), n); err != nil {
		return nil, fmt.Errorf("reading ConfigMap %s: %w", noteName, err)
	}
	if now.Sub(n.At) > noteLife {
		n.Gateways, n.Services = 0, nil
	}
	return n, nil
}

// of is the demand for one service.
func (n *demandNote) of(namespace, name string) *demand.Demand {
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
