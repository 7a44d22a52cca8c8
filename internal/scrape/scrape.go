package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

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
	client   *http.Client
	address  string // where it is asked
	config   Config
	families []family
	spare    sync.Pool // of []row: a histogram of a thousand pods has tens of thousands
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
	address, err := url.JoinPath(c.Address, "api/v1/query")
	if err != nil {
		return nil, fmt.Errorf("reading the address of Prometheus: %w", err)
	}
	return &Prometheus{client: client, address: address, config: c, families: all}, nil
}

// Read reads the signals of services, whose live pods are given in their fleets' order. Now
// is the time by the caller's clock. There is a set of each service even with an error,
// which says why some readings in it are invalid or stale. Sets share bounds: they must not be
// filled again.
func (p *Prometheus) Read(ctx context.Context, now time.Time, fleets map[Service][]string) (map[Service]reading.Set, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	sets := make(map[Service]reading.Set, len(fleets))
	var errs []error
	for _, some := range batches(fleets) {
		errs = append(errs, p.batch(ctx, now, some, sets))
	}
	return sets, firstOf(errs)
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
	decoding   chan struct{}   // one for each answer that is
	sets       map[Service]reading.Set
}

// batch asks for the first family, whose newest samples say up to when each pod is read,
// and then for the others: a scrape may come in between, and half of it would be a
// contradiction (INV-2).
func (p *Prometheus) batch(ctx context.Context, now time.Time, fleets map[Service][]string, sets map[Service]reading.Set) error {
	// Of the threads, one more than there are cores, two are left for whoever else has something to do: a
	// tick is mostly this.
	b := &batch{crowd: crowdOf(fleets), sets: sets, decoding: make(chan struct{}, max(runtime.GOMAXPROCS(0)-2, 1))}
	b.pinned = make([]time.Duration, len(b.slots))
	signals := 0
	for _, f := range p.families {
		signals += len(f.signals)
	}
	for _, s := range services(fleets) {
		b.namespaces = append(b.namespaces, s.Namespace)
		sets[s] = make(reading.Set, 0, signals)
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
	defer func() { p.spare.Put(&first) }()
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
				defer func() { p.spare.Put(&rows) }()
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

// ask is one query.
func (p *Prometheus) ask(ctx context.Context, b *batch, f family) (rows []row, partial bool, err error) {
	window := model.Duration(2*p.config.Interval + skew).String()
	res, err := p.query(ctx, url.Values{"query": {f.query(b.namespaces, window)}}.Encode())
	if err != nil {
		return nil, false, p.refused(err)
	}
	defer res.Body.Close()
	b.decoding <- struct{}{}
	defer func() { <-b.decoding }()
	if kept, ok := p.spare.Get().(*[]row); ok {
		rows = (*kept)[:0]
	}
	a, sampler := newAnswer(res.Body), f.sampler()
	err = a.read(func() {
		r, ok := sampler.sample(a.label)
		if !ok {
			return
		}
		for _, slot := range b.at[podKey{a.label("namespace"), a.label("pod")}] {
			newest, ok := newestOf(a.samples, b.pinned[slot])
			if !ok {
				continue
			}
			r.slot, r.at = slot, time.Duration(newest.Timestamp)*time.Millisecond
			if f.of != reading.CacheSize { // that is in a label
				r.value = float64(newest.Value)
			}
			rows = append(rows, r)
		}
	})
	if err != nil {
		return nil, false, p.refused(err)
	}
	_, _ = io.Copy(io.Discard, res.Body) // so that the connection serves again
	return rows, a.partial, nil
}

// query is an answer of 200. Where POST is not let through, it is asked by GET.
func (p *Prometheus) query(ctx context.Context, form string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header["Idempotency-Key"] = nil // a connection that has just been closed is no error
	res, err := p.client.Do(req)
	if err == nil && slices.Contains([]int{http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented}, res.StatusCode) {
		res.Body.Close()
		if req, err = http.NewRequestWithContext(ctx, http.MethodGet, p.address+"?"+form, http.NoBody); err != nil {
			return nil, err
		}
		res, err = p.client.Do(req)
	}
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden {
		return nil, fmt.Errorf("%w: %s", ErrCredentials, res.Status)
	}
	a := newAnswer(res.Body)
	_ = a.read(func() {}) // who answers may be no Prometheus
	return nil, fmt.Errorf("the answer is %s %s", res.Status, a.failure)
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

// refused is an error of a query, with who was asked, which one of the transport says itself.
func (p *Prometheus) refused(err error) error {
	who := "Prometheus"
	if at, wrong := url.Parse(p.address); wrong == nil && !errors.As(err, new(*url.Error)) {
		who += " at " + at.Redacted()
	}
	if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
		return fmt.Errorf("asking %s: %w: more than %d bytes", who, ErrTooLarge, long.Limit)
	}
	return fmt.Errorf("asking %s: %w", who, err)
}
