package follow

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"github.com/flyball-dev/flyball/internal/authority"
)

const (
	// Path is where who leads is asked.
	Path = "/v1/decisions"

	period  = time.Second
	timeout = 5 * time.Second // of one question
	most    = 16 << 20        // bytes: 100,000 decisions
)

// A Line is one decision.
type Line struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"` // of whom it is
	Replicas  int    `json:"replicas"`
	AgeMillis int64  `json:"ageMillis"`
}

// Settings say how replicas reach each other.
type Settings struct {
	Address      string // to listen on, host:port, as the others can reach it
	Certificates string // folder with tls.crt, tls.key and ca.crt
	Name         string // DNS name that the certificate of each has
}

// askTimeout is that of one question about the lease, which is to be renewed within 10 s: one that
// is not answered must leave time for another.
const askTimeout = 5 * time.Second

// Lock is the lease by which the one that leads is found: it holds it by its address.
func (s Settings) Lock(config *rest.Config, namespace, name string) (resourcelock.Interface, error) {
	config = rest.CopyConfig(config)
	config.Timeout = askTimeout
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing the lease: %w", err)
	}
	return resourcelock.New(resourcelock.LeasesResourceLock, namespace, name, c.CoreV1(), c.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: s.Address})
}

// A Peer is one replica.
type Peer struct {
	Settings
	Lock  resourcelock.Interface
	Leads func() bool
	Tell  func() []Line // its own decisions, asked while it leads
	Learn func([]Line)  // of who leads
	Log   logr.Logger

	client  *http.Client
	leader  string // address; "" if it must be looked for
	trouble string
}

// NeedLeaderElection lets every replica follow.
func (*Peer) NeedLeaderElection() bool { return false }

// Start serves and follows until the context ends.
func (p *Peer) Start(ctx context.Context) error {
	certificates, err := certwatcher.New(filepath.Join(p.Certificates, "tls.crt"), filepath.Join(p.Certificates, "tls.key"))
	if err != nil {
		return fmt.Errorf("reading the certificate for other replicas: %w", err)
	}
	go func() {
		if err := certificates.Start(ctx); err != nil {
			p.Log.Error(err, "the certificate for other replicas is not read again")
		}
	}()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.Address)
	if err != nil {
		return fmt.Errorf("listening for other replicas: %w", err)
	}
	p.client = &http.Client{Timeout: timeout, Transport: &http.Transport{
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			pool, err := p.authority()
			if err != nil {
				return nil, err
			}
			own := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificates.GetCertificate(nil) }
			d := &tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: p.Name, GetClientCertificate: own}}
			return d.DialContext(ctx, network, address)
		},
	}}
	server := &http.Server{
		Handler: p, ReadHeaderTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			pool, err := p.authority()
			return &tls.Config{
				MinVersion: tls.VersionTLS13, GetCertificate: certificates.GetCertificate,
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, VerifyConnection: p.isReplica, SessionTicketsDisabled: true,
			}, err
		}},
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // who is cut off asks the next to lead
	defer stop()
	go p.follow(ctx)
	if err := server.ServeTLS(l, "", ""); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving other replicas: %w", err)
	}
	return nil
}

// authority is read again for each connection: it may have been renewed.
func (p *Peer) authority() (*x509.CertPool, error) {
	pool, err := authority.Pool(filepath.Join(p.Certificates, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("reading the authority of the replicas: %w", err)
	}
	return pool, nil
}

// isReplica keeps others out that the same authority has signed, such as KEDA.
func (p *Peer) isReplica(c tls.ConnectionState) error {
	if len(c.PeerCertificates) == 0 || !slices.Contains(c.PeerCertificates[0].DNSNames, p.Name) {
		return fmt.Errorf("the client's certificate is not for %s", p.Name)
	}
	return nil
}

// ServeHTTP tells the decisions.
func (p *Peer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.URL.Path != Path:
		http.NotFound(w, req)
		return
	case !p.Leads():
		http.Error(w, "another replica leads", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(p.Tell()) // who went away asks again
}

// follow asks until the context ends, while another one leads.
func (p *Peer) follow(ctx context.Context) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		if !p.Leads() {
			lines, err := p.ask(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				p.leader = ""
			} else {
				p.Learn(lines)
			}
			p.say(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// say logs what changed.
func (p *Peer) say(err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != p.trouble {
		p.Log.Info("following the replica that leads", "error", cmp.Or(said, "none any more"))
	}
	p.trouble = said
}

func (p *Peer) ask(ctx context.Context) ([]Line, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if p.leader == "" {
		record, _, err := p.Lock.Get(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the lease: %w", err)
		}
		if record.HolderIdentity == "" {
			return nil, errors.New("nobody leads")
		}
		p.leader = record.HolderIdentity
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+p.leader+Path, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s: %s", p.leader, answer.Status)
	}
	var lines []Line
	if err := json.NewDecoder(io.LimitReader(answer.Body, most)).Decode(&lines); err != nil {
		return nil, fmt.Errorf("reading the decisions of %s: %w", p.leader, err)
	}
	return lines, nil
}
