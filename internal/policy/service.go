package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/drain"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/clock"
	"github.com/flyball-dev/flyball/internal/policy/kind"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/policy/pod"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Service is what manifests say of one service, for a simulation of it.
type Service struct {
	Name       string // namespace/name of the service, or of its Deployment
	Deployment string // its name; "" if it is something else
	By         string // what scales it, as "ScaledObject demo/llama-predictor, which Flyball makes"
	Policy     decide.Policy
	Min, Max   int
	Promise    objective.Promise // what the manifests state, whatever else scales it; nil: nothing
	PromisedBy string            // what states it, as "ScaledObject demo/plain"
	Gateway    bool              // Flyball's is in front, holds requests at zero, and wakes it
	Target     int               // requests that one replica is meant to have, as that gateway is told; 0 if unknown

	Pod         *pod.Pod // nil until it is read
	Engine      vllm.Args
	GPUs        int           // of one replica; 0 if the manifests do not say
	GPU         string        // which, as profiles call it; "" if the manifests do not say
	Nodes       string        // what its pods ask of a node's labels, "" if nothing
	Replicas    int           // before anything scales; 0 if the manifests do not say
	Probes      pod.Probes    // of the serving container
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

// manifests are the objects that are left after all documents are applied in order.
type manifests struct {
	options  Options
	schemas  *manifest.Schemas
	unnamed  string // the namespace of what names none
	objects  []*manifest.Document
	places   map[objectKey]int // in objects
	targets  []*target
	byTarget map[objectKey]*target
	draining map[string]string // by namespace, what its lossless.Label says
	notes    []string
}

// An objectKey tells objects apart.
type objectKey struct{ kind, namespace, name string }

func newManifests(docs []*manifest.Document, o Options) *manifests {
	return &manifests{
		options: o, schemas: manifest.NewSchemas(), unnamed: cmp.Or(manifest.Namespace(docs), "default"),
		places: map[objectKey]int{}, byTarget: map[objectKey]*target{}, draining: namespaceLabels(docs),
	}
}

// Options choose what is read.
type Options struct {
	Name   string   // of the service: its own, or namespace/name; "" where there is only one
	Ignore []string // arguments of vLLM that are taken not to be there
	// Begin is when the workload begins, since Monday 00:00 where cron triggers take their
	// time from; nil: not known.
	Begin  *time.Duration
	Target string // in place of the metric's, which Read writes into the documents; "": as it is
	// Objectives are kept in place of those that the manifests state; nil: those are.
	Objectives objective.Promise
}

func (m *manifests) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// Read reads the documents in their order, as kubectl apply takes them: a later document
// of the same object replaces the earlier. Of several services the options choose one.
//
// Whatever scales otherwise in a cluster than it would here is an error with file,
// line and field.
//
// Worked example (TestReadGuide): the guide's files in order leave the service of
// 07-service.yaml, between 1 and 8 replicas by the sum of the running requests.
func Read(docs []*manifest.Document, o Options) (Service, error) {
	m, err := open(docs, o)
	if err != nil {
		return Service{}, err
	}
	if err := m.aim(); err != nil {
		return Service{}, err
	}
	t, err := m.choose(o.Name)
	if err != nil {
		return Service{}, err
	}
	if o.Target != "" {
		if err := t.retarget(o.Target); err != nil {
			return Service{}, err
		}
	}
	return m.service(t)
}

// Check reads every service among the documents, and gives what is refused of any. Kinds
// that are not known here are left out.
func Check(docs []*manifest.Document, o Options) ([]Service, Refusals) {
	m := newManifests(docs, o)
	var all Refusals
	for _, d := range docs {
		if versions := kind.Versions(d.Group, d.Kind); versions != nil && d.Name != "" && checkVersion(d, versions) == nil {
			m.keep(d)
		}
	}
	for _, d := range m.objects {
		all = append(all, m.form(d)...)
	}
	all = append(all, All(m.aim())...)
	var services []Service
	for _, t := range m.targets {
		s, err := m.service(t)
		services = append(services, s)
		all = append(all, All(err)...)
	}
	return services, all
}

// service makes one of a target.
func (m *manifests) service(t *target) (Service, error) {
	p := &maker{manifests: m, target: t, Service: Service{Name: t.title(), Namespace: t.namespace, IsvcName: m.isvcName(t)}, cron: clock.Reader{Begin: m.options.Begin}}
	if t.kind == objective.Deployment {
		p.Deployment = t.name
	}
	err := join(p.build(), p.monitors())
	p.Notes, m.notes = m.notes, nil
	return p.Service, err
}

// custom tells whether a kind is a custom resource with a schema.
func custom(d *manifest.Document) bool {
	return d.Group == kserve.Group || d.Group == kserve.KEDAGroup || d.Group == v1alpha1.Kind.Group
}

// namespaceOf is where an object is put.
func (m *manifests) namespaceOf(d *manifest.Document) string {
	if strings.HasPrefix(d.Kind, "Cluster") {
		return ""
	}
	return cmp.Or(d.Namespace, m.unnamed)
}

// open keeps the last document of each object that may matter.
func open(docs []*manifest.Document, o Options) (*manifests, error) {
	m := newManifests(docs, o)
	for _, d := range docs {
		matters, err := m.matters(d)
		if err != nil {
			return nil, err
		}
		if matters {
			m.keep(d)
		}
	}
	return m, nil
}

// keep replaces an earlier document of the same object.
func (m *manifests) keep(d *manifest.Document) {
	key := objectKey{d.Kind, m.namespaceOf(d), d.Name} // of a kind only one group is kept
	if i, ok := m.places[key]; ok {
		before := m.objects[i]
		m.note("%s of %s:%d: replaced by the later one of %s:%d", d, before.File, before.Line, d.File, d.Line)
		m.objects[i] = d
		return
	}
	m.places[key] = len(m.objects)
	m.objects = append(m.objects, d)
}

// form is what the schema of a custom resource has against an object.
func (m *manifests) form(d *manifest.Document) Refusals {
	unknown, refused := m.schemas.Check(d)
	return formed(unknown, refused)
}

func formed(unknown, refused []*manifest.Fault) Refusals {
	var all Refusals
	for _, f := range unknown {
		all = append(all, &Refusal{Kind: UnknownField, Fault: *f})
	}
	for _, f := range refused {
		all = append(all, &Refusal{Kind: WrongType, Fault: *f})
	}
	return all
}

// decode reads a document strictly. What is not there at all cannot be read further.
func decode[T any](m *manifests, d *manifest.Document) (*T, error) {
	if !custom(d) {
		to, unknown, refused := manifest.Strict[T](d)
		return to, formed(unknown, refused).err()
	}
	to, all := new(T), m.form(d)
	if d.Into(to) != nil {
		return nil, all.err()
	}
	return to, all.err()
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
	if i, ok := m.places[objectKey{kind, namespace, name}]; ok {
		return m.objects[i]
	}
	return nil
}

// choose finds the service to simulate. A Deployment that nothing scales is one only
// where nothing else is.
func (m *manifests) choose(name string) (*target, error) {
	var candidates, bare, found []*target
	for _, t := range m.targets {
		if t.isvc != nil || len(t.autoscalers()) > 0 {
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
			"give an InferenceService, a ScaledObject, an InferenceAutoscaler, a HorizontalPodAutoscaler or a Deployment")
	case len(found) == 0:
		return nil, hint.With(fmt.Errorf("no service %q in the manifests", name), "one of %s", strings.Join(titles, ", "))
	case len(found) > 1:
		return nil, hint.With(fmt.Errorf("%d services in the manifests, and one is simulated at a time", len(found)),
			"choose one by --service: %s", strings.Join(titles, ", "))
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
		case len(t.autoscalers()) > 0:
			m.note("%s: of another %s, which has GPUs of its own here", t.autoscalers()[0], t.kind)
		default:
			m.note("%s: nothing scales it", t.workload)
		}
	}
}

