//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/flyball-dev/flyball/internal/lab/proc"
)

// Spec is one simulated node.
type Spec struct {
	Name string
	GPUs int
}

// Program is what runs in place of an image.
type Program struct {
	Argv        []string // instead of the image's entrypoint; $(VAR) is expanded with the container's environment
	KeepCommand bool     // append the pod's command and args; otherwise only its args
	ColdStart   bool     // a model server: it is pulled, and told how long its weights and warm-up take
}

// ColdStart says how long each phase of a model server's start takes. Jitter 0.2 spreads each
// duration evenly over ±20 %.
type ColdStart struct {
	Pull, Weights, Warmup time.Duration
	Jitter                float64
}

// Config is everything the agent needs. Dir is absolute.
type Config struct {
	Client    kubernetes.Interface
	APIServer string // URL that pods use
	CA        []byte // of the API server, PEM
	Dir       string // the lab's directory, also the mark of its processes
	Net       string // first two numbers of the lab's loopback range, "127.42"
	Nodes     []Spec // "lab-system", without GPUs, is added
	Programs  func(image string) (Program, bool)
	Known     []string // images that Programs knows, for the message about one that it does not
	ColdStart ColdStart
	ProxyURL  string // forward proxy that resolves cluster names
	Log       *slog.Logger
}

// process is the part of proc.Process that the agent uses.
type process interface {
	Pid() int
	Done() <-chan struct{}
	ExitCode() int
	Signal(syscall.Signal)
	RSS() int64
}

// Agent runs the pods of all simulated nodes.
type Agent struct {
	cfg        Config
	nodes      map[string]host
	start      func(proc.Spec) (process, error)
	check      func(context.Context, check) error
	events     record.EventRecorder
	secrets    corev1listers.SecretLister
	configMaps corev1listers.ConfigMapLister
	addresses  *addresses
	images     *images
	instances  *instances

	mu      sync.Mutex
	workers map[types.UID]*worker
	closed  bool           // no more workers
	wg      sync.WaitGroup // workers, their probes and hooks
}

// New checks the configuration and prepares an agent.
func New(cfg Config) (*Agent, error) {
	addrs, err := newAddresses(cfg.Net)
	switch {
	case err != nil:
		return nil, err
	case cfg.Client == nil || cfg.Programs == nil || cfg.Log == nil:
		return nil, errors.New("node agent: Client, Programs and Log are required")
	case !filepath.IsAbs(cfg.Dir):
		return nil, fmt.Errorf("node agent: directory %q is not absolute", cfg.Dir)
	}
	hosts, err := hosts(cfg.Net, cfg.Nodes)
	if err != nil {
		return nil, err
	}
	return &Agent{
		cfg:       cfg,
		nodes:     hosts,
		start:     func(s proc.Spec) (process, error) { return proc.Start(s) },
		check:     runCheck,
		addresses: addrs,
		images:    &images{there: map[imageOnNode]time.Time{}},
		instances: &instances{byKey: map[instanceKey]instance{}},
		workers:   map[types.UID]*worker{},
	}, nil
}

// Run is New and Agent.Run.
func Run(ctx context.Context, cfg Config) error {
	a, err := New(cfg)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// Run registers the nodes and runs their pods until ctx ends; then it stops every process and
// returns. It leaves the API objects as they are, so that a later agent starts the pods again.
func (a *Agent) Run(ctx context.Context) error {
	stopLogs, err := a.serveLogs(ctx)
	if err != nil {
		return err
	}
	defer stopLogs()
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&corev1client.EventSinkImpl{Interface: a.cfg.Client.CoreV1().Events("")})
	a.events = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "flyball-node"})

	if err := a.registerNodes(ctx); err != nil {
		return err
	}
	var background sync.WaitGroup
	background.Go(func() { a.keepNodesReady(ctx) })
	defer background.Wait()

	factory := informers.NewSharedInformerFactory(a.cfg.Client, 0)
	a.secrets = factory.Core().V1().Secrets().Lister()
	a.configMaps = factory.Core().V1().ConfigMaps().Lister()
	pods := factory.Core().V1().Pods()
	podInformer := pods.Informer()
	factory.StartWithContext(ctx)
	defer factory.Shutdown()
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced && ctx.Err() == nil {
			return fmt.Errorf("reading %v: the cache did not fill", kind)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := a.adopt(pods.Lister()); err != nil {
		return err
	}
	if err := a.watch(ctx, podInformer); err != nil {
		return err
	}
	<-ctx.Done()
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.wg.Wait()
	return nil
}

// adopt keeps what an earlier agent gave away and its pods still hold: addresses. Its processes
// are gone, and so is what they had on disk.
func (a *Agent) adopt(pods corev1listers.PodLister) error {
	if err := os.RemoveAll(a.podsDir()); err != nil {
		return fmt.Errorf("clearing pod directories: %w", err)
	}
	list, err := pods.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("reading pods: %w", err)
	}
	for _, p := range list {
		if a.mine(p) && p.Status.PodIP != "" {
			a.addresses.reserve(p.Status.PodIP)
		}
	}
	return nil
}

func (a *Agent) watch(ctx context.Context, informer cache.SharedIndexInformer) error {
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { a.observe(ctx, obj) },
		UpdateFunc: func(_, obj any) { a.observe(ctx, obj) },
		DeleteFunc: func(obj any) {
			if tomb, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = tomb.Obj
			}
			a.forget(obj)
		},
	})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	return nil
}

func (a *Agent) mine(p *corev1.Pod) bool {
	_, ok := a.nodes[p.Spec.NodeName]
	return ok
}

// observe hands a pod to its worker, and starts one for a pod that is new here.
func (a *Agent) observe(ctx context.Context, obj any) {
	pod, ok := obj.(*corev1.Pod)
	if !ok || !a.mine(pod) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	if w, ok := a.workers[pod.UID]; ok {
		w.post(func() { w.pod = pod })
		return
	}
	if finished(pod) && pod.DeletionTimestamp == nil {
		return
	}
	w := a.newWorker(pod)
	a.workers[pod.UID] = w
	a.wg.Go(func() {
		w.run(ctx)
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.workers, pod.UID)
	})
}

func (a *Agent) forget(obj any) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if w, ok := a.workers[pod.UID]; ok {
		w.post(func() { w.gone = true })
	}
}

func (a *Agent) podsDir() string { return filepath.Join(a.cfg.Dir, "pods") }

func finished(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}
