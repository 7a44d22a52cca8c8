package pod

import (
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Pod is what the manifests say of a replica's pod.
type Pod struct {
	Source *manifest.Document // where it is written; nil if the manifests say nothing
	Spec   corev1.PodSpec
	Root   string // the path of the spec in the source
	Whole  bool   // nothing that KServe would add is missing

	places map[string][]Place // of a container's command, args and image, by name/list
}

// A Place is a field of a document.
type Place struct {
	Document *manifest.Document
	Path     string
}

// Put notes where a container's words are written.
func (p *Pod) Put(d *manifest.Document, path string, c corev1.Container) {
	if p.places == nil {
		p.places = map[string][]Place{}
	}
	if c.Image != "" {
		p.places[c.Name+"/image"] = []Place{{d, path + ".image"}}
	}
	for list, words := range map[string][]string{"command": c.Command, "args": c.Args} {
		for i := range words {
			key := c.Name + "/" + list
			p.places[key] = append(p.places[key], Place{d, fmt.Sprintf("%s.%s[%d]", path, list, i)})
		}
	}
}

// Image is where a container's image is written.
func (p *Pod) Image(container string) Place { return p.At(container, vllm.Word{List: "image"}) }

// At is where a word of a container is written.
func (p *Pod) At(container string, w vllm.Word) Place {
	if all := p.places[container+"/"+w.List]; w.Index < len(all) {
		return all[w.Index]
	}
	return Place{p.Source, p.Root}
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
func (p *Pod) Place(w vllm.Word) Place {
	c, _, err := p.Serving()
	if err != nil || c == nil {
		return Place{p.Source, p.Root}
	}
	return p.At(c.Name, w)
}

// Replace forgets the places of lists that a container has anew.
func (p *Pod) Replace(c corev1.Container) {
	if len(c.Command) > 0 {
		delete(p.places, c.Name+"/command")
	}
	if len(c.Args) > 0 {
		delete(p.places, c.Name+"/args")
	}
}

// AddModel puts the model's container over the runtime's that serves, or adds it.
func (p *Pod) AddModel(d *manifest.Document, c corev1.Container) error {
	c.Name = vllm.ServingContainer
	i := slices.IndexFunc(p.Spec.Containers, func(of corev1.Container) bool { return of.Name == c.Name })
	if i < 0 {
		p.Spec.Containers = append(p.Spec.Containers, c)
		p.Put(d, "spec.predictor.model", c)
		return nil
	}
	base := &p.Spec.Containers[i]
	args := slices.Concat(base.Args, c.Args)
	if err := Merge(base, c); err != nil {
		return fmt.Errorf("joining %s with its runtime: %w", d, err)
	}
	base.Args = args
	if len(c.Command) > 0 {
		delete(p.places, c.Name+"/command")
	}
	p.Put(d, "spec.predictor.model", c)
	return nil
}

// Merge puts what is set in over onto base, as a strategic merge patch does.
func Merge[T any](base *T, over T) error {
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

// CustomDefaults are KServe's of a predictor without a model, as shipped.
func CustomDefaults(spec *corev1.PodSpec) {
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

// CPURequest is what one pod requests, in cores, and the container that requests none.
func (p *Pod) CPURequest() (cores float64, without string) {
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
