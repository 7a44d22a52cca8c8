package promised

import (
	"cmp"
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// verdict is what is said about one ScaledObject.
type verdict struct {
	explain.Verdict
	service Service
	refused *autoscaler.Refusal
}

// refuse is by the notice that was given last.
func (v *verdict) refuse(c autoscaler.Cause) bool {
	last := v.Notices[len(v.Notices)-1]
	v.refused = &autoscaler.Refusal{Cause: c, Reason: last.Reason, Text: last.Text}
	return false
}

// states tells whether a ScaledObject is meant to state objectives.
func states(so *kserve.ScaledObject) bool { return objective.At(so.Spec.Triggers) >= 0 }

// target is what a ScaledObject scales.
type target struct {
	kind, name string
	uid        types.UID
	labels     map[string]string
	selector   *metav1.LabelSelector
	replicas   *int32
	current    int32 // status.replicas
	ready      int32
	containers []corev1.Container // what is left of them: their GPUs
}

func ofDeployment(d *appsv1.Deployment) target {
	return target{deployment, d.Name, d.UID, d.Labels, d.Spec.Selector, d.Spec.Replicas, d.Status.Replicas, d.Status.ReadyReplicas, d.Spec.Template.Spec.Containers}
}

func ofStatefulSet(d *appsv1.StatefulSet) target {
	return target{statefulSet, d.Name, d.UID, d.Labels, d.Spec.Selector, d.Spec.Replicas, d.Status.Replicas, d.Status.ReadyReplicas, d.Spec.Template.Spec.Containers}
}

const deployment, statefulSet = objective.Deployment, objective.StatefulSet

// A question is one that an object is judged by; false: it is refused.
type question func(context.Context, *kserve.ScaledObject, *verdict) (bool, error)

// judge goes from what the administrator has to allow to what the object itself says.
func (s *Services) judge(ctx context.Context, so *kserve.ScaledObject) (*verdict, error) {
	v, err := judged(ctx, so, s.namespace, s.target, s.first, s.guide, s.promise, s.room)
	if err == nil && v.refused == nil {
		beside(so, v)
	}
	return v, err
}

// judged is by the first question that refuses.
func judged(ctx context.Context, so *kserve.ScaledObject, questions ...question) (*verdict, error) {
	v := &verdict{}
	for _, ask := range questions {
		if on, err := ask(ctx, so, v); err != nil || !on {
			return v, err
		}
	}
	return v, nil
}

// Judge is why the scaler refuses a ScaledObject that states objectives, as far as a reader may
// see; nil: it accepts it, unless the namespace has as many as the scaler lets it have, which
// the scaler knows. kserves tells whether InferenceServices are served.
func Judge(ctx context.Context, from client.Reader, kserves bool, so *kserve.ScaledObject) (*autoscaler.Refusal, error) {
	s := &Services{Client: from, KServe: func() bool { return kserves }}
	v, err := judged(ctx, so, s.namespace, s.target, s.first, s.guide, s.promise)
	if err != nil {
		return nil, err
	}
	return v.refused, nil
}

func (s *Services) namespace(ctx context.Context, so *kserve.ScaledObject, v *verdict) (bool, error) {
	if heard, err := s.Heard(ctx, so.Namespace); heard || err != nil {
		return heard, err
	}
	autoscaler.NotHeard(&v.Verdict, so.Namespace)
	return v.refuse(autoscaler.Forbidden), nil
}

// Heard says whether a namespace has opted in to objectives.
func (s *Services) Heard(ctx context.Context, namespace string) (bool, error) {
	n := &corev1.Namespace{}
	if err := s.Client.Get(ctx, client.ObjectKey{Name: namespace}, n); client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading namespace %s: %w", namespace, err)
	}
	return n.Labels[autoscaler.OptIn] == autoscaler.Enabled, nil
}

func (s *Services) target(ctx context.Context, so *kserve.ScaledObject, v *verdict) (bool, error) {
	ref := so.Spec.ScaleTargetRef
	kind := cmp.Or(ref.Kind, deployment)
	if refused := (objective.Workload{Kind: kind, Name: ref.Name}).Kept(); refused != nil {
		v.Warn("TargetUnsupported", "%v", refused)
		return v.refuse(autoscaler.Wrong), nil
	}
	t, err := s.read(ctx, types.NamespacedName{Namespace: so.Namespace, Name: ref.Name}, kind)
	switch {
	case err != nil:
		return false, err
	case t == nil:
		v.Warn("TargetMissing", "spec.scaleTargetRef: there is no %s %s in namespace %s", kind, ref.Name, so.Namespace)
		return v.refuse(autoscaler.Waiting), nil
	case t.selector == nil || len(t.selector.MatchLabels) == 0:
		v.Warn("TargetUnsupported", "spec.scaleTargetRef: %s %s selects its pods by no label: give its spec.selector matchLabels", kind, ref.Name)
		return v.refuse(autoscaler.Wrong), nil
	}
	v.service = Service{
		NamespacedName: types.NamespacedName{Namespace: so.Namespace, Name: so.Name}, UID: string(origin(so)) + "/" + string(t.uid), Kind: kind, Target: ref.Name,
		Tolerance: tolerance(so),
	}
	if kind == deployment {
		v.service.InferenceService = kserve.ServiceOf(t.labels, ref.Name)
	}
	return true, nil
}

// origin is the UID of what states objectives: of the InferenceAutoscaler that owns the
// ScaledObject, so that what was learned outlives a change of its engine, or its own.
func origin(so *kserve.ScaledObject) types.UID {
	if o := metav1.GetControllerOfNoCopy(so); o != nil && o.Kind == v1alpha1.Kind.Kind && o.Name == so.Name {
		return o.UID
	}
	return so.UID
}

