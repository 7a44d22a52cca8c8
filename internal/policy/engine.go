package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/drain"
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
	err = join(p.gpus(of), p.engine(of, serving.Name, command), p.parallel(of, serving.Name, command))
	p.drain(serving)
	return err
}

// gpus are those of one replica.
func (p *maker) gpus(of *pod.Pod) error {
	g := vllm.GPUsOfPod(of.Spec.Containers)
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
			f.Fix += " --ignore-argument " + f.Unknown + " goes on without it"
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

func (p *maker) ignored(argument string) bool {
	return slices.ContainsFunc(p.options.Ignore, func(name string) bool {
		return strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-") == argument
	})
}

// parallel compares the GPUs of a replica with what the engine uses.
func (p *maker) parallel(of *pod.Pod, container string, command vllm.Command) error {
	n := p.Engine.TensorParallelSize
	if a, ok := command.Last("tensor-parallel-size"); ok && n > 0 && p.GPUs > 0 && n != p.GPUs {
		f := vllm.Fault{Word: a.Word, What: fmt.Sprintf("--tensor-parallel-size is %d, and a replica has %d GPUs", n, p.GPUs), Fix: "set both to the same number"}
		kind := Unsimulated
		if n > p.GPUs {
			kind = Arguments // vLLM does not start
		}
		return Refusals{ofArgument(kind, of.At(container, a.Word), f)}.err()
	}
	if n == 0 && p.GPUs > 1 {
		p.note("%s: its replicas have %d GPUs each, and no --tensor-parallel-size says that the engine uses them", p.title(), p.GPUs)
	}
	return nil
}

// drain is how long requests may go on once the pod is told to end: while the preStop
// hook waits, and as long as vLLM then is told to.
func (p *maker) drain(c *corev1.Container) {
	if p.Engine.ShutdownTimeout != nil {
		p.Drain.Bound = *p.Engine.ShutdownTimeout
	}
	if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
		hook := p.hook(c.Lifecycle.PreStop)
		p.Drain = drain.Config{Settle: hook.Settle, Quiet: hook.Quiet, Bound: hook.Bound + p.Drain.Bound}
	}
	p.Drain.Bound = min(p.Drain.Bound, p.GracePeriod)
	p.Drain.Settle = min(p.Drain.Settle, p.Drain.Bound)
	p.Drain.Quiet = min(p.Drain.Quiet, p.Drain.Bound-p.Drain.Settle)
}

// hook is what a preStop hook waits for: one that sleeps waits as long whatever is in
// flight, Flyball's own as its words say (internal/kube, drain.sh).
func (p *maker) hook(h *corev1.LifecycleHandler) drain.Config {
	if h.Sleep != nil {
		return sleeping(h.Sleep.Seconds)
	}
	if h.Exec != nil {
		if own, ok := ownHook(h.Exec.Command); ok {
			return own
		}
		if seconds, ok := sleeps(strings.Join(h.Exec.Command, " ")); ok {
			return sleeping(seconds)
		}
	}
	p.note("%s: its preStop hook is taken to wait until every request has ended, or the grace period", p.title())
	return drain.Config{Bound: p.GracePeriod}
}

// sleeps is how long a script only sleeps: one with a loop, or that asks the server,
// waits for something.
func sleeps(script string) (seconds int64, ok bool) {
	if regexp.MustCompile(`\b(while|until|for|wait|curl|wget)\b`).MatchString(script) {
		return 0, false
	}
	for _, m := range regexp.MustCompile(`\bsleep\s+(\d{1,6})s?\b`).FindAllStringSubmatch(script, -1) {
		if n, err := strconv.ParseInt(m[1], 10, 32); err == nil {
			seconds, ok = seconds+n, true
		}
	}
	return seconds, ok
}

// ownHook is Flyball's: bash -c SCRIPT drain ADDRESS SETTLE BOUND. It looks three times, a
// second apart, whether the engine is idle.
func ownHook(command []string) (drain.Config, bool) {
	if len(command) != 7 || command[3] != "drain" {
		return drain.Config{}, false
	}
	settle, errSettle := strconv.ParseInt(command[5], 10, 32)
	bound, errBound := strconv.ParseInt(command[6], 10, 32)
	c := drain.Config{Settle: sleeping(settle).Settle, Quiet: 2 * time.Second, Bound: sleeping(bound).Bound}
	return c, errors.Join(errSettle, errBound, c.Validate()) == nil
}

func sleeping(seconds int64) drain.Config {
	d := time.Duration(max(0, seconds)) * time.Second
	return drain.Config{Settle: d, Bound: d}
}
