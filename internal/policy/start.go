package policy

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/policy/pod"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// start is what the manifests say of a replica's start, and of how many there are before
// anything scales.
func (p *maker) start() {
	if p.workload == nil {
		return
	}
	var d appsv1.Deployment
	if p.workload.Into(&d) != nil {
		return // reading it strictly says why
	}
	if n := d.Spec.MinReadySeconds; n > 0 {
		p.note("%s: spec.minReadySeconds is left out: rollouts wait for it, and neither traffic nor an autoscaler does", p.workload)
	}
	if p.kind == objective.StatefulSet && p.workload.Get("spec", "podManagementPolicy").Text() != string(appsv1.ParallelPodManagement) {
		p.note("%s: its replicas are taken to start side by side, as with spec.podManagementPolicy: Parallel; without it each waits for the one before", p.workload)
	}
	if n := d.Spec.Replicas; n != nil && *n > 0 {
		p.Replicas = int(*n)
	}
	if p.Replicas > p.Min && p.Replicas <= p.Max {
		p.note("%s: the run starts with its %d replicas; where something scales it, leave spec.replicas out: each kubectl apply sets it again", p.workload, p.Replicas)
	}
}

// image refuses an engine that is not simulated, and notes one that nobody here knows.
func (p *maker) image(at pod.Place, image string) error {
	switch v := vllm.VersionOf(image); {
	case v.Before(vllm.Oldest.Major, vllm.Oldest.Minor):
		return origin{Document: at.Document}.unsimulated(at.Path, fmt.Sprintf("take an image of vLLM %v or later", vllm.Oldest),
			"vLLM %v of image %s has another scheduler, which is not simulated", v, image)
	case v != vllm.Newest && v.Since(vllm.Newest.Major, vllm.Newest.Minor):
		p.note("%s: vLLM %v is simulated as %v, the newest that is known here", p.title(), v, vllm.Newest)
	}
	return nil
}

// model is the one that the service's storage has, where no argument tells: KServe puts it
// into a folder.
func (p *maker) model() {
	if p.service == nil || p.service.Spec.Predictor.Model == nil {
		return
	}
	if m := p.Engine.Model; m != "" && !strings.HasPrefix(m, "/mnt/") {
		return
	}
	scheme, name, _ := strings.Cut(p.service.Spec.Predictor.Model.StorageURI, "://")
	name, _, _ = strings.Cut(name, ":") // a revision
	if scheme == "hf" || vllm.Billions(name) > 0 {
		p.Engine.Model = strings.TrimSuffix(name, "/")
	}
}