// read is nil where there is none, or its kind is another one.
func (s *Services) read(ctx context.Context, key types.NamespacedName, kind string) (*target, error) {
	var t target
	var err error
	switch kind {
	case deployment:
		d := &appsv1.Deployment{}
		err = s.Client.Get(ctx, key, d)
		t = ofDeployment(d)
	case statefulSet:
		d := &appsv1.StatefulSet{}
		err = s.Client.Get(ctx, key, d)
		t = ofStatefulSet(d)
	default:
		return nil, nil
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", kind, key, err)
	}
	return &t, nil
}

// first refuses whoever is not the first on a target.
func (s *Services) first(ctx context.Context, so *kserve.ScaledObject, v *verdict) (bool, error) {
	all, err := cluster.ReadAll[kserve.ScaledObject](ctx, s.Client, kserve.ScaledObjectKind,
		client.InNamespace(so.Namespace), client.MatchingFields{cluster.ByTarget: so.Spec.ScaleTargetRef.Name})
	if err != nil {
		return false, err
	}
	for i := range all {
		o := &all[i]
		same := o.UID == so.UID || cmp.Or(o.Spec.ScaleTargetRef.Kind, deployment) != v.service.Kind
		if !same && o.DeletionTimestamp == nil && states(o) && older(o, so) {
			v.Warn("TargetTaken", "%s", v.service.Workload().Taken(kserve.ScaledObjectKind.Kind, o.Name, so.Name, so.Namespace).Words())
			return v.refuse(autoscaler.Taken), nil
		}
	}
	return true, nil
}

func older(a, b *kserve.ScaledObject) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

// guide refuses the target of an InferenceService that KServe, or guide mode, scales.
func (s *Services) guide(ctx context.Context, so *kserve.ScaledObject, v *verdict) (bool, error) {
	if v.service.InferenceService == "" || !s.KServe() {
		return true, nil
	}
	raw, isvc := cluster.NewObject(kserve.InferenceServiceKind), &kserve.InferenceService{}
	err := s.Client.Get(ctx, types.NamespacedName{Namespace: so.Namespace, Name: v.service.InferenceService}, raw)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err == nil {
		err = kserve.Decode(raw, isvc)
	}
	if err != nil {
		return false, fmt.Errorf("reading InferenceService %s: %w", v.service.InferenceService, err)
	}
	if autoscaler.ByKServe(&v.Verdict, isvc) {
		return v.refuse(autoscaler.Taken), nil
	}
	return true, nil
}

// promise reads what the object states, and its bounds.
func (s *Services) promise(_ context.Context, so *kserve.ScaledObject, v *verdict) (bool, error) {
	p, refused := objective.Stated(so)
	if refused != nil {
		v.Warn("InvalidObjectives", "%v", refused)
		return v.refuse(autoscaler.Wrong), nil
	}
	lo, hi := so.Bounds()
	bounds, refused := objective.Bounds(lo, hi, v.service.Workload(), v.service.InferenceService != "")
	switch {
	case refused != nil && refused.Key == objective.Least:
		v.Warn("NothingWakes", "%v", refused)
		return v.refuse(autoscaler.Wrong), nil
	case refused != nil:
		v.Warn("InvalidObjectives", "%v", refused)
		return v.refuse(autoscaler.Wrong), nil
	}
	v.service.Policy = p.Policy(bounds, objective.Engine{})
	v.Then(explain.Keep, "ObjectivesAccepted", "%s is promised with %d to %d replicas of %s %s", p, bounds.Min, bounds.Max, v.service.Kind, v.service.Target)
	return true, nil
}

// room refuses more services than a namespace may have; who is in stays.
func (s *Services) room(_ context.Context, _ *kserve.ScaledObject, v *verdict) (bool, error) {
	if _, in := s.Stepped(v.service.NamespacedName); in || s.count(v.service.NamespacedName) < s.Most {
		v.Notices = append(v.Notices, *v.Done)
		return true, nil
	}
	v.Warn("TooManyObjectives", "namespace %s has %d services with objectives, as many as it may: raise --services-per-namespace of flyball scaler, or delete one", v.service.Namespace, s.Most)
	return v.refuse(autoscaler.Forbidden), nil
}

// beside warns of what lies between the number and the replicas.
func beside(so *kserve.ScaledObject, v *verdict) {
	up, down := rules(so)
	const field = "spec.advanced.horizontalPodAutoscalerConfig.behavior"
	if up == nil || up.Tolerance == nil || !up.Tolerance.IsZero() || down == nil || down.Tolerance == nil || !down.Tolerance.IsZero() {
		v.Warn("ToleranceMissing", "%s: the HPA lets a change be that is within its tolerance, 10%% where none is given: a raise is rounded up until it acts, and a scale-down waits; "+
			"set scaleUp.tolerance and scaleDown.tolerance to 0", field)
	}
	if up != nil && ptr.Deref(up.StabilizationWindowSeconds, 0) > 0 {
		v.Warn("ScaleUpDelayed", "%s.scaleUp.stabilizationWindowSeconds: for %d s no replica comes that is needed; set it to 0", field, *up.StabilizationWindowSeconds)
	}
}

func rules(so *kserve.ScaledObject) (up, down *autoscalingv2.HPAScalingRules) {
	if so.Spec.Advanced == nil || so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior == nil {
		return nil, nil
	}
	b := so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior
	return b.ScaleUp, b.ScaleDown
}

// tolerance is the HPA's on the way up: its own where the ScaledObject gives none.
func tolerance(so *kserve.ScaledObject) float64 {
	if up, _ := rules(so); up != nil && up.Tolerance != nil {
		return up.Tolerance.AsApproximateFloat64()
	}
	return hpa.Law{}.Defaults().Tolerance
}
