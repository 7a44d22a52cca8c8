package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/flyball-dev/flyball/internal/drain"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// A Service is what manifests say of one service, for a simulation of it.
type Service struct {
	Name       string // namespace/name of the service, or of its Deployment
	Deployment string // its name
	By         string // what scales it, as "ScaledObject demo/llama-predictor, which Flyball makes"
	// Law makes what scales it, ready for a run.
	Law      func(law.Facts) (law.Law, error)
	Queries  []string // the PromQL that it asks
	Min, Max int
	Wakes    bool // from zero, while a gateway holds requests
	Target   int  // requests that one replica is meant to have, as that gateway is told; 0 if unknown

	Engine      EngineArgs
	GPUs        int           // of one replica; 0 if the manifests do not say
	GracePeriod time.Duration // the pod's, 0 if the manifests do not say
	// Drain is how requests may end within it once the pod is told to end: the zero value
	// where they are cut at once, as vLLM does by default.
	Drain drain.Config

	// IsvcName and Namespace are the labels isvc_name and namespace that the scrape
	// adds to every series; IsvcName is "" where no such label would come to be.
	IsvcName, Namespace string
	Scrape              time.Duration // of the monitors given; 0 if none says
	Rules               []string      // the spec of each PrometheusRule, in YAML
	Notes               []string      // what was left out and why, and what was taken for granted
}

// A target is a Deployment, and all that has to do with its scale.
type target struct {
	namespace, name string // of the Deployment
	isvc            *manifest.Document
	deployment      *manifest.Document
	scalers         []*manifest.Document
}

func (t *target) key() string { return t.namespace + "/" + t.name }

// title is what the user calls it.
func (t *target) title() string {
	if t.isvc != nil {
		return t.isvc.Namespace + "/" + t.isvc.Name
	}
	return t.key()
}

// manifests are the objects that are left after all documents are applied in order.
type manifests struct {
	objects []*manifest.Document
	targets []*target
	notes   []string
}

func (m *manifests) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// Read reads the manifests in their order, as kubectl apply takes them: a later
// document of the same object replaces the earlier. Of several services the name
// chooses one: its own, or namespace/name; with "" there must be only one.
//
// Whatever scales otherwise in a cluster than it would here is an error with file,
// line and field.
//
// Worked example (TestReadGuide): the guide's files in order leave the service of
// 07-service.yaml, between 1 and 8 replicas by the sum of the running requests.
func Read(files []manifest.File, name string) (Service, error) {
	m := &manifests{}
	if err := m.read(files); err != nil {
		return Service{}, err
	}
	if err := m.aim(); err != nil {
		return Service{}, err
	}
	t, err := m.choose(name)
	if err != nil {
		return Service{}, err
	}
	p := &maker{manifests: m, target: t, Service: Service{Name: t.title(), Deployment: t.name, Namespace: t.namespace, IsvcName: m.isvcName(t)}}
	if err := p.build(); err != nil {
		return Service{}, err
	}
	if err := p.monitors(); err != nil {
		return Service{}, err
	}
	p.Notes = m.notes
	return p.Service, nil
}

// read keeps the last document of each object.
func (m *manifests) read(files []manifest.File) error {
	type key struct{ group, kind, namespace, name string }
	at := map[key]int{}
	for _, f := range files {
		some, err := manifest.Read(f)
		if err != nil {
			return err
		}
		for _, d := range some {
			matters, err := m.matters(d)
			if err != nil {
				return err
			}
			if !matters {
				continue
			}
			k := key{d.Group, d.Kind, d.Namespace, d.Name}
			if i, ok := at[k]; ok {
				m.note("%s of %s:%d: replaced by the later one of %s:%d", d, m.objects[i].File, m.objects[i].Line(""), d.File, d.Line(""))
				m.objects[i] = d
				continue
			}
			at[k] = len(m.objects)
			m.objects = append(m.objects, d)
		}
	}
	return nil
}

func (m *manifests) of(kind string) []*manifest.Document {
	var all []*manifest.Document
	for _, d := range m.objects {
		if d.Kind == kind {
			all = append(all, d)
		}
	}
	return all
}

func (m *manifests) find(kind, namespace, name string) *manifest.Document {
	for _, d := range m.of(kind) {
		if d.Name == name && d.Namespace == namespace {
			return d
		}
	}
	return nil
}

// target is the one of a Deployment, made where there is none yet.
func (m *manifests) target(namespace, name string) *target {
	for _, t := range m.targets {
		if t.namespace == namespace && t.name == name {
			return t
		}
	}
	t := &target{namespace: namespace, name: name}
	m.targets = append(m.targets, t)
	return t
}

// aim sorts the objects by the Deployment that they are about.
func (m *manifests) aim() error {
	for _, d := range m.of("InferenceService") {
		m.target(d.Namespace, kserve.PredictorName(d.Name)).isvc = d
	}
	for _, d := range m.objects {
		switch d.Kind {
		case "Deployment":
			m.target(d.Namespace, d.Name).deployment = d
		case "ScaledObject", "HorizontalPodAutoscaler":
			ref, owner, err := m.scaled(d)
			if err != nil {
				return err
			}
			if owner != nil {
				m.note("%s: left out: %s makes it", d, owner)
				continue
			}
			t := m.target(d.Namespace, ref)
			t.scalers = append(t.scalers, d)
		}
	}
	return nil
}

