//go:build linux

package node

import (
	"context"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// minStopWindow is what remains for SIGTERM after a preStop hook that used up the whole grace
// (kubelet: minimumGracePeriodInSeconds).
const minStopWindow = 2 * time.Second

type stopPhase int

const (
	_          stopPhase = iota
	stopHook             // the preStop hook runs
	stopAsked            // SIGTERM is sent
	stopForced           // SIGKILL is sent
)

// stop is the way of a running container to its end.
type stop struct {
	phase    stopPhase
	deadline time.Time // of everything up to SIGKILL
	cancel   context.CancelFunc
}

// stopContainer begins to stop a container, or shortens a stop that has begun.
func (w *worker) stopContainer(ctx context.Context, c *container, now time.Time, grace time.Duration) {
	deadline := now.Add(grace)
	switch {
	case !c.running():
		return
	case c.stop == nil:
		c.stop = &stop{deadline: deadline, cancel: func() {}}
		if grace > 0 {
			w.beginHook(ctx, c, now)
		}
	case deadline.Before(c.stop.deadline):
		c.stop.deadline = deadline
	}
	w.pursue(c, now)
}

func (w *worker) beginHook(ctx context.Context, c *container, now time.Time) {
	if c.spec.Lifecycle == nil || c.spec.Lifecycle.PreStop == nil {
		w.ask(c, now)
		return
	}
	c.stop.phase = stopHook
	ctx, cancel := context.WithCancel(ctx)
	c.stop.cancel = cancel
	hook, s := c.spec.Lifecycle.PreStop, c.stop
	target := w.target(c, corev1.ProbeHandler{Exec: hook.Exec, HTTPGet: hook.HTTPGet, TCPSocket: hook.TCPSocket})
	w.a.wg.Go(func() {
		defer cancel()
		var err error
		if hook.Sleep != nil {
			t := time.NewTimer(time.Duration(hook.Sleep.Seconds) * time.Second)
			defer t.Stop()
			select {
			case <-t.C:
			case <-ctx.Done():
			}
		} else {
			err = w.a.check(ctx, target)
		}
		w.post(func() {
			if c.stop != s || s.phase != stopHook {
				return
			}
			if err != nil {
				w.event(corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed: %v", err)
			}
			w.ask(c, time.Now())
		})
	})
}

// ask sends SIGTERM.
func (w *worker) ask(c *container, now time.Time) {
	c.stop.phase = stopAsked
	if least := now.Add(minStopWindow); c.stop.deadline.Before(least) {
		c.stop.deadline = least
	}
	c.process.Signal(syscall.SIGTERM)
}

// pursue does what a stop's deadline demands.
func (w *worker) pursue(c *container, now time.Time) {
	if !c.running() || c.stop == nil {
		return
	}
	if now.Before(c.stop.deadline) {
		w.at(c.stop.deadline)
		return
	}
	switch c.stop.phase {
	case stopHook:
		c.stop.cancel()
		w.ask(c, now)
		w.at(c.stop.deadline)
	case stopForced:
	default:
		c.stop.phase = stopForced
		c.stop.cancel()
		c.process.Signal(syscall.SIGKILL)
	}
}

// terminate ends the pod and says whether everything is done. A pod whose object is gone was
// deleted by force: it is killed at once.
func (w *worker) terminate(ctx context.Context, now time.Time) (done bool) {
	grace := int64(0)
	if g := w.pod.DeletionGracePeriodSeconds; !w.gone && g != nil {
		grace = *g
	}
	if w.dying == nil || *w.dying != grace {
		w.dying = &grace
		for _, c := range w.containers() {
			if c.running() {
				w.event(corev1.EventTypeNormal, "Killing", "Stopping container %s", c.spec.Name)
			}
			w.stopContainer(ctx, c, now, time.Duration(grace)*time.Second)
		}
	}
	for _, c := range w.containers() {
		w.pursue(c, now)
	}
	for _, c := range w.containers() {
		if c.running() {
			return false
		}
	}
	return w.gone || w.finalize(ctx, now)
}

// finalize publishes the last status and removes the object.
func (w *worker) finalize(ctx context.Context, now time.Time) (done bool) {
	w.publish(ctx, now)
	err := w.a.cfg.Client.CoreV1().Pods(w.pod.Namespace).Delete(ctx, w.pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64),
		Preconditions:      &metav1.Preconditions{UID: &w.pod.UID},
	})
	switch {
	case err == nil, apierrors.IsNotFound(err), apierrors.IsConflict(err): // conflict: the name belongs to another pod now
		return true
	case ctx.Err() == nil:
		w.a.cfg.Log.Warn("pod not removed yet", "pod", w.pod.Namespace+"/"+w.pod.Name, "error", err)
	}
	w.at(now.Add(retryInterval))
	return false
}

// abandon ends the processes because the agent ends; the API's objects stay as they are.
func (w *worker) abandon() {
	var running []process
	for _, c := range w.containers() {
		if c.running() {
			running = append(running, c.process)
			c.process.Signal(syscall.SIGTERM)
		}
		if c.stop != nil {
			c.stop.cancel()
		}
	}
	deadline := time.NewTimer(min(w.grace(), abandonGrace))
	defer deadline.Stop()
	for _, p := range running {
		select {
		case <-p.Done():
			continue
		case <-deadline.C:
		}
		for _, p := range running {
			p.Signal(syscall.SIGKILL)
		}
		break
	}
	for _, p := range running {
		<-p.Done()
	}
}
