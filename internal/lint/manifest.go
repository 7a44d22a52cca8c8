package lint

import (
	"slices"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy"
)

// kinds are what rules look at, with the API group that makes the kind that one.
func kinds() map[string]string {
	return map[string]string{
		"InferenceAutoscaler":     v1alpha1.Kind.Group,
		"InferenceService":        kserve.Group,
		"LLMInferenceService":     kserve.Group,
		"ServingRuntime":          kserve.Group,
		"ClusterServingRuntime":   kserve.Group,
		"ScaledObject":            kserve.KEDAGroup,
		"TriggerAuthentication":   kserve.KEDAGroup,
		"HorizontalPodAutoscaler": "autoscaling",
		"Deployment":              "apps",
		"PrometheusRule":          "monitoring.coreos.com",
	}
}

// Known are the documents of kinds that a rule looks at.
func Known(docs []*manifest.Document) []*manifest.Document {
	return slices.DeleteFunc(slices.Clone(docs), func(d *manifest.Document) bool {
		group, ok := kinds()[d.Kind]
		return !ok || group != d.Group
	})
}

// manifests are all that is looked at together.
type manifests struct {
	Options
	objects  []*manifest.Document
	order    map[*manifest.Document]int // place among all that were read
	scalers  []*scaler
	services []policy.Service
	refused  policy.Refusals
}

func newManifests(docs []*manifest.Document, o Options) *manifests {
	m := &manifests{Options: o, objects: Known(docs), order: map[*manifest.Document]int{}}
	for i, d := range m.objects {
		m.order[d] = i
	}
	for _, d := range m.objects {
		m.scalers = append(m.scalers, m.scalersOf(d)...)
	}
	m.services, m.refused = policy.Check(m.objects, policy.Options{})
	m.refused = slices.Concat(m.admitted(m.refused), m.misstated())
	return m
}

func (m *manifests) of(kind string) []*manifest.Document {
	var all []*manifest.Document
	for _, o := range m.objects {
		if o.Kind == kind {
			all = append(all, o)
		}
	}
	return all
}

// find is the last object of the name: what an apply of all files leaves. An object
// without a namespace may be in any.
func (m *manifests) find(kind, namespace, name string) *manifest.Document {
	for _, o := range slices.Backward(m.objects) {
		if o.Kind == kind && o.Name == name && sameNamespace(o.Namespace, namespace) {
			return o
		}
	}
	return nil
}

func sameNamespace(a, b string) bool { return a == "" || b == "" || a == b }

// next is the next document that describes the same object, nil if o is the last.
func (m *manifests) next(o *manifest.Document) *manifest.Document {
	for _, other := range m.objects[m.order[o]+1:] {
		if other.Kind == o.Kind && other.Name == o.Name && other.Namespace == o.Namespace {
			return other
		}
	}
	return nil
}

// service is what the manifests together say of the workload of a scaler; false where it
// is none that they can say something of.
func (m *manifests) service(s *scaler) (policy.Service, bool) {
	if s.kind != "Deployment" {
		return policy.Service{}, false
	}
	i := slices.IndexFunc(m.services, func(p policy.Service) bool {
		return p.Deployment == s.name && sameNamespace(s.of.Namespace, p.Namespace)
	})
	if i < 0 {
		return policy.Service{}, false
	}
	return m.services[i], true
}

// inferenceServiceOf reads a document as far as it is one.
func inferenceServiceOf(d *manifest.Document) *kserve.InferenceService {
	s := &kserve.InferenceService{}
	if d == nil || d.Into(s) != nil {
		return &kserve.InferenceService{} // its refusal says why
	}
	return s
}