// maker is one being made.
type maker struct {
	Service
	*manifests
	*target
	service *kserve.InferenceService
	cron    clock.Reader
}

// build finds out what scales the target, and what its pods are.
func (p *maker) build() error {
	var errs []error
	if p.isvc != nil {
		s, err := decode[kserve.InferenceService](p.manifests, p.isvc)
		if s == nil {
			return err
		}
		s.Namespace = p.namespace
		p.service, errs = s, append(errs, err)
	}
	found, err := p.podOf()
	p.lossless(&found)
	errs = append(errs, err, p.readPod(&found), p.scaling())
	p.start()
	return join(errs...)
}

// scaling finds out what scales the target.
func (p *maker) scaling() error {
	own := false // whether the service brings an autoscaler of its own
	var err error
	if p.isvc != nil {
		own, err = p.fromService()
	}
	alone := !own && len(p.scalers) == 0
	if alone && len(p.advice) == 0 && err == nil {
		return p.unscaled()
	}
	if own {
		err = join(err, p.beside(p.scalers, nil, cmp.Or(p.By, placed(p.isvc))))
	} else if len(p.scalers) > 0 {
		err = join(err, p.beside(p.scalers[1:], p.scalers[0], placed(p.scalers[0])))
	}
	errs := []error{err}
	for _, d := range p.scalers { // where there are several, the last is no worse than the first
		switch d.Kind {
		case "ScaledObject":
			errs = append(errs, p.fromScaledObject(d))
		case autoscaler:
			errs = append(errs, p.fromAutoscaler(d))
		default:
			errs = append(errs, p.fromHPA(d))
		}
	}
	return join(append(errs, p.advised(alone))...)
}

