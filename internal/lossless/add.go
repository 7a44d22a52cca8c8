package lossless

import (
	_ "embed" // the hook's script
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/vllm"
)

// Label with the value "enabled", on an InferenceService or on a namespace, asks
// for pods that end without loss; "disabled" on a service exempts it from its
// namespace's. KServe copies the labels of a service to its pods.
const Label = "flyball.dev/drain"

// The way out of a pod, in seconds. Together they fit the grace period, which is
// counted from the deletion on:
//
//	settle … all of the hook (hookBound) … SIGTERM … shutdownTime … spare … SIGKILL
const (
	settleTime   = 15  // for routers to notice; what KServe gives LLMInferenceServices
	hookLeast    = 20  // a hook that ends before has no time for what is in flight
	hookBound    = 260 // where the grace period is free
	shutdownTime = 30  // for what came late, and for the last bytes
	spareTime    = 10  // for vLLM to end its processes: the kubelet kills them at the grace period's end
	leastGrace   = 45  // one that is shorter has no room for all of these
)

// Script waits in the pod as internal/drain does in a simulation.
//
//go:embed drain.sh
var Script string

// An Addition is what Add has put into a pod.
type Addition string

// What a pod needs in order to end without loss.
const (
	addedTimeout Addition = "--" + vllm.OptionShutdownTimeout // vLLM's time after SIGTERM
	addedHook    Addition = "preStop"
	addedGrace   Addition = "terminationGracePeriodSeconds"
)

// Add adds what the vLLM container of a pod lacks in order to end without loss,
// and never changes what is there: only a grace period of 30 s, which KServe writes
// where a service names none, counts as not set. The refusal says what is left out.
// It finds nothing to do in what it has done.
//
// Worked example (TestLosslessGuide): the guide's pod gets --shutdown-timeout=30, a
// hook of 260 s at most, 15 s of which are for routers, and 260 + 30 + 10 = 300 s of
// grace. With 60 s of grace from the user: a timeout of (60 - 10 - 15)/2 = 17 s and
// 60 - 10 - 17 = 33 s for the hook.
func Add(p *corev1.PodSpec) (added []Addition, refusal string) {
	serving, err := vllm.Serving(p.Containers)
	if err != nil {
		return nil, err.Error()
	}
	c := &p.Containers[serving]
	command := vllm.CommandOf(c)
	args, _ := command.Args() // what is wrong with the rest vLLM says itself
	if why := undrainable(c, command, args); why != "" {
		return nil, why
	}
	grace, free := gracePeriod(p)
	if grace < leastGrace {
		return nil, fmt.Sprintf("its grace period of %d s is shorter than %d s", grace, leastGrace)
	}
	timeout, added, refusal := addTimeout(c, command, args, grace)
	hook := grace - spareTime - timeout
	if free {
		hook, grace = hookBound, hookBound+timeout+spareTime
	}
	switch {
	case c.Lifecycle != nil && c.Lifecycle.PreStop != nil:
	case hook < hookLeast:
		refusal = fmt.Sprintf("its grace period of %d s leaves %d s before SIGTERM beside its %s of %d s", grace, hook, addedTimeout, timeout)
	default:
		c.Lifecycle = withHook(c, address(command, args), hook)
		added = append(added, addedHook)
	}
	if free {
		p.TerminationGracePeriodSeconds = &grace
		added = append(added, addedGrace)
	}
	return added, refusal
}

// addTimeout gives vLLM time after SIGTERM, where the arguments do not.
func addTimeout(c *corev1.Container, command vllm.Command, args vllm.Args, grace int64) (timeout int64, added []Addition, refusal string) {
	if args.ShutdownTimeout != nil {
		timeout = int64(args.ShutdownTimeout.Seconds())
	}
	if _, own := command.Last(vllm.OptionShutdownTimeout); own {
		return timeout, nil, ""
	}
	if refusal = noTimeout(c); refusal != "" {
		return timeout, nil, refusal
	}
	timeout = min(shutdownTime, (grace-spareTime-settleTime)/2)
	c.Args = append(slices.Clone(c.Args), fmt.Sprintf("%s=%d", addedTimeout, timeout))
	return timeout, []Addition{addedTimeout}, ""
}

// gracePeriod is what the pod has, or may have where no one has chosen it.
func gracePeriod(p *corev1.PodSpec) (seconds int64, free bool) {
	given := p.TerminationGracePeriodSeconds
	if given == nil || *given == corev1.DefaultTerminationGracePeriodSeconds {
		return hookBound + shutdownTime + spareTime, true
	}
	return *given, false
}

// undrainable is a container whose gauges the hook could not read.
func undrainable(c *corev1.Container, command vllm.Command, a vllm.Args) string {
	switch {
	case command.Program != vllm.Server || len(c.Command) == 0 && len(c.Args) == 0:
		return "the arguments of container " + c.Name + " do not show vLLM"
	case a.TLS:
		return "it serves TLS, through which the hook cannot read its gauges"
	case a.UDS != "":
		return "it serves on a Unix socket, where the hook cannot read its gauges"
	case a.NoStats:
		return "--disable-log-stats takes away the gauges that the hook reads"
	case address(command, a) == "":
		return fmt.Sprintf("its --host %q and --port %q are no address and number for the hook", a.Host, command.Value("port"))
	}
	return ""
}

// noTimeout says why --shutdown-timeout must not be added: a server older than 0.18 does
// not know it and would not start at all.
func noTimeout(c *corev1.Container) string {
	for _, w := range slices.Concat(c.Command, c.Args) {
		switch path.Base(w) {
		case "sh", "bash", "dash", "ash", "--":
			return fmt.Sprintf("no %s: its arguments are a script's", addedTimeout)
		}
	}
	if !vllm.VersionOf(c.Image).Since(0, 18) {
		return fmt.Sprintf("no %s: its image %s is not known to be vLLM 0.18 or later", addedTimeout, c.Image)
	}
	return ""
}

// address is where the hook finds the server; empty if the arguments do not say it.
func address(command vllm.Command, a vllm.Args) string {
	host := a.Host
	switch host {
	case "", "0.0.0.0", "localhost":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	port := a.Port
	if command.Value("port") == "" {
		port = 8000 // vLLM's own
	}
	at, err := netip.ParseAddr(host)
	if port < 1 || port > 65535 || err != nil || at.Zone() != "" {
		return ""
	}
	return netip.AddrPortFrom(at, uint16(port)).String()
}

// withHook keeps a postStart hook.
func withHook(c *corev1.Container, address string, bound int64) *corev1.Lifecycle {
	all := &corev1.Lifecycle{}
	if c.Lifecycle != nil {
		all = c.Lifecycle.DeepCopy()
	}
	all.PreStop = &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{
		"bash", "-c", Script, "drain", address, strconv.Itoa(settleTime), strconv.FormatInt(bound, 10),
	}}}
	return all
}
