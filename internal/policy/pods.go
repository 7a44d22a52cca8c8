package policy

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/policy/pod"
)

// podOf finds the pod: in the workload, or in the service and its runtime.
func (p *maker) podOf() (pod.Pod, error) {
	switch {
	case p.workload != nil:
		spec, err := p.template()
		if spec == nil {
			return pod.Pod{}, err
		}
		out := pod.Pod{Source: p.workload, Spec: *spec, Whole: true, Root: "spec.template.spec"}
		for i, c := range out.Spec.Containers {
			out.Put(p.workload, fmt.Sprintf("%s.containers[%d]", out.Root, i), c)
		}
		return out, err
	case p.isvc != nil:
		return p.predictorPod()
	}
	p.note("%s %s is not given: GPUs, engine and grace period are those of the profile", p.kind, p.key())
	return pod.Pod{}, nil
}

// template is the pod of a Deployment or a StatefulSet.
func (p *maker) template() (*corev1.PodSpec, error) {
	if p.kind == objective.StatefulSet {
		d, err := decode[appsv1.StatefulSet](p.manifests, p.workload)
		if d == nil {
			return nil, err
		}
		return &d.Spec.Template.Spec, err
	}
	d, err := decode[appsv1.Deployment](p.manifests, p.workload)
	if d == nil {
		return nil, err
	}
	return &d.Spec.Template.Spec, err
}

// predictorPod joins a service with its runtime as KServe does
// (pkg/controller/v1beta1/inferenceservice/utils, MergeRuntimeContainers and
// MergePodSpec, KServe 0.19): both by strategic merge, but for the model's arguments,
// which come after the runtime's.
func (p *maker) predictorPod() (pod.Pod, error) {
	predictor := p.service.Spec.Predictor
	out := pod.Pod{Source: p.isvc, Whole: true, Root: "spec.predictor"}
	if predictor.Model == nil {
		out.Spec = *predictor.DeepCopy()
		pod.CustomDefaults(&out.Spec)
	} else if err := p.modelPod(&out); err != nil {
		return out, err
	}
	for i, c := range predictor.Containers {
		if predictor.Model == nil {
			c.Name = out.Spec.Containers[i].Name
		}
		out.Replace(c)
		out.Put(p.isvc, fmt.Sprintf("spec.predictor.containers[%d]", i), c)
	}
	for _, c := range out.Spec.Containers {
		for i, a := range c.Args {
			c.Args[i] = strings.ReplaceAll(a, "{{.Name}}", p.isvc.Name)
		}
	}
	return out, nil
}

// modelPod is that of a model and its runtime.
func (p *maker) modelPod(out *pod.Pod) error {
	predictor := p.service.Spec.Predictor
	base, err := p.runtimePod(out, predictor.Model)
	if err != nil {
		return err
	}
	out.Spec = base
	if err := out.AddModel(p.isvc, predictor.Model.Container); err != nil {
		return err
	}
	if err := pod.Merge(&out.Spec, predictor.PodSpec); err != nil {
		return fmt.Errorf("joining %s with its runtime: %w", p.isvc, err)
	}
	return nil
}

// runtimePod is that of the runtime that the model names, or of the only one that is
// chosen for its format.
func (p *maker) runtimePod(out *pod.Pod, m *kserve.Model) (corev1.PodSpec, error) {
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
		out.Whole = false
		p.note("%s: its serving runtime%s is not given: what it sets is as in the profile", p.isvc, strings.TrimRight(" "+m.Runtime, " "))
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
		out.Put(d, fmt.Sprintf("spec.containers[%d]", i), c)
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
