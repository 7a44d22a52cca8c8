package kube

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/demand"
)

const (
	// DemandPath is where gateways report, by POST, to every replica of the controller.
	DemandPath = "/v1/demand"

	// DemandAudience is that of the tokens with which they do, so that such a token
	// is good for nothing else.
	DemandAudience = "flyball-controller"

	// GatewayAccount is the ServiceAccount, in the controller's namespace, of those
	// who may report.
	GatewayAccount = "flyball-gateway"

	maxReport     = 4 << 20          // bytes: 30,000 services
	reviewPeriod  = 30 * time.Second // how long a token that was good is not asked about again
	reviewTimeout = 10 * time.Second // of asking anew, while the token is still taken
	maxReviewed   = 1000             // tokens
)

// DemandSettings say where gateways report; without an address they cannot.
type DemandSettings struct {
	Address      string // to listen on
	Namespace    string // of the gateways' ServiceAccount
	Certificates string // folder with tls.crt and tls.key; plain HTTP without
}

// errNotBearer is a request without a token.
var errNotBearer = errors.New("a bearer token is wanted")

// demands is the endpoint where gateways report, and the table of what they said.
type demands struct {
	settings DemandSettings
	review   func(ctx context.Context, token string) (authenticationv1.TokenReviewStatus, error)
	now      func() time.Time
	log      logr.Logger

	mu       sync.Mutex
	table    *demand.Table
	more     func(demand.Service) // told of services of which more is held
	reviewed map[[sha256.Size]byte]reviewed
	renewals sync.WaitGroup
}

// reviewed is a token that was good. It is asked about again beside the report that
// comes after renew, so that no wake waits for the API server.
type reviewed struct{ renew, until time.Time }

func newDemands(s DemandSettings, c client.Client, log logr.Logger, now func() time.Time) *demands {
	return &demands{
		settings: s, review: reviewer(c), now: now, log: log, table: demand.NewTable(now()),
		more: func(demand.Service) {}, reviewed: map[[sha256.Size]byte]reviewed{},
	}
}

// reviewer asks the API server whose token it is.
func reviewer(c client.Client) func(context.Context, string) (authenticationv1.TokenReviewStatus, error) {
	return func(ctx context.Context, token string) (authenticationv1.TokenReviewStatus, error) {
		r := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{DemandAudience}}}
		if err := c.Create(ctx, r); err != nil {
			return r.Status, fmt.Errorf("reviewing a token: %w", err)
		}
		return r.Status, nil
	}
}

// of is the demand for one service now.
func (d *demands) of(key demand.Service) demand.Demand {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table.Of(d.now(), key)
}

// all is that for every service.
func (d *demands) all() (list []demand.Item, gateways int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table.All(d.now())
}

// podWork of all services now.
func (d *demands) podWork() map[demand.Service]map[string]demand.PodWork {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table.Pods(d.now())
}

// tell calls f, without delay and without a lock, for each service that waits for
// more than it did.
func (d *demands) tell(f func(demand.Service)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.more = f
}

// NeedLeaderElection lets every replica listen: the next leader knows the demand.
func (d *demands) NeedLeaderElection() bool { return false }

// Start serves until the context ends.
func (d *demands) Start(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.settings.Address)
	if err != nil {
		return fmt.Errorf("listening for the gateways' reports: %w", err)
	}
	d.mu.Lock()
	d.table = demand.NewTable(d.now()) // gateways can report from now on
	d.mu.Unlock()
	return d.serve(ctx, l)
}

func (d *demands) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: d, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	serve := func() error { return server.Serve(l) }
	if folder := d.settings.Certificates; folder != "" {
		certificates, err := certwatcher.New(folder+"/tls.crt", folder+"/tls.key")
		if err != nil {
			return errors.Join(fmt.Errorf("reading the certificate for the gateways: %w", err), l.Close())
		}
		server.TLSConfig = &tls.Config{GetCertificate: certificates.GetCertificate, MinVersion: tls.VersionTLS13}
		go func() {
			if err := certificates.Start(ctx); err != nil {
				d.log.Error(err, "the certificate for the gateways is not read again")
			}
		}()
		serve = func() error { return server.ServeTLS(l, "", "") }
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // a report lives for seconds: none is waited for
	defer stop()
	if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the gateways' reports: %w", err)
	}
	return nil
}

// ServeHTTP takes a report.
func (d *demands) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.URL.Path != DemandPath:
		http.NotFound(w, req)
		return
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST is wanted", http.StatusMethodNotAllowed)
		return
	}
	if status, err := d.authenticate(req); err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	var r demand.Report
	if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxReport)).Decode(&r); err != nil {
		status := http.StatusBadRequest
		if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "reading the report: "+err.Error(), status)
		return
	}
	if err := d.take(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *demands) take(r demand.Report) error {
	d.mu.Lock()
	more, err := d.table.Report(d.now(), r)
	tell := d.more
	d.mu.Unlock()
	if err != nil {
		return err
	}
	for _, key := range more {
		tell(key)
	}
	return nil
}

// authenticate returns the status of a refusal.
func (d *demands) authenticate(req *http.Request) (int, error) {
	token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return http.StatusUnauthorized, errNotBearer
	}
	known, renew := d.known(token)
	if renew {
		ctx := context.WithoutCancel(req.Context())
		d.renewals.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
			defer cancel()
			_, _ = d.ask(ctx, token) // a token that was refused is so to the next report, aloud
		})
	}
	if known {
		return 0, nil
	}
	return d.ask(req.Context(), token)
}

// known is whether the token was good a short time ago, and whether this caller is the
// one who has to ask about it again.
func (d *demands) known(token string) (known, renew bool) {
	hash, now := sha256.Sum256([]byte(token)), d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.reviewed[hash]
	if known = now.Before(r.until); !known || now.Before(r.renew) {
		return known, false
	}
	r.renew = r.until
	d.reviewed[hash] = r
	return true, true
}

// ask has a token reviewed, and remembers what came of it. It returns the status of a
// refusal.
func (d *demands) ask(ctx context.Context, token string) (int, error) {
	hash := sha256.Sum256([]byte(token))
	status, err := d.review(ctx, token)
	if err != nil { // what is known of it stays so until its time is over
		d.log.Error(err, "a token is not reviewed")
		return http.StatusServiceUnavailable, errors.New("the token cannot be reviewed now")
	}
	want := fmt.Sprintf("system:serviceaccount:%s:%s", d.settings.Namespace, GatewayAccount)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.reviewed, hash)
	switch {
	case !status.Authenticated || !slices.Contains(status.Audiences, DemandAudience):
		return http.StatusUnauthorized, fmt.Errorf("the token is none for the audience %s", DemandAudience)
	case status.User.Username != want:
		return http.StatusForbidden, fmt.Errorf("%s may not report, only %s", status.User.Username, want)
	}
	if len(d.reviewed) >= maxReviewed {
		clear(d.reviewed)
	}
	renew := d.now().Add(reviewPeriod)
	d.reviewed[hash] = reviewed{renew: renew, until: renew.Add(reviewPeriod)}
	return 0, nil
}
