package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/flyball-dev/flyball/internal/hint"
)

// Config is one lab's network.
type Config struct {
	Client    kubernetes.Interface
	ProxyAddr string                                              // of the forward proxy, "127.42.0.1:3128"
	Static    func(namespace, name string) (addr string, ok bool) // serves a Service without selector
	Alias     func(host string) (to string, ok bool)              // a Service that a host outside leads to, as an ingress would; may be nil
	Log       *slog.Logger
	Ready     func() // called once when everything listens; may be nil
}

// Validate refuses a configuration with a part missing, and one that others could reach.
func (c Config) Validate() error {
	if c.Client == nil || c.Static == nil || c.Log == nil {
		return errors.New("lab network: Client, Static and Log are required")
	}
	host, _, err := net.SplitHostPort(c.ProxyAddr)
	if err != nil {
		return fmt.Errorf("lab network: proxy address: %w", err)
	}
	if _, ok := loopback(host); !ok {
		return fmt.Errorf("lab network: proxy address %s is not a loopback address", c.ProxyAddr)
	}
	return nil
}

// retryEvery is how often an address that something else occupies is tried again.
const retryEvery = 2 * time.Second

// Run serves until ctx ends. An error says that it did not come to serve at all.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", cfg.ProxyAddr)
	if err != nil {
		return hint.With(fmt.Errorf("starting the forward proxy: %w", err), "another program has the port; ss -ltnp shows which")
	}
	defer ln.Close()

	factory := informers.NewSharedInformerFactory(cfg.Client, 0)
	defer factory.Shutdown()
	defer cancel() // before Shutdown, which waits for it
	services, pods := factory.Core().V1().Services(), factory.Core().V1().Pods()
	changed, err := notify(services.Informer())
	if err != nil {
		return err
	}
	dir := &directory{services: services.Lister(), pods: pods.Lister(), static: cfg.Static, alias: cfg.Alias, last: map[string]string{}}
	pods.Informer()
	factory.StartWithContext(ctx)
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced && ctx.Err() == nil {
			return fmt.Errorf("reading %v: the cache did not fill", kind)
		}
	}

	var proxying sync.WaitGroup
	var proxyErr error
	proxying.Go(func() { proxyErr = newProxy(dir, cfg.Log).serve(ctx, ln) })
	keepListening(ctx, newListeners(dir, cfg.Log), changed, cfg.Ready)
	proxying.Wait()
	return proxyErr
}

// notify tells, without ever holding the informer up, that a Service changed.
func notify(informer cache.SharedIndexInformer) (<-chan struct{}, error) {
	changed := make(chan struct{}, 1)
	tell := func() {
		select {
		case changed <- struct{}{}:
		default: // told, and not yet heard
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { tell() },
		UpdateFunc: func(any, any) { tell() },
		DeleteFunc: func(any) { tell() },
	})
	if err != nil {
		return nil, fmt.Errorf("watching Services: %w", err)
	}
	return changed, nil
}

// keepListening keeps the listeners those that the Services want, until ctx ends.
func keepListening(ctx context.Context, l *listeners, changed <-chan struct{}, ready func()) {
	defer l.end()
	for first := true; ctx.Err() == nil; first = false {
		var retry <-chan time.Time
		if !l.update(ctx, wanted(l.dir.services)) {
			retry = time.After(retryEvery)
		}
		if first && ready != nil {
			ready()
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-retry:
		}
	}
}

func wanted(services corev1listers.ServiceLister) map[string]front {
	all, err := services.List(labels.Everything())
	if err != nil { // a lister of everything reads its cache and has no error
		return nil
	}
	return fronts(all)
}
