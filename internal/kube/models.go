package kube

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// takenModels warns of models whose name is another service's already: requests that name
// only the model go there.
func (r *Reconciler) takenModels(ctx context.Context, o observed, v *explain.Verdict) error {
	if o.Deployment == nil {
		return nil
	}
	self := client.ObjectKey{Namespace: o.InferenceService.Namespace, Name: o.InferenceService.Name}
	for _, model := range explain.Models(&o.Deployment.Spec.Template.Spec) {
		all, err := r.claimants(ctx, model)
		if err != nil {
			return err
		}
		if len(all) < 2 {
			continue
		}
		switch owner := explain.Owner(model, all); {
		case owner.Namespace == self.Namespace && owner.Name == self.Name:
		case owner.Namespace == self.Namespace:
			v.Warn("ModelNameTaken", "model name %q belongs to InferenceService %s, which gets the requests that name only the model; "+
				"serve it under another --served-model-name, let clients name this service by its host, or claim the name: %s",
				model, owner.Name, hint.Command("kubectl", "annotate", "inferenceservice", self.Name, "-n", self.Namespace, kserve.ServesAnnotation+"="+model))
		default:
			v.Warn("ModelNameTaken", "model name %q belongs to a service in another namespace, which had it first and gets the requests that name only the model; "+
				"serve it under another --served-model-name, or let clients name this service by its host", model)
		}
	}
	return nil
}

// claimants are the services that serve a model.
func (r *Reconciler) claimants(ctx context.Context, model string) ([]explain.Claimant, error) {
	var found appsv1.DeploymentList
	if err := r.Client.List(ctx, &found, client.MatchingFields{cluster.ByModel: model}); err != nil {
		return nil, fmt.Errorf("reading Deployments: %w", err)
	}
	if len(found.Items) < 2 {
		return nil, nil
	}
	var all []explain.Claimant
	for _, d := range found.Items {
		raw, s := cluster.NewObject(kserve.InferenceServiceKind), kserve.InferenceService{}
		key := client.ObjectKey{Namespace: d.Namespace, Name: d.Labels[kserve.ServiceLabel]}
		switch err := r.Client.Get(ctx, key, raw); {
		case client.IgnoreNotFound(err) != nil:
			return nil, fmt.Errorf("reading InferenceService %s: %w", key, err)
		case err != nil: // it is about to go
			continue
		}
		if err := kserve.Decode(raw, &s); err != nil {
			return nil, err
		}
		all = append(all, explain.Claimant{Namespace: s.Namespace, Name: s.Name, Created: s.CreationTimestamp.UTC(), Claims: kserve.Claims(&s)})
	}
	return all, nil
}