// scaled is the Deployment that an autoscaler names, and the object among the manifests
// that made the autoscaler, as in what kubectl get prints.
func (m *manifests) scaled(d *manifest.Document) (deployment string, owner *manifest.Document, err error) {
	var o struct {
		Metadata struct {
			OwnerReferences []struct{ Kind, Name string }
		}
		Spec struct{ ScaleTargetRef kserve.ScaleTarget }
	}
	if err := d.Into(&o); err != nil {
		return "", nil, err
	}
	for _, r := range o.Metadata.OwnerReferences {
		if r.Kind == "ScaledObject" || r.Kind == "InferenceService" {
			owner = cmp.Or(owner, m.find(r.Kind, d.Namespace, r.Name))
		}
	}
	ref := o.Spec.ScaleTargetRef
	switch {
	case ref.Name == "":
		return "", nil, d.Fault("spec.scaleTargetRef.name", "name the Deployment to scale", "it is missing")
	case ref.Kind == "" && d.Kind == "ScaledObject", ref.Kind == "Deployment":
		return ref.Name, owner, nil
	}
	return "", nil, d.Fault("spec.scaleTargetRef.kind", "simulate a Deployment, or a law by name with --law", "%q is not simulated", ref.Kind)
}

// choose finds the service to simulate. A Deployment that nothing scales is one only
// where nothing else is.
func (m *manifests) choose(name string) (*target, error) {
	var candidates, bare, found []*target
	for _, t := range m.targets {
		if t.isvc != nil || len(t.scalers) > 0 {
			candidates = append(candidates, t)
		} else {
			bare = append(bare, t)
		}
	}
	if len(candidates) == 0 || name != "" {
		candidates = slices.Concat(candidates, bare)
	}
	var titles []string
	for _, t := range candidates {
		titles = append(titles, t.title())
		if name == "" || t.called(name) {
			found = append(found, t)
		}
	}
	switch {
	case len(candidates) == 0:
		return nil, hint.With(errors.New("nothing in the manifests can be scaled"),
			"give an InferenceService, a ScaledObject, a HorizontalPodAutoscaler or a Deployment")
	case len(found) == 0:
		return nil, hint.With(fmt.Errorf("no service %q in the manifests", name), "one of %s", strings.Join(titles, ", "))
	case len(found) > 1:
		return nil, hint.With(fmt.Errorf("%d services in the manifests, and one is simulated at a time", len(found)),
			"choose one of %s", strings.Join(titles, ", "))
	}
	m.others(found[0])
	return found[0], nil
}

func (m *manifests) others(chosen *target) {
	for _, t := range m.targets {
		switch {
		case t == chosen:
		case t.isvc != nil:
			m.note("%s: another service, which has GPUs of its own here", t.isvc)
		case len(t.scalers) > 0:
			m.note("%s: of another Deployment, which has GPUs of its own here", t.scalers[0])
		default:
			m.note("%s: nothing scales it", t.deployment)
		}
	}
}

func (t *target) called(name string) bool {
	names := []string{t.key(), t.name, t.title()}
	if t.isvc != nil {
		names = append(names, t.isvc.Name)
	}
	for _, s := range t.scalers {
		names = append(names, s.Name, s.Namespace+"/"+s.Name)
	}
	return slices.Contains(names, name)
}

// maker is one being made.
type maker struct {
	Service
	*manifests
	*target
}

// build finds out what scales the target, and what its pods are.
func (p *maker) build() error {
	pods, err := p.pods()
	if err != nil {
		return err
	}
	if err := p.readPods(pods); err != nil {
		return err
	}
	own := false // whether the service brings an autoscaler of its own
	if p.isvc != nil {
		if own, err = p.fromService(pods); err != nil {
			return err
		}
	}
	switch {
	case own && len(p.scalers) > 0:
		s := p.scalers[0]
		return s.Fault("spec.scaleTargetRef", "remove one of the two", "two autoscalers of one Deployment: %s, and this one", p.By)
	case len(p.scalers) > 1:
		return p.scalers[1].Fault("spec.scaleTargetRef", "remove one of the two", "two autoscalers of one Deployment: %s, and this one", p.scalers[0])
	case own:
		return nil
	case len(p.scalers) == 0:
		return p.unscaled()
	case p.scalers[0].Kind == "ScaledObject":
		return p.fromScaledObject(p.scalers[0], pods)
	}
	return p.fromHPA(p.scalers[0], pods)
}

// static is a law that keeps a number.
func (p *maker) static(n int, by string) {
	p.By, p.Min, p.Max = by, n, n
	p.Law = func(law.Facts) (law.Law, error) { return law.Static{N: n}, nil }
}

// unscaled is a Deployment that nothing scales.
func (p *maker) unscaled() error {
	n := 1
	switch {
	case p.deployment != nil:
		d, err := manifest.Decode[appsv1.Deployment](p.deployment)
		if err != nil {
			return err
		}
		if d.Spec.Replicas != nil {
			n = int(*d.Spec.Replicas)
		}
		if n < 0 {
			return p.deployment.Fault("spec.replicas", "set it to 0 or more", "%d is negative", n)
		}
	case p.isvc != nil:
		p.note("%s: its class is external and nothing scales it: it stays at the 1 replica of a new Deployment", p.isvc)
	}
	p.static(n, "nothing")
	return nil
}

// isvcName is the service's name where the pods have its label, which a scrape makes
// isvc_name of.
func (m *manifests) isvcName(t *target) string {
	switch {
	case t.isvc != nil:
		return t.isvc.Name
	case t.deployment != nil:
		var d appsv1.Deployment
		if t.deployment.Into(&d) != nil {
			return "" // reading it strictly says why
		}
		return d.Spec.Template.Labels[kserve.ServiceLabel]
	}
	name, ok := strings.CutSuffix(t.name, "-predictor")
	if !ok {
		return ""
	}
	m.note("Deployment %s is not given: by its name it is that of InferenceService %s", t.key(), name)
	return name
}
