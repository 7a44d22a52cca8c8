package serve

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/authority"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/gateway"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
)

// aliveEvery is how often a gateway that has nothing to do says so: within the life
// of a report, so that flyball status knows that it is there.
const aliveEvery = demand.TTL / 2

// reportOptions say to whom a gateway reports.
type reportOptions struct {
	controllers   []string // URLs; found in the cluster if none is named
	token, caFile string
}

func (o *reportOptions) register(fl *pflag.FlagSet) {
	fl.StringSliceVar(&o.controllers, "controller", nil, "URL of a controller to report to (default: every pod labelled app="+config.Controller+")")
	fl.StringVar(&o.token, "token-file", "/var/run/secrets/flyball/token", "with this gateway's token for the audience "+inbox.Audience)
	fl.StringVar(&o.caFile, "controller-ca", "/var/run/secrets/flyball/controller-ca.crt", "file with the authority of the controllers' certificate, read again for each connection")
}

// reports passes on what the gateway has to do, and that it is alive.
type reports struct {
	*gateway.Teller
	beat chan struct{} // a report was told

	mu   sync.Mutex // an older report must not overtake a newer one
	last demand.Report
}

func (o *reportOptions) reports(c gateway.Config, namespace string, found func() []string) (*reports, error) {
	if slices.ContainsFunc(o.urls(found), secure) || len(o.controllers) == 0 {
		if _, err := o.authority(); err != nil {
			return nil, err
		}
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute} // no proxy: a token goes this way
	transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		pool, err := o.authority() // the file is another one after a rotation
		if err != nil {
			return nil, err
		}
		// Replicas are called by their addresses, which no certificate names.
		d := &tls.Dialer{Config: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13, ServerName: config.Controller + "." + namespace + ".svc"}}
		return d.DialContext(ctx, network, address)
	}
	return &reports{
		beat: make(chan struct{}, 1), last: demand.Report{Gateway: c.Name, ByPromise: c.ByPromise},
		Teller: &gateway.Teller{
			Client: &http.Client{Transport: transport}, Log: c.Log,
			Replicas: func() []string { return o.urls(found) },
			Token: func() (string, error) { // the kubelet renews it
				token, err := os.ReadFile(o.token)
				return strings.TrimSpace(string(token)), err
			},
		},
	}, nil
}

// authority is the controllers', as it is now.
func (o *reportOptions) authority() (*x509.CertPool, error) {
	pool, err := authority.Pool(o.caFile)
	if err != nil {
		return nil, hint.With(fmt.Errorf("reading the controllers' authority: %w", err), "give the file ca.crt of the controllers' certificate: --controller-ca FILE")
	}
	return pool, nil
}

// secure is false where whoever names a URL trusts the way to it, as within a mesh.
func secure(url string) bool { return !strings.HasPrefix(url, "http://") }

func (o *reportOptions) urls(found func() []string) []string {
	var urls []string
	for _, base := range o.controllers {
		urls = append(urls, strings.TrimSuffix(base, "/")+inbox.Path)
	}
	if len(urls) > 0 {
		return urls
	}
	for _, address := range found() {
		urls = append(urls, "https://"+address+inbox.Path)
	}
	return urls
}

// tell is the gateway's own word.
func (r *reports) tell(report demand.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = report
	r.Tell(report)
	select {
	case r.beat <- struct{}{}:
	default:
	}
}

// keepAlive repeats the last report when the gateway has been silent for a while.
func (r *reports) keepAlive(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.beat:
		case <-timer.C:
			r.again()
		}
		timer.Reset(aliveEvery)
	}
}

// again tells the last report without its arrivals, which are counted once.
func (r *reports) again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	again := demand.Report{Gateway: r.last.Gateway, ByPromise: r.last.ByPromise}
	for _, d := range r.last.Services {
		d.Arrivals = 0
		again.Services = append(again.Services, d)
	}
	r.Tell(again)
}

// tls reads the certificate for clients, now and whenever it changes.
func (o *gatewayOptions) tls(ctx context.Context) error {
	if o.certificates == "" {
		return nil
	}
	certificates, err := certwatcher.New(filepath.Join(o.certificates, "tls.crt"), filepath.Join(o.certificates, "tls.key"))
	if err != nil {
		return hint.With(fmt.Errorf("reading the certificate: %w", err), "the folder must have tls.crt and tls.key, as a Secret of type kubernetes.io/tls has")
	}
	go func() {
		if err := certificates.Start(ctx); err != nil && !errors.Is(err, context.Canceled) {
			o.Log.Error("the certificate is not read again", "error", err)
		}
	}()
	o.TLS = &tls.Config{GetCertificate: certificates.GetCertificate, MinVersion: tls.VersionTLS12}
	return nil
}
