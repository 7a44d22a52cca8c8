//go:build linux

package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/lab/proc"
)

const (
	stopGrace    = 10 * time.Second
	firstBackoff = time.Second
	maxBackoff   = 30 * time.Second
)

// daemon is one supervised process of the control plane.
type daemon struct {
	spec  proc.Spec
	ready string // URL that answers 200 when it serves

	mu      sync.Mutex
	process *proc.Process
	stopped bool
	ended   chan struct{} // closed when the supervising goroutine returns
}

// start runs the daemon and waits until it answers; then it is restarted whenever it ends.
func (l *Lab) start(ctx context.Context, spec proc.Spec, ready string) error {
	d := &daemon{spec: spec, ready: ready, ended: make(chan struct{})}
	p, err := proc.Start(spec)
	if err != nil {
		return hint.With(err, "build the lab's programs with 'make lab'")
	}
	d.process = p
	l.daemons = append(l.daemons, d)
	if err := l.await(ctx, d); err != nil {
		close(d.ended)
		return err
	}
	go l.supervise(d)
	return nil
}

// await polls the daemon's health until it is well, has ended, or a minute has passed.
func (l *Lab) await(ctx context.Context, d *daemon) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-d.process.Done():
			return hint.With(fmt.Errorf("starting %s: it ended: %w", d.spec.Name, d.exitError()), "see %s", d.spec.Log)
		case <-ctx.Done():
			return hint.With(fmt.Errorf("starting %s: not ready: %w", d.spec.Name, ctx.Err()), "see %s", d.spec.Log)
		case <-tick.C:
			if l.healthy(ctx, d.ready) {
				return nil
			}
		}
	}
}

func (d *daemon) exitError() error {
	if err := d.process.Err(); err != nil {
		return err
	}
	return errors.New("exit status 0")
}

func (l *Lab) healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := l.probe.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close() // only the status counts
	return resp.StatusCode == http.StatusOK
}

// newProbe trusts the lab's own authority and goes through no proxy. The
// scheduler and the controller manager serve with certificates of their own
// making, so a name is not checked; the address is the lab's.
func newProbe(ca []byte) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, InsecureSkipVerify: true}}, //nolint:gosec // see above
	}
}

// supervise restarts the daemon with back-off until it is stopped.
func (l *Lab) supervise(d *daemon) {
	defer close(d.ended)
	backoff := firstBackoff
	for started := time.Now(); ; started = time.Now() {
		<-d.process.Done()
		d.mu.Lock()
		stopped := d.stopped
		d.mu.Unlock()
		if stopped {
			return
		}
		if time.Since(started) > 2*maxBackoff {
			backoff = firstBackoff
		}
		l.say("%s ended (%v); restarting in %s, log %s", d.spec.Name, d.exitError(), backoff, d.spec.Log)
		select {
		case <-l.stopping:
			return
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, maxBackoff)
		if err := l.restart(d); err != nil {
			l.say("%v", err)
			return
		}
	}
}

func (l *Lab) restart(d *daemon) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return nil
	}
	p, err := proc.Start(d.spec)
	if err != nil {
		return err
	}
	d.process = p
	return nil
}

// stop ends the daemon and its supervision.
func (d *daemon) stop() {
	d.mu.Lock()
	d.stopped = true
	p := d.process
	d.mu.Unlock()
	p.Stop(stopGrace)
	<-d.ended
}

// environment is what a control-plane process sees: nothing of the user's but
// the mark by which 'flyball down' finds it, and a garbage collector that keeps memory small.
// The limit is for what runs away: the API server, of 210 MiB that live, must never come near
// it, or it collects garbage all the time.
func (l *Lab) environment() []string {
	return []string{proc.MarkVar + "=" + l.cfg.Dir, "HOME=" + l.cfg.Dir, "TMPDIR=" + l.path("tmp"), "PATH=" + os.Getenv("PATH"), "GOGC=50", "GOMEMLIMIT=1GiB"}
}
