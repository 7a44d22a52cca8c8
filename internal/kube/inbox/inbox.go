package inbox

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
	// Path is where gateways report, by POST, to every replica of the controller.
	Path = "/v1/demand"

	// Audience is that of the tokens with which they do, so that such a token
	// is good for nothing else.
	Audience = "flyball-controller"

	// Account is the ServiceAccount, in the controller's namespace, of those
	// who may report.
	Account = "flyball-gateway"

	maxReport     = 4 << 20          // bytes: 30,000 services
	reviewPeriod  = 30 * time.Second // how long a token that was good is not asked about again
	reviewTimeout = 10 * time.Second // of asking anew, while the token is still taken
	maxReviewed   = 1000             // tokens
)

// Settings say where gateways report; without an address they cannot.
type Settings struct {
	Address      string // to listen on
	Namespace    string // of the gateways' ServiceAccount
	Certificates string // folder with tls.crt and tls.key; plain HTTP without
}

// errNotBearer is a request without a token.
var errNotBearer = errors.New("a bearer token is required")

// An Inbox is the endpoint where gateways report, and the table of what they said.
type Inbox struct {
	settings Settings
	review   func(ctx context.Context, token string) (authenticationv1.TokenReviewStatus, error)
	now      func() time.Time
	log      logr.Logger

	mu       sync.Mutex
	table    *demand.Table
	more     []func(demand.Service) // told of services of which more is held
	reviewed map[[sha256.Size]byte]reviewed
	renewals sync.WaitGroup
}

// reviewed is a token that was good. It is asked about again beside the report that
// comes after renew, so that no wake waits for the API server.
type reviewed struct{ renew, until time.Time }

// New reviews tokens with c; it serves once it is started.
func New(s Settings, c client.Client, log logr.Logger, now func() time.Time) *Inbox {
	return &Inbox{
		settings: s, review: reviewer(c), now: now, log: log, table: demand.NewTable(now()),
		reviewed: map[[sha256.Size]byte]reviewed{},
	}
}

// reviewer asks the API server whose token it is.
func reviewer(c client.Client) func(context.Context, string) (authenticationv1.TokenReviewStatus, error) {
	return func(ctx context.Context, token string) (authenticationv1.TokenReviewStatus, error) {
		r := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{Audience}}}
		if err := c.Create(ctx, r); err != nil {
			return r.Status, fmt.Errorf("reviewing a token: %w", err)
		}
		return r.Status, nil
	}
}

// Of is the demand for one service now.
func (b *Inbox) Of(key demand.Service) demand.Demand {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.table.Of(b.now(), key)
}

// All is that for every service.
func (b *Inbox) All() (list []demand.Item, gateways int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.table.All(b.now())
}

// Pods of all services now.
func (b *Inbox) Pods() map[demand.Service]map[string]demand.PodWork {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.table.Pods(b.now())
}

// Tell calls f too, without delay and without a lock, for each service that waits for
// more than it did.
func (b *Inbox) Tell(f func(demand.Service)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.more = append(b.more, f)
}

// NeedLeaderElection lets every replica listen: the next leader knows the demand.
func (b *Inbox) NeedLeaderElection() bool { return false }

// Start serves until the context ends.
func (b *Inbox) Start(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.settings.Address)
	if err != nil {
		return fmt.Errorf("listening for the gateways' reports: %w", err)
	}
	b.mu.Lock()
	b.table = demand.NewTable(b.now()) // gateways can report from now on
	b.mu.Unlock()
	return b.serve(ctx, l)
}

func (b *Inbox) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: b, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	serve := func() error { return server.Serve(l) }
	if folder := b.settings.Certificates; folder != "" {
		certificates, err := certwatcher.New(folder+"/tls.crt", folder+"/tls.key")
		if err != nil {
			return errors.Join(fmt.Errorf("reading the certificate for the gateways: %w", err), l.Close())
		}
		server.TLSConfig = &tls.Config{GetCertificate: certificates.GetCertificate, MinVersion: tls.VersionTLS13}
		go func() {
			if err := certificates.Start(ctx); err != nil {
				b.log.Error(err, "the certificate for the gateways is not read again")
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
func (b *Inbox) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.URL.Path != Path:
		http.NotFound(w, req)
		return
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST is required", http.StatusMethodNotAllowed)
		return
	}
	if status, err := b.authenticate(req); err != nil {
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
	if err := b.take(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *Inbox) take(r demand.Report) error {
	b.mu.Lock()
	more, err := b.table.Report(b.now(), r)
	tell := slices.Clone(b.more)
	b.mu.Unlock()
	if err != nil {
		return err
	}
	for _, key := range more {
		for _, f := range tell {
			f(key)
		}
	}
	return nil
}

// authenticate returns the status of a refusal.
func (b *Inbox) authenticate(req *http.Request) (int, error) {
	token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return http.StatusUnauthorized, errNotBearer
	}
	known, renew := b.known(token)
	if renew {
		ctx := context.WithoutCancel(req.Context())
		b.renewals.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
			defer cancel()
			_, _ = b.ask(ctx, token) // a token that was refused is so to the next report, aloud
		})
	}
	if known {
		return 0, nil
	}
	return b.ask(req.Context(), token)
}

// known is whether the token was good a short time ago, and whether this caller is the
// one who has to ask about it again.
func (b *Inbox) known(token string) (known, renew bool) {
	hash, now := sha256.Sum256([]byte(token)), b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.reviewed[hash]
	if known = now.Before(r.until); !known || now.Before(r.renew) {
		return known, false
	}
	r.renew = r.until
	b.reviewed[hash] = r
	return true, true
}

// ask has a token reviewed, and remembers what came of it. It returns the status of a
// refusal.
func (b *Inbox) ask(ctx context.Context, token string) (int, error) {
	hash := sha256.Sum256([]byte(token))
	status, err := b.review(ctx, token)
	if err != nil { // what is known of it stays so until its time is over
		b.log.Error(err, "a token is not reviewed")
		return http.StatusServiceUnavailable, errors.New("the token cannot be reviewed now")
	}
	want := fmt.Sprintf("system:serviceaccount:%s:%s", b.settings.Namespace, Account)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reviewed, hash)
	switch {
	case !status.Authenticated || !slices.Contains(status.Audiences, Audience):
		return http.StatusUnauthorized, fmt.Errorf("the token is none for the audience %s", Audience)
	case status.User.Username != want:
		return http.StatusForbidden, fmt.Errorf("%s may not report, only %s", status.User.Username, want)
	}
	if len(b.reviewed) >= maxReviewed {
		clear(b.reviewed)
	}
	renew := b.now().Add(reviewPeriod)
	b.reviewed[hash] = reviewed{renew: renew, until: renew.Add(reviewPeriod)}
	return 0, nil
}
