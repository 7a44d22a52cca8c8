//go:build linux

package lab

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/lab/node"
	"github.com/flyball-dev/flyball/internal/lab/proc"
)

// Config says what lab to start. Paths are absolute.
type Config struct {
	Dir            string // the lab's directory, emptied at the start
	Bin            string // the built upstream programs and their manifests
	Flyball        string // the flyball program that pods run
	Version        string // of it, the tag of its images
	Install        fs.FS  // Flyball's kustomizations: "complete" is applied, "prometheus/rules.yaml" is loaded
	GPUNodes       int
	GPUsPerNode    int
	ColdStart      node.ColdStart
	Profile        string        // of vllmsim; "" is its default
	Speed          float64       // of vllmsim's clock; 0 is real time
	ScrapeInterval time.Duration // of Prometheus
	HPASyncPeriod  time.Duration // 0 is Kubernetes' own 15 s
	Say            func(string)  // receives one line per step
}

// Lab is a running local cluster.
type Lab struct {
	cfg    Config
	own    *os.File // holds the lock of the directory
	claim  *claim
	pki    *pki
	etcd   string
	server string
	rest   *rest.Config
	client kubernetes.Interface
	secret string                  // Prometheus' password, which only this lab knows
	kinds  apiextensions.Interface // the same API server's custom resources
	probe  *http.Client
	agent  *node.Agent

	daemons  []*daemon
	stopping chan struct{}
	parts    sync.WaitGroup // the agent and the network
	cancel   context.CancelFunc
	failed   chan error
}

// Up starts a lab and returns when every part of it is ready.
func Up(ctx context.Context, cfg Config) (*Lab, error) {
	own, err := hold(cfg.Dir)
	if err != nil {
		return nil, err
	}
	claimed, err := claimNet(os.TempDir(), cfg.Dir)
	if err != nil {
		own.Close() // closing releases the lock
		return nil, err
	}
	l := &Lab{cfg: cfg, own: own, claim: claimed, secret: rand.Text(), stopping: make(chan struct{}), failed: make(chan error, 2)}
	if err := l.up(ctx); err != nil {
		l.Stop()
		return nil, err
	}
	return l, nil
}

func (l *Lab) up(ctx context.Context) error {
	var err error
	l.pki, err = newPKI(l.path("pki"), l.host(), l.claim.net+".128.1")
	if err != nil {
		return err
	}
	l.probe = newProbe(l.pki.ca.PEM)
	if err := l.startControlPlane(ctx); err != nil {
		return err
	}
	l.rest, err = clientcmd.BuildConfigFromFlags("", l.Kubeconfig())
	if err != nil {
		return fmt.Errorf("reading the lab's kubeconfig: %w", err)
	}
	l.rest.QPS, l.rest.Burst = 200, 400 // one agent does the work of many kubelets
	l.client, err = kubernetes.NewForConfig(l.rest)
	if err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	l.kinds, err = apiextensions.NewForConfig(l.rest)
	if err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	if err := l.startParts(ctx); err != nil {
		return err
	}
	if err := l.install(ctx); err != nil {
		return err
	}
	return l.writeEnv()
}

// Stop ends everything in reverse order of starting.
func (l *Lab) Stop() {
	close(l.stopping)
	if l.cancel != nil {
		l.cancel()
		l.parts.Wait()
	}
	for _, d := range slices.Backward(l.daemons) {
		d.stop()
	}
	os.RemoveAll(l.path("tmp")) // inside the lab's own directory, emptied at the next start
	l.claim.release()
	os.Remove(l.own.Name()) // an orphaned pid file is ignored
	l.own.Close()           // closing releases the lock
}

// Usage lists the resident memory of every process of the lab, in bytes.
func (l *Lab) Usage() []Usage {
	rows := []Usage{{"flyball up", proc.Resident(os.Getpid())}}
	for _, d := range l.daemons {
		d.mu.Lock()
		rows = append(rows, Usage{d.spec.Name, d.process.RSS()})
		d.mu.Unlock()
	}
	for _, u := range l.agent.Usage() {
		rows = append(rows, Usage{u.Namespace + "/" + u.Pod, u.RSS})
	}
	return rows
}

// Usage is the resident memory of one process, in bytes.
type Usage struct {
	Name string
	RSS  int64
}

// Failed delivers the error of a part that can no longer run.
func (l *Lab) Failed() <-chan error { return l.failed }

// Kubeconfig is the path of the administrator's kubeconfig.
func (l *Lab) Kubeconfig() string { return l.path("kubeconfig") }

// Proxy is the URL of the forward proxy that resolves cluster names.
func (l *Lab) Proxy() string { return "http://" + l.host() + ":3128" }

// Env is what a shell needs to talk to the lab, as NAME=VALUE.
func (l *Lab) Env() []string {
	return []string{
		"PATH=" + l.cfg.Bin + ":" + filepath.Dir(l.cfg.Flyball) + ":" + os.Getenv("PATH"),
		"KUBECONFIG=" + l.Kubeconfig(),
		"FLYBALL_PROXY=" + l.Proxy(),
		"FLYBALL_PROMETHEUS=http://prometheus-operated.cpaas-system.svc.cluster.local:9090",
		"FLYBALL_PROMETHEUS_USER=" + prometheusUser,
		"FLYBALL_PROMETHEUS_PASSWORD=" + l.secret,
	}
}

// writeEnv leaves the environment for shells that start later: '. .flyball/env'.
func (l *Lab) writeEnv() error {
	var b strings.Builder
	for _, e := range l.Env() {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, "export %s=%s\n", name, hint.Quote(value))
	}
	if err := os.WriteFile(l.path("env"), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", l.path("env"), err)
	}
	return nil
}

func (l *Lab) host() string         { return l.claim.net + ".0.1" }
func (l *Lab) serviceRange() string { return l.claim.net + ".128.0/17" }
func (l *Lab) path(elem ...string) string {
	return filepath.Join(append([]string{l.cfg.Dir}, elem...)...)
}

func (l *Lab) say(format string, args ...any) { l.cfg.Say(fmt.Sprintf(format, args...)) }

// log writes what the agent and the network have to say to its own file.
func (l *Lab) log(name string) (*slog.Logger, error) {
	if err := os.MkdirAll(l.path("logs"), 0o755); err != nil {
		return nil, fmt.Errorf("making the log directory: %w", err)
	}
	f, err := os.Create(l.path("logs", name+".log"))
	if err != nil {
		return nil, fmt.Errorf("making the log of %s: %w", name, err)
	}
	return slog.New(slog.NewTextHandler(f, nil)), nil
}
