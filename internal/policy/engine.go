package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/lossless"
	"github.com/flyball-dev/flyball/internal/policy/pod"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// readPod takes from the pod what the engine and the fleet need.
func (p *maker) readPod(of *pod.Pod) error {
	p.Pod = of
	if of.Source == nil {
		return nil
	}
	p.GracePeriod = 30 * time.Second
	if s := of.Spec.TerminationGracePeriodSeconds; s != nil {
		p.GracePeriod = time.Duration(max(0, *s)) * time.Second
	}
	serving, command, err := of.Serving()
	switch {
	case err != nil:
		return origin{Document: of.Source}.refuse(Invalid, of.Root+".containers",
			"call it "+vllm.ServingContainer+", or let it alone have GPUs", "%v", err)
	case serving == nil:
		return nil
	}
	err = join(p.gpus(of), p.engine(of, serving.Name, command), p.image(of.Image(serving.Name), serving.Image), p.parallel(of, serving.Name, command))
	p.model()
	p.version(serving.Image)
	p.GPU, p.Nodes = vllm.Accelerator(&of.Spec)
	p.Probes = pod.ProbesOf(serving)
	p.drain(serving)
	return err
}

// gpus are those of one replica.
func (p *maker) gpus(of *pod.Pod) error {
	g := vllm.GPUsOfPod(of.Spec.Containers)
	if len(of.Spec.ResourceClaims) > 0 {
		p.note("%s: what its resource claims ask for is not read: a replica is taken to have as many whole GPUs as its engine uses", p.title())
	}
	if p.GPUs = g.Whole; len(g.Shares) == 0 {
		return nil
	}
	return origin{Document: of.Source}.unsimulated("", "simulate a whole GPU", "a share of a GPU, %s, is not simulated", g.Shares[0])
}

// engine reads the arguments, and refuses those with which vLLM does not start, and those
// that make another engine of it than the one that is simulated.
func (p *maker) engine(of *pod.Pod, container string, command vllm.Command) error {
	if command.Program == vllm.Other {
		p.note("%s: container %s runs no vLLM that is known here: the engine is taken to be the profile's", p.title(), container)
		return nil
	}
	var faults []vllm.Fault
	p.Engine, faults = command.Args()
	var all Refusals
	for _, f := range slices.Concat(command.Faults, faults) {
		kind := Arguments
		if f.Unknown != "" {
			if kind = UnknownArgument; command.Program == vllm.Unknown || p.ignored(f.Unknown) {
				continue
			}
			f.Fix = strings.TrimSuffix(f.Fix, "?") + "; --ignore-argument " + f.Unknown + " goes on without it"
		}
		all = append(all, ofArgument(kind, of.At(container, f.Word), f))
	}
	for _, a := range command.Arguments {
		if a.Use == vllm.Refused && !a.Neutral() && !p.ignored(a.Name) {
			all = append(all, ofArgument(Unsimulated, of.At(container, a.Word), vllm.Fault{
				What: fmt.Sprintf("%s is not simulated: %s", a.Form(), a.Why), Unknown: a.Name,
				Fix: a.Remedy() + ", or go on as if it were not there: --ignore-argument " + a.Name,
			}))
		}
	}
	return all.err()
}

// version takes from the image what the engine's version decides: vLLM chooses steps ahead
// by default from 0.14 on (vllm/v1/engine/core.py, step_with_batch_queue).
func (p *maker) version(image string) {
	if v := vllm.VersionOf(image); p.Engine.AsyncScheduling == nil && v.Before(0, 14) {
		p.Engine.AsyncScheduling = new(false)
		p.note("%s: vLLM %v does not choose a step while the one before runs: its steps are simulated as docs/profiles.md says", p.title(), v)
	}
}

func (p *maker) ignored(argument string) bool {
	return slices.ContainsFunc(p.options.Ignore, func(name string) bool {
		return strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-") == argument
	})
}

// parallel compares the GPUs of a replica with what the engine uses: one, where no argument
// says otherwise. Of a server that is not known all are taken to be used.
func (p *maker) parallel(of *pod.Pod, container string, command vllm.Command) error {
	given, ok := command.Last(vllm.OptionTensorParallelSize)
	n := p.Engine.TensorParallelSize
	switch {
	case ok && n == 0, max(1, n) == p.GPUs: // a variable, or a fault
		return nil
	case p.GPUs == 0:
		if of.Whole && len(of.Spec.ResourceClaims) == 0 {
			p.note("%s: its pods ask for no whole GPU: each is taken to have as many as its engine uses, %d", p.title(), max(1, n))
		}
		return nil
	case n == 0 && command.Program != vllm.Server && command.Program != vllm.HuggingFace:
		p.Engine.TensorParallelSize = p.GPUs
		p.note("%s: its replicas have %d GPUs each, and the engine is taken to use them all", p.title(), p.GPUs)
		return nil
	}
	f := vllm.Fault{Word: given.Word, What: fmt.Sprintf("--tensor-parallel-size is %d, and a replica has %d GPUs", max(1, n), p.GPUs), Fix: "set both to the same number"}
	if !ok {
		f.What = fmt.Sprintf("a replica has %d GPUs, and without --tensor-parallel-size vLLM uses one of them", p.GPUs)
		f.Fix = fmt.Sprintf("add --tensor-parallel-size=%d, or ask for one GPU", p.GPUs)
	}
	kind := Unsimulated
	if n > p.GPUs {
		kind = Arguments // vLLM does not start
	}
	return Refusals{ofArgument(kind, of.At(container, f.Word), f)}.err()
}

// drain is how requests may end once the pod is told to.
func (p *maker) drain(c *corev1.Container) {
	timeout := time.Duration(0)
	if t := p.Engine.ShutdownTimeout; t != nil {
		timeout = *t
	}
	way, known := lossless.Way(c.Lifecycle, timeout, p.GracePeriod)
	if p.Drain = way; !known {
		p.note("%s: its preStop hook is taken to wait until every request has ended, or the grace period", p.title())
	}
}