// beside refuses what scales the target besides the first, which is nil where it is the
// service's own.
func (p *maker) beside(all []*manifest.Document, first *manifest.Document, called string) error {
	var errs []error
	for _, d := range all {
		path := map[bool]string{false: "spec.scaleTargetRef", true: "spec.targetRef"}[d.Kind == autoscaler]
		if r := p.rival(d, first); r != nil {
			errs = append(errs, ofObjective(origin{Document: d}, Owner, path, r))
			continue
		}
		errs = append(errs, origin{Document: d}.refuse(Owner, path, "remove one of the two", "two autoscalers of one %s: %s, and this one", p.kind, called))
	}
	return join(errs...)
}

// static is a law that keeps a number.
func (p *maker) static(n int, by string) {
	p.By, p.Min, p.Max = by, n, n
	p.Policy.Law = reference.Static{N: n}
}

// unscaled is a workload that nothing scales.
func (p *maker) unscaled() error {
	n := 1
	if p.workload == nil {
		p.note("%s: its class is external and nothing scales it: it stays at the 1 replica of a new Deployment", p.isvc)
	} else {
		var d appsv1.Deployment
		if p.workload.Into(&d) == nil && d.Spec.Replicas != nil { // reading it strictly says why not
			n = int(*d.Spec.Replicas)
		}
	}
	if n < 0 {
		return origin{Document: p.workload}.refuse(Bounds, "spec.replicas", "set it to 0 or more", "%d is negative", n)
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
	case t.workload != nil:
		var d appsv1.Deployment
		if t.workload.Into(&d) != nil {
			return "" // reading it strictly says why
		}
		return d.Spec.Template.Labels[kserve.ServiceLabel]
	}
	name, ok := strings.CutSuffix(t.name, "-predictor")
	if !ok || t.kind != objective.Deployment {
		return ""
	}
	m.note("Deployment %s is not given: by its name it is that of InferenceService %s", t.key(), name)
	return name
}
