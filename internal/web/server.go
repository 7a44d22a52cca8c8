package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/record/why"
)

// Config is what the page is of, and whom it asks.
type Config struct {
	Cluster  string
	Scope    string // a namespace, or all of them, in words
	GPUPrice float64
	Currency string
	Every    time.Duration // a look
	Look     func(context.Context) (Look, error)
	// Check says what is wrong with the cluster, once a minute.
	Check func(context.Context) []Note
	// Count asks a Prometheus of a service; nil: none is named.
	Count func(ctx context.Context, of Subject, from, to time.Time) (*Counted, error)
	// Keep asks it what services have kept of their promises in the last time; nil as Count.
	Keep func(ctx context.Context, all []Subject, last time.Duration) ([]Kept, error)
	// Why tells what is recorded, under a name, of the decisions of a time, and what of that
	// could not be read.
	Why func(ctx context.Context, recorded string, from, to time.Time) (why.Told, []string, error)
	// Try simulates other targets, and calls done after each run; nil without a Prometheus.
	Try func(ctx context.Context, q Question, done func()) (Answer, error)
	// Actions are buttons; without any the page is read only.
	Actions []Action
	Log     *slog.Logger
}

// A Server serves the page.
type Server struct {
	config Config
	mux    *http.ServeMux
	policy string
	desk   *desk

	mu   sync.Mutex
	book *book
	last View // as it was sent
	subs map[chan []byte]bool
	// lost is why the last look failed; "": it did not.
	lost string

	trying sync.Mutex // one simulation at a time
}

// New is a server that has not looked yet.
func New(c Config) (*Server, error) {
	s := &Server{config: c, book: newBook(c), subs: map[chan []byte]bool{}, mux: http.NewServeMux()}
	s.desk, s.last = newDesk(c.Actions, s.tell), s.book.view
	assets, style, err := files()
	if err != nil {
		return nil, err
	}
	s.policy = policy(style)
	s.mux.HandleFunc("GET /api/view", s.serveView)
	s.mux.HandleFunc("GET /api/stream", s.serveStream)
	s.mux.HandleFunc("GET /api/service", s.serveDetail)
	s.mux.HandleFunc("GET /api/series", s.serveSeries)
	s.mux.HandleFunc("GET /api/why", s.serveWhy)
	s.mux.HandleFunc("GET /api/whatif", s.serveWhatIf)
	s.mux.HandleFunc("GET /export.html", s.serveExport)
	s.mux.Handle("GET /", assets)
	if len(c.Actions) > 0 {
		s.mux.HandleFunc("POST /api/actions/{name}", s.desk.servePress)
	}
	return s, nil
}

// checkEvery is between two of Config.Check.
const checkEvery = time.Minute

// Run serves on a listener and looks until the context ends, and what was pressed is undone.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // streams have no end of their own
	defer stop()
	defer s.desk.close()
	go s.watch(ctx)
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the page: %w", err)
	}
	return nil
}

// watch looks, tells, and waits.
func (s *Server) watch(ctx context.Context) {
	tick := time.NewTicker(s.config.Every)
	defer tick.Stop()
	var checked time.Time
	for {
		if s.config.Check != nil && (checked.IsZero() || time.Since(checked) >= checkEvery) {
			checked = time.Now()
			go s.check(ctx)
		}
		s.Refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) check(ctx context.Context) {
	notes := s.config.Check(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.checks = notes
}

// Refresh looks at the cluster once. While it does not answer, the page keeps the last that it saw.
func (s *Server) Refresh(ctx context.Context) {
	s.look(ctx)
	s.learn(ctx)
}

func (s *Server) look(ctx context.Context) {
	l, err := s.config.Look(ctx)
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := ""
	var v View
	if err == nil {
		v = s.book.took(l)
	} else {
		lost = err.Error()
		v = s.book.view
		v.Services, v.Gone = nil, nil
		v.Notes = append([]Note{{Fail, "cluster", lost, "see whether kubectl get inferenceservices -A answers; the page goes on by itself"}}, v.Notes...)
	}
	if lost != s.lost && s.config.Log != nil {
		s.config.Log.Info("reading the cluster", "error", lost)
	}
	s.lost = lost
	s.sendLocked(v)
}

// tell sends what a button became between two looks.
func (s *Server) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.last
	v.Services, v.Gone = nil, nil
	s.sendLocked(v)
}

func (s *Server) sendLocked(v View) {
	v.Whole, v.Buttons = false, s.desk.buttons()
	s.last = v
	text, err := json.Marshal(v)
	if err != nil {
		return
	}
	for c := range s.subs {
		select {
		case c <- text:
		default: // a reader that is this far behind begins again with the whole
			delete(s.subs, c)
			close(c)
		}
	}
}

func (s *Server) whole() View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wholeLocked()
}

func (s *Server) wholeLocked() View {
	v := s.book.whole()
	v.Buttons = s.desk.buttons()
	return v
}

// ServeHTTP is of one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status, why := refusal(r, len(s.config.Actions) > 0); status != 0 {
		http.Error(w, why, status)
		return
	}
	protect(w.Header(), s.policy)
	s.mux.ServeHTTP(w, r)
}

func (s *Server) serveView(w http.ResponseWriter, _ *http.Request) { answer(w, s.whole()) }

func (s *Server) serveDetail(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	d, ok := s.book.detail(r.FormValue("id"))
	s.mu.Unlock()
	if !ok {
		http.Error(w, "no such service", http.StatusNotFound)
		return
	}
	answer(w, d)
}

// maxSpan is the longest time that one request asks of.
const maxSpan = 31 * 24 * time.Hour

func (s *Server) serveSeries(w http.ResponseWriter, r *http.Request) {
	got, status, err := s.series(r.Context(), r.FormValue("id"), r.FormValue("from"), r.FormValue("to"))
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	answer(w, got)
}

// span reads the time that a request is about.
func span(from, to string) (begin, end time.Time, err error) {
	begin, err = time.Parse(time.RFC3339, from)
	end, endErr := time.Parse(time.RFC3339, to)
	if err = errors.Join(err, endErr); err != nil {
		return begin, end, fmt.Errorf("from and to: %w", err)
	}
	if d := end.Sub(begin); d <= 0 || d > maxSpan {
		return begin, end, fmt.Errorf("from %s to %s: must be a time of at most 31 days", from, to)
	}
	return begin, end, nil
}

func (s *Server) series(ctx context.Context, key, from, to string) (Series, int, error) {
	begin, end, err := span(from, to)
	if err != nil {
		return Series{}, http.StatusBadRequest, err
	}
	s.mu.Lock()
	p := s.book.pages[key]
	if p == nil {
		s.mu.Unlock()
		return Series{}, http.StatusNotFound, errors.New("no such service")
	}
	out := Series{From: begin, To: end, Seen: p.seen(begin, end), Cards: []explain.Card{}}
	for _, c := range p.cards {
		if !c.At.Before(begin) && !c.At.After(end) {
			out.Cards = append(out.Cards, c)
		}
	}
	of := p.subject
	s.mu.Unlock()
	out.Promise = of.promise()
	if s.config.Count == nil {
		out.Note = "no Prometheus is named, so this is what the page itself saw: flyball dashboard --prometheus http://…"
		return out, 0, nil
	}
	if out.Counted, err = s.config.Count(ctx, of, begin, end); err != nil {
		out.Note = "Prometheus: " + err.Error()
	} else {
		out.Promise = out.Promise.keeps(out.Counted.Whole)
	}
	return out, 0, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the reader went
}
