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
	"sync"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/pulse"
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

	maxReport = 4 << 20 // bytes: 30,000 services
)

// Settings say where gateways report; without an address they cannot.
type Settings struct {
	Address      string // to listen on
	Namespace    string // of the gateways' ServiceAccount
	Certificates string // folder with tls.crt and tls.key
	Pulse        *pulse.Pulse
}

// An Inbox is the endpoint where gateways report, and the table of what they said.
type Inbox struct {
	settings Settings
	review   func(ctx context.Context, token string) (authenticationv1.TokenReviewStatus, error)
	now      func() time.Time
	log      logr.Logger

	mu       sync.Mutex
	table    *demand.Table
	more     []func(demand.Service) // told of services of which more is held
	exists   func(demand.Service) bool
	stuck    func(context.Context, demand.Service) string
	room     func(demand.Service) (demand.Room, bool)
	reviewed map[[sha256.Size]byte]reviewed
	refused  map[[sha256.Size]byte]refusal
	renewals sync.WaitGroup
	reviews  chan struct{} // one for each that is under way
}

// New reviews tokens with c; it serves once it is started.
func New(s Settings, c client.Client, log logr.Logger, now func() time.Time) *Inbox {
	return &Inbox{
		settings: s, review: reviewer(c), now: now, log: log, table: demand.NewTable(now()),
		exists:   func(demand.Service) bool { return true },
		stuck:    func(context.Context, demand.Service) string { return "" },
		room:     func(demand.Service) (demand.Room, bool) { return demand.Room{}, false },
		reviewed: map[[sha256.Size]byte]reviewed{}, refused: map[[sha256.Size]byte]refusal{}, reviews: make(chan struct{}, maxReviews),
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

// ByPromise is whether all gateways that report have requests wait by promise.
func (b *Inbox) ByPromise() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.table.ByPromise(b.now())
}

// Tell calls f too, without delay and without a lock, for each service that waits for
// more than it did. It begins with those that wait already: gateways report as soon as there
// is an address, and who is told may come later.
func (b *Inbox) Tell(f func(demand.Service)) {
	b.mu.Lock()
	b.more = append(b.more, f)
	all, _ := b.table.All(b.now())
	b.mu.Unlock()
	for _, i := range all {
		if i.Held > 0 {
			f(i.Service())
		}
	}
}

// Know has what is said of services that do not exist left out. f must not block.
func (b *Inbox) Know(f func(demand.Service) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exists = f
}

// Judge has gateways told of the services that requests are held for and that cannot get
// a pod: f says why, empty if one may come. It must not wait for the API server.
func (b *Inbox) Judge(f func(context.Context, demand.Service) string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stuck = f
}

// Room has gateways where requests wait by promise told of their parts of what f knows of a
// service's pods; false if it is not known. It must not block.
func (b *Inbox) Room(f func(demand.Service) (demand.Room, bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.room = f
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
	certificates, err := certwatcher.New(b.settings.Certificates+"/tls.crt", b.settings.Certificates+"/tls.key")
	if err != nil {
		return errors.Join(fmt.Errorf("reading the certificate for the gateways: %w", err), l.Close())
	}
	server.TLSConfig = &tls.Config{GetCertificate: certificates.GetCertificate, MinVersion: tls.VersionTLS13}
	go func() {
		if err := certificates.Start(ctx); err != nil {
			b.log.Error(err, "the certificate for the gateways is not read again")
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // a report lives for seconds: none is waited for
	defer stop()
	if err := server.ServeTLS(l, "", ""); err != nil && !errors.Is(err, http.ErrServerClosed) {
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
	pod, status, err := b.authenticate(req)
	if err != nil {
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
	if r.Gateway != pod {
		http.Error(w, fmt.Sprintf("the token is that of pod %s, which may not report as %q", pod, r.Gateway), http.StatusForbidden)
		return
	}
	ctx, end := b.settings.Pulse.Begin(req.Context(), "taking the report of "+pod)
	defer end()
	if err := b.take(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := b.answer(ctx, r)
	if len(answer.Stuck)+len(answer.Rooms) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // a gateway that is gone asks again
}

// answer is about what was taken of a report.
func (b *Inbox) answer(ctx context.Context, r demand.Report) demand.Answer {
	b.mu.Lock()
	stuck, exists := b.stuck, b.exists
	b.mu.Unlock()
	var a demand.Answer
	for _, i := range r.Services {
		if !exists(i.Service()) {
			continue
		}
		if i.Held > 0 {
			if why := stuck(ctx, i.Service()); why != "" {
				a.Stuck = append(a.Stuck, demand.Stuck{Namespace: i.Namespace, Name: i.Name, Why: why})
			}
		}
		if room, known := b.part(r, i.Service()); known {
			a.Rooms = append(a.Rooms, room)
		}
	}
	return a
}

// part is what a gateway that has reported gets of a service's room.
func (b *Inbox) part(r demand.Report, of demand.Service) (demand.Room, bool) {
	b.mu.Lock()
	room := b.room
	b.mu.Unlock()
	if !r.ByPromise {
		return demand.Room{}, false
	}
	whole, known := room(of)
	b.mu.Lock()
	defer b.mu.Unlock()
	return whole.Part(b.table.Share(b.now(), r.Gateway, of)), known
}

func (b *Inbox) take(r demand.Report) error {
	if err := r.Validate(); err != nil {
		return err
	}
	b.mu.Lock()
	exists := b.exists
	b.mu.Unlock()
	r.Services = slices.DeleteFunc(r.Services, func(i demand.Item) bool { return !exists(i.Service()) })
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
