package scrape

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/flyball-dev/flyball/internal/reading"
)

// Whatever is wrong with a source, its answers are no numbers. These have a fix of their own.
var (
	ErrCredentials = errors.New("the credentials are refused")
	ErrTooLarge    = errors.New("the answer is too large")
	ErrPartial     = errors.New("the answer may not be all")
)

// A Config says where a Prometheus is, and what it is asked with.
type Config struct {
	Address string
	// Of user and password, or of a token: files, which are read again when they change.
	User, PasswordFile string
	TokenFile          string
	CAFile             string        // "": the system's
	Interval           time.Duration // at which it scrapes the pods; 0: DefaultInterval
	Timeout            time.Duration // of all queries of one Read; 0: DefaultTimeout
	MostBytes          int64         // of one answer; 0: DefaultMostBytes
}

// The defaults: of the Prometheus operator, and for a tick of 15 s.
const (
	DefaultInterval  = 30 * time.Second
	DefaultTimeout   = 10 * time.Second
	DefaultMostBytes = 64 << 20
	// perQuery is how many services one query is for, unless one namespace has more.
	perQuery = 1000
	// parallel is how many queries are under way at a time.
	parallel = 4
)

// A Prometheus is a source.
type Prometheus struct {
	api      prometheus.API
	config   Config
	families []family
}

// NewPrometheus is one that is asked for signals.
func NewPrometheus(c Config, signals []reading.Signal) (*Prometheus, error) {
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MostBytes == 0 {
		c.MostBytes = DefaultMostBytes
	}
	if c.Interval < time.Second || c.Timeout < time.Second || c.MostBytes < 1 {
		return nil, fmt.Errorf("a scrape each %v, a timeout of %v and answers of %d bytes: too little", c.Interval, c.Timeout, c.MostBytes)
	}
	all, err := families(signals)
	if err != nil {
		return nil, err
	}
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	server, err := api.NewClient(api.Config{Address: c.Address, Client: client})
	if err != nil {
		return nil, fmt.Errorf("reading the address of Prometheus: %w", err)
	}
	return &Prometheus{prometheus.NewAPI(server), c, all}, nil
}

// Read reads the signals of services, whose live pods are given in their fleets' order. Now
// is the time by the caller's clock. There is a set of each service even with an error,
// which says why some readings in it are invalid or stale.
func (p *Prometheus) Read(ctx context.Context, now time.Time, fleets map[Service][]string) (map[Service]reading.Set, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	sets := make(map[Service]reading.Set, len(fleets))
	var errs []error
	for _, some := range batches(fleets) {
		errs = append(errs, p.batch(ctx, now, some, sets))
	}
	return sets, errors.Join(errs...)
}

// batches are services of which one query asks: whole namespaces.
func batches(fleets map[Service][]string) []map[Service][]string {
	var all []map[Service][]string
	namespace := ""
	for _, s := range services(fleets) {
		if len(all) == 0 || len(all[len(all)-1]) >= perQuery && s.Namespace != namespace {
			all = append(all, map[Service][]string{})
		}
		namespace = s.Namespace
		all[len(all)-1][s] = fleets[s]
	}
	return all
}

// A batch is some services' read.
type batch struct {
	*crowd
	namespaces []string
	pinned     []time.Duration // by slot: newest sample that is read of the pod; 0: not known yet
	sets       map[Service]reading.Set
}

// batch asks for the first family, whose newest samples say up to when each pod is read,
// and then for the others: a scrape may come in between, and half of it would be a
// contradiction (INV-2).
func (p *Prometheus) batch(ctx context.Context, now time.Time, fleets map[Service][]string, sets map[Service]reading.Set) error {
	b := &batch{crowd: crowdOf(fleets), sets: sets}
	b.pinned = make([]time.Duration, len(b.slots))
	for _, s := range services(fleets) {
		b.namespaces = append(b.namespaces, s.Namespace)
	}
	b.namespaces = slices.Compact(b.namespaces)
	since := reading.SinceEpoch(now)
	errs := make([]error, len(p.families))
	one := func(i int) ([]row, bool) {
		rows, partial, err := p.ask(ctx, b, p.families[i])
		errs[i] = err
		return rows, partial
	}
	first, partial := one(0)
	for _, r := range first {
		b.pinned[r.slot] = max(b.pinned[r.slot], r.at)
	}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range p.families {
		group.Go(func() error {
			rows, partial := first, partial
			if i > 0 {
				rows, partial = one(i)
			}
			read := cells(rows, p.config.Interval)
			mu.Lock()
			defer mu.Unlock()
			if errs[i] != nil {
				p.families[i].failed(b.crowd, since, sets)
			} else {
				p.families[i].fill(b.crowd, read, judge{since, p.config.Interval, partial}, sets)
			}
			if partial && errs[i] == nil {
				errs[i] = ErrPartial
			}
			return nil
		})
	}
	_ = group.Wait() // they are in errs
	return firstOf(errs)
}

// firstOf is the first error that has a fix of its own, or else any.
func firstOf(errs []error) error {
	var some error
	for _, err := range errs {
		switch {
		case errors.Is(err, ErrCredentials) || errors.Is(err, ErrTooLarge):
			return err
		case some == nil:
			some = err
		}
	}
	return some
}

// ask is one query. Warnings say that the answer may not be all: of Thanos that a store did
// not answer.
func (p *Prometheus) ask(ctx context.Context, b *batch, f family) (rows []row, partial bool, err error) {
	window := model.Duration(2*p.config.Interval + skew).String()
	v, warnings, _, err := p.api.Query(ctx, f.query(b.namespaces, window), time.Time{})
	if err != nil {
		return nil, false, refused(err)
	}
	matrix, ok := v.(model.Matrix)
	if !ok {
		return nil, false, errors.New("asking Prometheus: the answer is no matrix")
	}
	names := f.names()
	for _, series := range matrix {
		if series == nil { // null in its place
			continue
		}
		label := labelsOf(series.Metric)
		r, ok := f.sample(names, label(model.MetricNameLabel), label)
		if !ok {
			continue
		}
		for _, slot := range b.at[podKey{label("namespace"), label("pod")}] {
			newest, ok := newestOf(series.Values, b.pinned[slot])
			if !ok {
				continue
			}
			r.slot, r.at = slot, time.Duration(newest.Timestamp)*time.Millisecond
			if f.of != reading.CacheSize { // that is in a label
				r.value = float64(newest.Value)
			}
			rows = append(rows, r)
		}
	}
	return rows, len(warnings) > 0, nil
}

// newestOf is the newest sample up to a time; 0 is any.
func newestOf(values []model.SamplePair, until time.Duration) (model.SamplePair, bool) {
	for _, v := range slices.Backward(values) {
		if until == 0 || time.Duration(v.Timestamp)*time.Millisecond <= until {
			return v, true
		}
	}
	return model.SamplePair{}, false
}

func labelsOf(m model.Metric) func(string) string {
	return func(name string) string { return string(m[model.LabelName(name)]) }
}

// refused is an error of the API.
func refused(err error) error {
	var answer *prometheus.Error
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return fmt.Errorf("asking Prometheus: %w: more than %d bytes", ErrTooLarge, long.Limit)
	case errors.As(err, &answer) && (answer.Msg == "client error: 401" || answer.Msg == "client error: 403"):
		return fmt.Errorf("asking Prometheus: %w: %s", ErrCredentials, answer.Msg)
	}
	return fmt.Errorf("asking Prometheus: %w", err)
}
