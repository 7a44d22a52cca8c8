package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Pod is what the manifests say of a replica's pod.
type Pod struct {
	Source *manifest.Document // where it is written; nil if the manifests say nothing
	Spec   corev1.PodSpec
	Whole  bool // nothing that KServe would add is missing

	root   string             // the path of the spec in the source
	places map[string][]place // of a container's command and args, by name/list
}

// A place is a field of a document.
type place struct {
	document *manifest.Document
	path     string
}

// put notes where a container's words are written.
func (p *Pod) put(d *manifest.Document, path string, c corev1.Container) {
	if p.places == nil {
		p.places = map[string][]place{}
	}
	for list, words := range map[string][]string{"command": c.Command, "args": c.Args} {
		for i := range words {
			key := c.Name + "/" + list
			p.places[key] = append(p.places[key], place{d, fmt.Sprintf("%s.%s[%d]", path, list, i)})
		}
	}
}

// at is where a word of a container is written.
func (p *Pod) at(container string, w vllm.Word) place {
	if all := p.places[container+"/"+w.List]; w.Index < len(all) {
		return all[w.Index]
	}
	return place{p.Source, p.root}
}

// Serving is the container that serves, and its command line; nil if none is known.
func (p *Pod) Serving() (*corev1.Container, vllm.Command, error) {
	if len(p.Spec.Containers) == 0 {
		return nil, vllm.Command{}, nil
	}
	i, err := vllm.Serving(p.Spec.Containers)
	if err != nil {
		return nil, vllm.Command{}, err
	}
	c := &p.Spec.Containers[i]
	return c, vllm.CommandOf(c), nil
}

// Place is where a word of the serving container is written.
func (p *Pod) Place(w vllm.Word) (*manifest.Document, string) {
	c, _, err := p.Serving()
	if err != nil || c == nil {
		return p.Source, p.root
	}
	at := p.at(c.Name, w)
	return at.document, at.path
}

// Root is where the pod is written.
func (p *Pod) Root() string { return p.root }

// pod finds it: in the Deployment, or in the service and its runtime.
func (p *maker) pod() (Pod, error) {
	switch {
	case p.deployment != nil:
		d, err := decode[appsv1.Deployment](p.manifests, p.deployment)
		if d == nil {
			return Pod{}, err
		}
		pod := Pod{Source: p.deployment, Spec: d.Spec.Template.Spec, Whole: true, root: "spec.template.spec"}
		for i, c := range pod.Spec.Containers {
			pod.put(p.deployment, fmt.Sprintf("%s.containers[%d]", pod.root, i), c)
		}
		return pod, err
	case p.isvc != nil:
		return p.predictorPod()
	}
	p.note("Deployment %s is not given: GPUs, engine and grace period are those of the profile", p.key())
	return Pod{}, nil
}

// predictorPod joins a service with its runtime as KServe does
// (pkg/controller/v1beta1/inferenceservice/utils, MergeRuntimeContainers and
// MergePodSpec, KServe 0.19): both by strategic merge, but for the model's arguments,
// which come after the runtime's.
func (p *maker) predictorPod() (Pod, error) {
	predictor := p.service.Spec.Predictor
	pod := Pod{Source: p.isvc, Whole: true, root: "spec.predictor"}
	if predictor.Model == nil {
		pod.Spec = *predictor.DeepCopy()
		customDefaults(&pod.Spec)
	} else if err := p.modelPod(&pod); err != nil {
		return pod, err
	}
	for i, c := range predictor.Containers {
		if predictor.Model == nil {
			c.Name = pod.Spec.Containers[i].Name
		}
		pod.replace(c)
		pod.put(p.isvc, fmt.Sprintf("spec.predictor.containers[%d]", i), c)
	}
	for _, c := range pod.Spec.Containers {
		for i, a := range c.Args {
			c.Args[i] = strings.ReplaceAll(a, "{{.Name}}", p.isvc.Name)
		}
	}
	return pod, nil
}

// modelPod is that of a model and its runtime.
func (p *maker) modelPod(pod *Pod) error {
	predictor := p.service.Spec.Predictor
	base, err := p.runtimePod(pod, predictor.Model)
	if err != nil {
		return err
	}
	pod.Spec = base
	if err := pod.addModel(p.isvc, predictor.Model.Container); err != nil {
		return err
	}
	if err := merge(&pod.Spec, predictor.PodSpec); err != nil {
		return fmt.Errorf("joining %s with its runtime: %w", p.isvc, err)
	}
	return nil
}

// replace forgets the places of lists that a container has anew.
func (p *Pod) replace(c corev1.Container) {
	if len(c.Command) > 0 {
		delete(p.places, c.Name+"/command")
	}
	if len(c.Args) > 0 {
		delete(p.places, c.Name+"/args")
	}
}

