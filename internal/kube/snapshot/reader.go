package snapshot

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// Parts are what a snapshot has beside the InferenceService and its own ScaledObject:
// who reads one may not see everything, and does not need it.
type Parts int

// The parts.
const (
	Workload    Parts = 1 << iota // Deployment and pods
	Others                        // other ScaledObjects on its Deployment
	HPAs                          // on it
	Credentials                   // TriggerAuthentications
	Events                        // about the InferenceService and the ScaledObject
	AllParts    = Workload | Others | HPAs | Credentials | Events
)

// A Reader makes snapshots of services.
type Reader struct {
	From  client.Reader // a cache with cluster.AddIndexes, or a cluster.Listing
	Parts Parts
	// KEDA tells whether its custom resources may be asked for. Without it they are, and
	// an answer that they do not exist is one.
	KEDA func() bool
}

// Read is NotFound of a service that does not exist.
func (r Reader) Read(ctx context.Context, key types.NamespacedName) (explain.Snapshot, error) {
	raw := cluster.NewObject(kserve.InferenceServiceKind)
	if err := r.From.Get(ctx, key, raw); err != nil {
		return explain.Snapshot{}, fmt.Errorf("reading InferenceService %s: %w", key, err)
	}
	return r.About(ctx, raw)
}

// About reads all that there is of one service.
func (r Reader) About(ctx context.Context, raw *unstructured.Unstructured) (explain.Snapshot, error) {
	s := explain.Snapshot{Auths: map[string][]string{}, NoKEDA: r.KEDA != nil && !r.KEDA()}
	if err := kserve.Decode(raw, &s.InferenceService); err != nil {
		return s, err
	}
	for _, part := range []struct {
		of   Parts
		read func(context.Context, *explain.Snapshot) error
	}{
		{Workload, r.workload}, {AllParts, r.scaledObject}, {HPAs, r.hpas}, {Others, r.others}, {Credentials, r.credentials}, {Events, r.events},
	} {
		if r.Parts&part.of == 0 {
			continue
		}
		if err := part.read(ctx, &s); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (r Reader) workload(ctx context.Context, s *explain.Snapshot) error {
	d := &appsv1.Deployment{}
	switch err := r.From.Get(ctx, predictor(s), d); {
	case err == nil:
		s.Deployment = d
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("reading Deployment %s: %w", predictor(s), err)
	}
	var pods corev1.PodList
	if err := r.From.List(ctx, &pods, client.InNamespace(s.InferenceService.Namespace), client.MatchingFields{cluster.ByService: s.InferenceService.Name}); err != nil {
		return fmt.Errorf("reading pods: %w", err)
	}
	s.Pods = pods.Items
	return nil
}

// scaledObject is the one that is named as the service's own is.
func (r Reader) scaledObject(ctx context.Context, s *explain.Snapshot) error {
	if s.NoKEDA {
		return nil
	}
	raw, so := cluster.NewObject(kserve.ScaledObjectKind), &kserve.ScaledObject{}
	switch err := r.From.Get(ctx, predictor(s), raw); {
	case meta.IsNoMatchError(err):
		s.NoKEDA = true
		return nil
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading ScaledObject %s: %w", predictor(s), err)
	}
	s.ScaledObject = so
	return kserve.Decode(raw, so)
}

// onTarget are the autoscalers of its Deployment.
func onTarget(s *explain.Snapshot) []client.ListOption {
	return []client.ListOption{client.InNamespace(s.InferenceService.Namespace), client.MatchingFields{cluster.ByTarget: predictor(s).Name}}
}

func (r Reader) hpas(ctx context.Context, s *explain.Snapshot) error {
	var hpas autoscalingv2.HorizontalPodAutoscalerList
	if err := r.From.List(ctx, &hpas, onTarget(s)...); err != nil {
		return fmt.Errorf("reading HorizontalPodAutoscalers: %w", err)
	}
	s.HPAs = hpas.Items
	slices.SortFunc(s.HPAs, func(a, b autoscalingv2.HorizontalPodAutoscaler) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

func (r Reader) others(ctx context.Context, s *explain.Snapshot) error {
	if s.NoKEDA {
		return nil
	}
	all, err := cluster.ReadAll[kserve.ScaledObject](ctx, r.From, kserve.ScaledObjectKind, onTarget(s)...)
	if err != nil {
		return err
	}
	s.Others = slices.DeleteFunc(all, func(o kserve.ScaledObject) bool { return o.Name == predictor(s).Name })
	slices.SortFunc(s.Others, func(a, b kserve.ScaledObject) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// credentials are the TriggerAuthentications that the service names, and, where one of
// these is missing, the namespace's: one of them may be meant.
func (r Reader) credentials(ctx context.Context, s *explain.Snapshot) error {
	if s.NoKEDA {
		return nil
	}
	for _, name := range kserve.Authentications(&s.InferenceService) {
		auth := cluster.NewObject(kserve.TriggerAuthenticationKind)
		switch err := r.From.Get(ctx, types.NamespacedName{Namespace: s.InferenceService.Namespace, Name: name}, auth); {
		case apierrors.IsNotFound(err):
			return r.otherCredentials(ctx, s)
		case err != nil:
			return fmt.Errorf("reading TriggerAuthentication %s: %w", name, err)
		}
		s.Auths[name] = kserve.SecretsOf(auth)
	}
	return nil
}

func (r Reader) otherCredentials(ctx context.Context, s *explain.Snapshot) error {
	all := cluster.NewList(kserve.TriggerAuthenticationKind)
	if err := r.From.List(ctx, all, client.InNamespace(s.InferenceService.Namespace)); err != nil {
		return fmt.Errorf("reading TriggerAuthentications: %w", err)
	}
	for i := range all.Items {
		s.Auths[all.Items[i].GetName()] = kserve.SecretsOf(&all.Items[i])
	}
	return nil
}

// events come with the newest first.
func (r Reader) events(ctx context.Context, s *explain.Snapshot) error {
	about := []types.UID{s.InferenceService.UID}
	if s.ScaledObject != nil {
		about = append(about, s.ScaledObject.UID)
	}
	for _, uid := range about {
		var said corev1.EventList
		err := r.From.List(ctx, &said, client.InNamespace(s.InferenceService.Namespace), client.MatchingFields{cluster.ByObject: string(uid)})
		if err != nil {
			return fmt.Errorf("reading Events: %w", err)
		}
		s.Events = append(s.Events, said.Items...)
	}
	slices.SortStableFunc(s.Events, func(a, b corev1.Event) int { return explain.LastSeen(b).Compare(explain.LastSeen(a)) })
	return nil
}

// predictor is the name of the Deployment, and of the ScaledObject.
func predictor(s *explain.Snapshot) types.NamespacedName {
	return types.NamespacedName{Namespace: s.InferenceService.Namespace, Name: kserve.PredictorName(s.InferenceService.Name)}
}
