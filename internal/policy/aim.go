package policy

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// A target is a Deployment, or what else is scaled, and all that has to do with its scale.
type target struct {
	kind, namespace, name string
	isvc                  *manifest.Document
	workload              *manifest.Document   // a Deployment or a StatefulSet
	scalers               []*manifest.Document // InferenceAutoscalers last
	advice                []*manifest.Document // InferenceAutoscalers that change nothing
}

func (t *target) key() string { return t.namespace + "/" + t.name }

// title is what the user calls it.
func (t *target) title() string {
	if t.isvc != nil {
		return t.namespace + "/" + t.isvc.Name
	}
	return t.key()
}

// deployed is the target that a Deployment is.
func (m *manifests) deployed(d *manifest.Document, name string) *target {
	return m.target(objectKey{"Deployment", m.namespaceOf(d), name})
}

// target is the one of that key, made where there is none yet.
func (m *manifests) target(key objectKey) *target {
	if t, ok := m.byTarget[key]; ok {
		return t
	}
	t := &target{kind: key.kind, namespace: key.namespace, name: key.name}
	m.byTarget[key] = t
	m.targets = append(m.targets, t)
	return t
}

// aim sorts the objects by what they scale.
func (m *manifests) aim() error {
	var errs []error
	for _, d := range m.of("InferenceService") {
		m.deployed(d, kserve.PredictorName(d.Name)).isvc = d
	}
	for _, d := range m.objects {
		switch d.Kind {
		case objective.Deployment, objective.StatefulSet:
			m.target(objectKey{d.Kind, m.namespaceOf(d), d.Name}).workload = d
		case "ScaledObject", "HorizontalPodAutoscaler":
			errs = append(errs, m.aimed(d))
		}
	}
	for _, d := range m.of(autoscaler) {
		errs = append(errs, m.aimedAutoscaler(d))
	}
	return join(errs...)
}

// aimed puts an autoscaler to what it scales.
func (m *manifests) aimed(d *manifest.Document) error {
	ref, owner, err := m.scaled(d)
	if ref.Name == "" {
		return err
	}
	if owner = cmp.Or(owner, m.takenOver(d)); owner != nil {
		m.note("%s: left out: %s makes it", d, owner)
		return nil
	}
	t := m.target(objectKey{cmp.Or(ref.Kind, "Deployment"), m.namespaceOf(d), ref.Name})
	t.scalers = append(t.scalers, d)
	return err
}

// takenOver is the ScaledObject that made an HPA, by KEDA's name for it, or that takes it
// over, or the InferenceAutoscaler that made either.
func (m *manifests) takenOver(d *manifest.Document) *manifest.Document {
	for _, o := range m.of(autoscaler) {
		if m.namespaceOf(o) == m.namespaceOf(d) && makes(o, d) {
			return o
		}
	}
	if d.Kind != "HorizontalPodAutoscaler" {
		return nil
	}
	for _, o := range m.of("ScaledObject") {
		named := o.Get("spec", "advanced", "horizontalPodAutoscalerConfig", "name").Text()
		transfers := o.Get("metadata", "annotations", kserve.TransferAnnotation).Text() == "true" && named == d.Name
		if m.namespaceOf(o) == m.namespaceOf(d) && (d.Name == kserve.HPAName(o.Name) || transfers) {
			return o
		}
	}
	return nil
}

// scaled is what an autoscaler names as its target, refused if it is no Deployment, and the
// object among the manifests that made the autoscaler, as in what kubectl get prints.
func (m *manifests) scaled(d *manifest.Document) (ref kserve.ScaleTarget, owner *manifest.Document, err error) {
	var o struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     struct {
			ScaleTargetRef kserve.ScaleTarget `json:"scaleTargetRef"`
		} `json:"spec"`
	}
	at := origin{Document: d}
	if d.Into(&o) != nil {
		return ref, nil, at.refuse(WrongType, "spec.scaleTargetRef", "correct it", "it is none")
	}
	for _, r := range o.Metadata.OwnerReferences {
		if r.Kind == "ScaledObject" || r.Kind == "InferenceService" || r.Kind == autoscaler {
			owner = cmp.Or(owner, m.find(r.Kind, m.namespaceOf(d), r.Name))
		}
	}
	ref = o.Spec.ScaleTargetRef
	switch {
	case ref.Name == "":
		return ref, nil, at.refuse(Invalid, "spec.scaleTargetRef.name", "name the Deployment to scale", "it is missing")
	case ref.Kind == "" && d.Kind == "ScaledObject", ref.Kind == "Deployment":
		return ref, owner, nil
	case states(d):
		kept := objective.Workload{Kind: ref.Kind, Name: ref.Name}.Kept()
		return ref, owner, ofObjective(at, Invalid, "spec.scaleTargetRef.kind", kept)
	}
	return ref, owner, at.unsimulated("spec.scaleTargetRef.kind", "simulate a Deployment, or a law by name with --law", "%q is not simulated", ref.Kind)
}

// autoscalers are all objects that scale it, or say how they would.
func (t *target) autoscalers() []*manifest.Document { return slices.Concat(t.scalers, t.advice) }

func (t *target) called(name string) bool {
	names := []string{t.key(), t.name, t.title()}
	if t.isvc != nil {
		names = append(names, t.isvc.Name)
	}
	for _, s := range t.autoscalers() {
		names = append(names, s.Name, t.namespace+"/"+s.Name)
	}
	return slices.Contains(names, name)
}

// placed is an object and where it is written.
func placed(d *manifest.Document) string { return fmt.Sprintf("%s (%s:%d)", d, d.File, d.Line) }
