package rehearse

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A ban is an armed never line.
type ban interface {
	// check returns what happened that must never happen, as far as it is known
	// for changes learned up to then.
	check(until time.Time) error
}

type scaleInBan struct {
	deployment  string
	deployments *feed
}

func (g scaleInBan) check(until time.Time) error {
	changes, err := g.deployments.known(until)
	before := 0
	for _, c := range changes {
		o := c.object
		if o.Metadata.Name != g.deployment || o.Spec.Replicas == nil {
			continue
		}
		if c.gone {
			return fmt.Errorf("deployment %s was deleted", g.deployment)
		}
		if n := *o.Spec.Replicas; n < before {
			return fmt.Errorf("deployment %s was scaled down from %d to %d", g.deployment, before, n)
		}
		before = *o.Spec.Replicas
	}
	return err
}

type twoAutoscalersBan struct {
	deployment string
	feeds      []*feed // autoscalers and ScaledObjects
}

func (g twoAutoscalersBan) check(until time.Time) error {
	var all []change
	for _, f := range g.feeds {
		changes, err := f.known(until)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.object.Spec.ScaleTargetRef.Name == g.deployment {
				c.object.Kind = f.kind
				all = append(all, c)
			}
		}
	}
	if two := together(all); len(two) > 1 {
		return fmt.Errorf("%s acted on %s at the same time", strings.Join(two, " and "), g.deployment)
	}
	return nil
}

// together replays changes in the order in which the API server made them and
// returns the first set of autoscalers that lived at the same time, if more than
// one did. An HPA that a ScaledObject owns is the hand of that ScaledObject.
func together(changes []change) []string {
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.revision, b.revision) })
	living := map[string]string{} // object → the autoscaler that it is or belongs to
	for _, c := range changes {
		o := c.object
		self := o.Kind + " " + o.Metadata.Name
		if c.gone {
			delete(living, self)
			continue
		}
		living[self] = self
		for _, owner := range o.Metadata.OwnerReferences {
			if owner.Kind == "ScaledObject" {
				living[self] = "ScaledObject " + owner.Name
			}
		}
		all := slices.Compact(slices.Sorted(maps.Values(living)))
		if len(all) > 1 {
			return all
		}
	}
	return nil
}

func (NeverDown) do(ctx context.Context, r *run) error {
	f, err := r.openFeed(ctx, "Deployment", "apps/v1", "deployments")
	if err != nil {
		return err
	}
	r.bans = append(r.bans, scaleInBan{r.deployment(), f})
	return nil
}

func (NeverTwo) do(ctx context.Context, r *run) error {
	hpas, err := r.openFeed(ctx, "HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers")
	if err != nil {
		return err
	}
	scaled, err := r.openFeed(ctx, "ScaledObject", "keda.sh/v1alpha1", "scaledobjects")
	if err != nil {
		return err
	}
	r.bans = append(r.bans, twoAutoscalersBan{r.deployment(), []*feed{hpas, scaled}})
	return nil
}
