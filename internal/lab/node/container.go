//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Reasons of the kubelet that other programs and people look for.
const (
	reasonCreating     = "ContainerCreating"
	reasonInitializing = "PodInitializing"
	reasonErrImagePull = "ErrImagePull"
	reasonConfigError  = "CreateContainerConfigError"
	reasonCrashLoop    = "CrashLoopBackOff"
	reasonStartError   = "StartError"
)

// container is one container of a pod. Its state is the API's own: Waiting, Running or
// Terminated; process is set exactly while it is Running.
type container struct {
	spec    *corev1.Container
	init    bool // runs before the others, to its end …
	sidecar bool // … or, restartable, until it has started
	view    view
	mounted map[string]payload // by mount path, as last written
	state   corev1.ContainerState
	last    corev1.ContainerState // the end of the run before
	process process
	runs    int32 // started so far
	backoff backoff
	retryAt time.Time
	stop    *stop // set while it is being stopped
	probes  []*probe
	environ environ // of the current run, also for hooks and probes
	problem string  // the last complaint about it
}

func (c *container) running() bool { return c.process != nil }

func (c *container) succeeded() bool {
	return c.state.Terminated != nil && c.state.Terminated.ExitCode == 0
}

// started is what the API calls so: running, and past the startup probe.
func (c *container) started() bool {
	p := c.probe(startup)
	return c.running() && (p == nil || p.passed)
}

func (c *container) ready() bool {
	if c.init && !c.sidecar {
		return c.succeeded()
	}
	p := c.probe(readiness)
	return c.started() && c.stop == nil && (p == nil || p.passed)
}

func (c *container) probe(kind probeKind) *probe {
	for _, p := range c.probes {
		if p.kind == kind {
			return p
		}
	}
	return nil
}

// wait sets the state to Waiting; a terminated run becomes the last one.
func (c *container) wait(reason, message string) {
	if c.state.Terminated != nil {
		c.last = c.state
	}
	c.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// ended records the end of a run.
func (c *container) ended(now time.Time, code int, reason, message string) {
	began := stamp(now)
	if c.state.Running != nil {
		began = c.state.Running.StartedAt
	}
	if reason == "" {
		reason = "Error"
		if code == 0 {
			reason = "Completed"
		}
	}
	c.state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: int32(code), Reason: reason, Message: message, StartedAt: began, FinishedAt: stamp(now),
	}}
	c.process, c.stop, c.probes = nil, nil, nil
	c.retryAt = now.Add(c.backoff.ended(now.Sub(began.Time)))
}

// restartable says whether the pod's policy starts an ended container again.
func (c *container) restartable(policy corev1.RestartPolicy) bool {
	switch {
	case c.sidecar:
		return true
	case c.init:
		return !c.succeeded() && policy != corev1.RestartPolicyNever
	}
	return policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && !c.succeeded()
}

// ensure starts the container if it should run and can. It returns at once; what it waits for is
// in the container's state, and w.at says when to look again.
func (w *worker) ensure(ctx context.Context, c *container, now time.Time) {
	switch {
	case c.running():
		return
	case c.state.Terminated != nil && !c.restartable(w.pod.Spec.RestartPolicy):
		return
	case now.Before(c.retryAt):
		delay := c.backoff.delay
		c.wait(reasonCrashLoop, fmt.Sprintf("back-off %v restarting failed container=%s pod=%s_%s(%s)",
			delay, c.spec.Name, w.pod.Name, w.pod.Namespace, w.pod.UID))
		w.complain(c, "BackOff", fmt.Sprintf("Back-off restarting failed container %s", c.spec.Name))
		w.at(c.retryAt)
		return
	}
	program, ok := w.a.cfg.Programs(c.spec.Image)
	switch {
	case ok:
		w.launch(ctx, c, program, now)
	case c.init:
		w.pretend(c, now)
	default:
		message := fmt.Sprintf("the lab has no program for image %q; it knows %s", c.spec.Image, strings.Join(w.a.cfg.Known, ", "))
		c.wait(reasonErrImagePull, message)
		w.complain(c, "Failed", message)
	}
}

func (w *worker) launch(ctx context.Context, c *container, program Program, now time.Time) {
	if program.ColdStart {
		at := w.a.images.pull(w.pod.Spec.NodeName, c.spec.Image, now, w.jittered(w.a.cfg.ColdStart.Pull))
		if now.Before(at) {
			c.wait(reasonCreating, fmt.Sprintf("pulling image %q", c.spec.Image))
			w.complain(c, "Pulling", fmt.Sprintf("Pulling image %q", c.spec.Image))
			w.at(at)
			return
		}
	}
	if err := w.mount(ctx); err != nil {
		c.wait(reasonCreating, err.Error())
		w.complain(c, "FailedMount", err.Error())
		w.at(now.Add(retryInterval))
		return
	}
	spec, err := w.command(c, program)
	if err != nil {
		c.wait(reasonConfigError, err.Error())
		w.complain(c, "Failed", err.Error())
		w.at(now.Add(retryInterval))
		return
	}
	w.a.instances.opened(w.key(c), spec.Log)
	p, err := w.a.start(spec)
	c.problem = ""
	if err != nil {
		c.runs++
		c.ended(now, 128, reasonStartError, err.Error())
		w.complain(c, "Failed", err.Error())
		w.at(c.retryAt)
		return
	}
	w.began(c, p, now)
}

// pretend runs an init container that the lab has no program for, such as the one that downloads
// a model: it takes as long as loading weights, which the server then need not load again.
func (w *worker) pretend(c *container, now time.Time) {
	w.weightsLoaded = true
	d := w.jittered(w.a.cfg.ColdStart.Weights)
	w.a.instances.opened(w.key(c), w.logFile(c))
	note := fmt.Sprintf("flyball: the lab has no program for image %q; the container succeeds after %v\n", c.spec.Image, d)
	if err := appendLog(w.logFile(c), note); err != nil {
		w.a.cfg.Log.Warn("log not written", "file", w.logFile(c), "error", err)
	}
	w.began(c, newPretence(d), now)
}

func (w *worker) began(c *container, p process, now time.Time) {
	if c.state.Terminated != nil {
		c.last = c.state
	}
	c.process, c.runs = p, c.runs+1
	c.state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: stamp(now)}}
	c.probes = newProbes(c.spec, now)
	w.a.instances.started(w.key(c), p)
	w.event(corev1.EventTypeNormal, "Started", "Started container %s", c.spec.Name)
	go func() {
		<-p.Done()
		w.post(func() {})
	}()
}

// reap notices processes that have ended.
func (w *worker) reap(now time.Time) {
	for _, c := range w.containers() {
		if c.running() && c.process.ExitCode() >= 0 {
			c.ended(now, c.process.ExitCode(), "", "")
		}
	}
}

func (w *worker) key(c *container) instanceKey {
	return instanceKey{w.pod.Namespace, w.pod.Name, c.spec.Name}
}

func appendLog(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func (w *worker) logFile(c *container) string {
	return filepath.Join(w.a.cfg.Dir, "logs", "pods", fmt.Sprintf("%s_%s_%s.log", w.pod.Namespace, w.pod.Name, c.spec.Name))
}
