package meter

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/explain"
)

const (
	period = 10 * time.Second // between two looks
	rest   = 20               // and at least so many times as long as the last one took
)

// A Meter counts what is done, and keeps what was seen last of all services.
type Meter struct {
	decisions, applies *prometheus.CounterVec

	mu       sync.Mutex
	at       time.Time // of the last look; zero on a replica that does not lead
	rows     []row
	gateways int
	behind   map[link]time.Time // since when
}

// link is that of one service.
type link struct {
	types.NamespacedName
	explain.Link
}

// row is one service with what its series need.
type row struct {
	explain.Row
	replicas explain.Replicas
	warnings []string
	behind   map[explain.Link]time.Duration
}

// Seen is what a look finds: all services, and how many gateways report.
type Seen struct {
	Services []explain.Snapshot
	Gateways int
}

// New adds its metrics to a registry.
func New(r prometheus.Registerer) (*Meter, error) {
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "flyball_" + name, Help: help}, labels)
	}
	m := &Meter{
		decisions: count("decisions_total", "Reconciliations, by what was decided.", "action"),
		applies:   count("applies_total", "Attempts to carry a decision out, by outcome: changed, unchanged, conflict or error.", "outcome"),
		behind:    map[link]time.Time{},
	}
	for _, o := range []string{"changed", "unchanged", "conflict", "error"} {
		m.applies.WithLabelValues(o)
	}
	for _, c := range []prometheus.Collector{m, m.decisions, m.applies} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("adding metrics: %w", err)
		}
	}
	return m, nil
}

// Acted counts a decision and what became of it. A nil Meter counts nothing.
func (m *Meter) Acted(a explain.Action, changed bool, err error) {
	if m == nil {
		return
	}
	m.decisions.WithLabelValues(a.String()).Inc()
	outcome := "unchanged"
	switch {
	case apierrors.IsConflict(err):
		outcome = "conflict"
	case err != nil:
		outcome = "error"
	case changed:
		outcome = "changed"
	}
	m.applies.WithLabelValues(outcome).Inc()
}

// Run looks at all services now and then, until the context ends. It is for the replica
// that leads.
func (m *Meter) Run(ctx context.Context, log logr.Logger, look func(context.Context) (Seen, error)) error {
	defer m.forget()
	trouble := ""
	for {
		began, said := time.Now(), ""
		switch seen, err := look(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			said = err.Error()
		default:
			m.see(time.Now(), seen)
		}
		if said != trouble && said != "" {
			log.Info("the metrics about services are old", "error", said)
		}
		trouble = said
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(period, rest*time.Since(began))):
		}
	}
}

func (m *Meter) see(now time.Time, seen Seen) {
	rows := make([]row, 0, len(seen.Services))
	since := map[link]time.Time{}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range seen.Services {
		r := row{Row: explain.Rows([]explain.Snapshot{s})[0], replicas: s.Replicas(), behind: map[explain.Link]time.Duration{}}
		for _, n := range s.Verdict().Notices {
			if n.Warning {
				r.warnings = append(r.warnings, n.Reason)
			}
		}
		for _, l := range explain.Links() {
			r.behind[l] = 0
			if !s.Behind(l) {
				continue
			}
			key := link{types.NamespacedName{Namespace: r.Namespace, Name: r.Name}, l}
			began, known := m.behind[key]
			if !known {
				began = now
			}
			since[key], r.behind[l] = began, now.Sub(began)
		}
		rows = append(rows, r)
	}
	m.at, m.rows, m.gateways, m.behind = now, rows, seen.Gateways, since
}

// forget is for a replica that no longer leads.
func (m *Meter) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at, m.rows, m.behind = time.Time{}, nil, map[link]time.Time{}
}