// addModel puts the model's container over the runtime's that serves, or adds it.
func (p *Pod) addModel(d *manifest.Document, c corev1.Container) error {
	c.Name = vllm.ServingContainer
	i := slices.IndexFunc(p.Spec.Containers, func(of corev1.Container) bool { return of.Name == c.Name })
	if i < 0 {
		p.Spec.Containers = append(p.Spec.Containers, c)
		p.put(d, "spec.predictor.model", c)
		return nil
	}
	base := &p.Spec.Containers[i]
	args := slices.Concat(base.Args, c.Args)
	if err := merge(base, c); err != nil {
		return fmt.Errorf("joining %s with its runtime: %w", d, err)
	}
	base.Args = args
	if len(c.Command) > 0 {
		delete(p.places, c.Name+"/command")
	}
	p.put(d, "spec.predictor.model", c)
	return nil
}

// merge puts what is set in over onto base, as a strategic merge patch does.
func merge[T any](base *T, over T) error {
	was, err := json.Marshal(base)
	if err != nil {
		return err
	}
	patch, err := json.Marshal(over)
	if err != nil {
		return err
	}
	joined, err := strategicpatch.StrategicMergePatch(was, withoutNull(patch), base)
	if err != nil {
		return err
	}
	var result T
	if err := json.Unmarshal(joined, &result); err != nil {
		return err
	}
	*base = result
	return nil
}

// withoutNull drops what encoding/json writes of a list that is not set: in a patch null
// deletes.
func withoutNull(patch []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(patch, &fields) != nil {
		return patch
	}
	for name, value := range fields {
		if string(value) == "null" {
			delete(fields, name)
		}
	}
	kept, err := json.Marshal(fields)
	if err != nil {
		return patch
	}
	return kept
}

// customDefaults are KServe's of a predictor without a model, as shipped.
func customDefaults(spec *corev1.PodSpec) {
	if len(spec.Containers) == 0 {
		return
	}
	first := &spec.Containers[0]
	if len(spec.Containers) == 1 || first.Name == "" {
		first.Name = vllm.ServingContainer
	}
	if _, ok := cpuOf(*first); !ok {
		if first.Resources.Requests == nil {
			first.Resources.Requests = corev1.ResourceList{}
		}
		first.Resources.Requests[corev1.ResourceCPU] = resource.MustParse("1")
	}
}

// runtimePod is that of the runtime that the model names, or of the only one that is
// chosen for its format.
func (p *maker) runtimePod(pod *Pod, m *kserve.Model) (corev1.PodSpec, error) {
	d := p.find("ServingRuntime", p.namespace, m.Runtime)
	if d == nil {
		d = p.find("ClusterServingRuntime", "", m.Runtime)
	}
	if m.Runtime == "" {
		d = nil
		if fit := p.runtimesFor(m.ModelFormat.Name); len(fit) == 1 {
			d = fit[0]
		}
	}
	if d == nil {
		pod.Whole = false
		p.note("%s: its serving runtime %q is not given: what it sets is as in the profile", p.isvc, m.Runtime)
		return corev1.PodSpec{}, nil
	}
	r, err := decode[kserve.ServingRuntime](p.manifests, d)
	if err != nil {
		return corev1.PodSpec{}, err
	}
	o := origin{Document: d}
	switch {
	case len(r.Spec.WorkerSpec) > 0:
		return corev1.PodSpec{}, o.unsimulated("spec.workerSpec", "simulate a runtime of one node", "a replica of several nodes is not simulated")
	case r.Spec.Disabled:
		return corev1.PodSpec{}, o.refuse(Invalid, "spec.disabled", "name another runtime", "%s names a runtime that is disabled", p.isvc)
	}
	for i, c := range r.Spec.Containers {
		pod.put(d, fmt.Sprintf("spec.containers[%d]", i), c)
	}
	return corev1.PodSpec{Containers: r.Spec.Containers, NodeSelector: r.Spec.NodeSelector}, nil
}

func (p *maker) runtimesFor(format string) []*manifest.Document {
	var fit []*manifest.Document
	for _, d := range append(p.of("ServingRuntime"), p.of("ClusterServingRuntime")...) {
		var r kserve.ServingRuntime
		if d.Kind == "ServingRuntime" && p.namespaceOf(d) != p.namespace || d.Into(&r) != nil {
			continue
		}
		for _, f := range r.Spec.SupportedModelFormats {
			if f.AutoSelect && strings.EqualFold(f.Name, format) {
				fit = append(fit, d)
				break
			}
		}
	}
	return fit
}

// cpuRequest is what one pod requests, in cores, and the container that requests none.
func (p *Pod) cpuRequest() (cores float64, without string) {
	for _, c := range p.Spec.Containers {
		n, ok := cpuOf(c)
		if !ok {
			return 0, c.Name
		}
		cores += n
	}
	return cores, ""
}

// cpuOf is a container's request; a limit alone is the request too.
func cpuOf(c corev1.Container) (float64, bool) {
	for _, list := range []corev1.ResourceList{c.Resources.Requests, c.Resources.Limits} {
		if q, ok := list[corev1.ResourceCPU]; ok {
			return q.AsApproximateFloat64(), q.Sign() > 0
		}
	}
	return 0, false
}
