//go:build linux

package node

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

type probeKind int

const (
	_ probeKind = iota
	startup
	readiness
	liveness
	numProbeKinds
)

func (k probeKind) String() string {
	return [numProbeKinds]string{"Invalid", "Startup", "Readiness", "Liveness"}[k]
}

// probe is one probe of one run of a container, with the kubelet's rules: it counts results of
// the same kind in a row, and its verdict turns when they reach the threshold.
type probe struct {
	kind   probeKind
	spec   *corev1.Probe
	due    time.Time
	busy   bool // an attempt is under way
	passed bool // the verdict
	last   bool // the latest result …
	row    int  // … and how many like it in a row
}

// newProbes makes the probes of a run that begins now. Liveness counts as passed until it fails.
func newProbes(c *corev1.Container, now time.Time) []*probe {
	var list []*probe
	for kind, spec := range [numProbeKinds]*corev1.Probe{startup: c.StartupProbe, readiness: c.ReadinessProbe, liveness: c.LivenessProbe} {
		if spec != nil {
			due := now.Add(time.Duration(spec.InitialDelaySeconds) * time.Second)
			list = append(list, &probe{kind: probeKind(kind), spec: spec, due: due, passed: probeKind(kind) == liveness})
		}
	}
	return list
}

// observe counts one result and says whether the threshold of its kind is reached.
func (p *probe) observe(ok bool) (decided bool) {
	if p.row == 0 || ok != p.last {
		p.last, p.row = ok, 0
	}
	p.row++
	threshold := p.spec.FailureThreshold
	if ok {
		threshold = p.spec.SuccessThreshold
	}
	if p.row < int(max(threshold, 1)) {
		return false
	}
	p.passed = ok
	return true
}

func (p *probe) period() time.Duration { return seconds(p.spec.PeriodSeconds, 10) }

func (p *probe) timeout() time.Duration { return seconds(p.spec.TimeoutSeconds, 1) }

func seconds(n, otherwise int32) time.Duration {
	if n <= 0 {
		n = otherwise
	}
	return time.Duration(n) * time.Second
}

// attend makes the attempts of c that are due. Until the startup probe has passed it is the only
// one; after that it is over.
func (w *worker) attend(ctx context.Context, c *container, now time.Time) {
	if !c.running() || c.stop != nil {
		return
	}
	for _, p := range c.probes {
		if p.busy || (p.kind == startup) == c.started() {
			continue
		}
		if now.Before(p.due) {
			w.at(p.due)
			continue
		}
		p.busy, p.due = true, now.Add(p.period())
		w.attempt(ctx, c, p)
	}
}

func (w *worker) attempt(ctx context.Context, c *container, p *probe) {
	target := w.target(c, p.spec.ProbeHandler)
	w.a.wg.Go(func() {
		limited, cancel := context.WithTimeout(ctx, p.timeout())
		defer cancel()
		err := w.a.check(limited, target)
		w.post(func() { w.probed(ctx, c, p, err) })
	})
}

// probed takes a result. One that belongs to an earlier run finds its probe forgotten.
func (w *worker) probed(ctx context.Context, c *container, p *probe, err error) {
	p.busy = false
	if c.probe(p.kind) != p || c.stop != nil {
		return
	}
	if err != nil {
		w.event(corev1.EventTypeWarning, "Unhealthy", "%s probe failed: %v", p.kind, err)
	}
	if !p.observe(err == nil) || err == nil || p.kind == readiness {
		return
	}
	grace := w.grace()
	if g := p.spec.TerminationGracePeriodSeconds; g != nil {
		grace = time.Duration(*g) * time.Second
	}
	w.event(corev1.EventTypeNormal, "Killing", "Container %s failed %s probe, will be restarted", c.spec.Name, p.kind)
	w.stopContainer(ctx, c, time.Now(), grace)
}

// grace is the pod's own terminationGracePeriodSeconds.
func (w *worker) grace() time.Duration {
	if g := w.pod.Spec.TerminationGracePeriodSeconds; g != nil {
		return time.Duration(*g) * time.Second
	}
	return 30 * time.Second
}

// target says where a probe or hook goes.
func (w *worker) target(c *container, h corev1.ProbeHandler) check {
	t := check{host: w.ip, dir: c.view.path(c.spec.WorkingDir), env: c.environ.list()}
	switch {
	case h.Exec != nil:
		t.argv = w.arguments(c, h.Exec.Command)
	case h.HTTPGet != nil:
		t.http = h.HTTPGet
		t.port, t.err = portOf(h.HTTPGet.Port, c.spec)
		if host := h.HTTPGet.Host; host != "" {
			t.host = hostOf(c.view, host)
		}
	case h.TCPSocket != nil:
		t.port, t.err = portOf(h.TCPSocket.Port, c.spec)
		if host := h.TCPSocket.Host; host != "" {
			t.host = hostOf(c.view, host)
		}
	case h.GRPC != nil:
		t.port = int(h.GRPC.Port)
	default:
		t.err = fmt.Errorf("the probe of container %s has no action", c.spec.Name)
	}
	return t
}
