package lint

import (
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A pod is what the manifests say of a workload's pods, as far as they are given.
type pod struct {
	policy.Service
	known   bool
	spec    manifest.Field // where what it lacks is reported
	command vllm.Command   // of the serving container
	vllm    bool           // whether it runs vLLM for all that is seen
	hook    bool           // whether a preStop hook is set
}

// podOf finds the pods that a scaler scales.
func (m *manifests) podOf(s *scaler) pod {
	service, ok := m.service(s)
	if !ok || service.Pod == nil || service.Pod.Source == nil {
		return pod{spec: s.spec}
	}
	p := pod{Service: service, known: true, spec: service.Pod.Source.At(service.Pod.Root)}
	container, command, err := service.Pod.Serving()
	if err != nil || container == nil {
		return p
	}
	p.command = command
	p.hook = container.Lifecycle != nil && container.Lifecycle.PreStop != nil
	model := p.spec.Get("model")
	names := []string{model.Get("runtime").Text(), model.Get("modelFormat", "name").Text()}
	p.vllm = vllm.Runs(service.Pod.Spec.Containers) ||
		slices.ContainsFunc(names, func(name string) bool { return strings.Contains(strings.ToLower(name), "vllm") })
	return p
}

// grace is where the grace period is given.
func (p pod) grace() manifest.Field { return p.spec.Get("terminationGracePeriodSeconds") }

// places is how many of the cluster's GPUs a replica takes, 0 if the manifests do not say.
func (p pod) places() int {
	if p.Pod == nil {
		return 0
	}
	return vllm.GPUsOfPod(p.Pod.Spec.Containers).Places()
}

// complete tells whether all arguments of the engine are seen.
func (p pod) complete() bool {
	return p.known && p.vllm && p.Pod.Whole && (len(p.command.Arguments) > 0 || p.command.Positional != "")
}

// lets is how long requests in flight may go on once the pod is to end.
func (p pod) lets() time.Duration { return p.Drain.Bound }

// seats is vLLM's max_num_seqs for the pods of a scaler, 0 if nobody says.
func (m *manifests) seats(s *scaler) int {
	p := m.podOf(s)
	if n := p.Engine.MaxNumSeqs; n > 0 {
		return n
	}
	return m.MaxNumSeqs
}
