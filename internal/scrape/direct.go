package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/flyball-dev/flyball/internal/reading"
)

// What a pod that is asked may take.
const (
	directTimeout   = 2 * time.Second
	directMostBytes = 4 << 20
	directParallel  = 32
)

// A Direct reads the pods' own /metrics, for whoever wants a younger signal than a scrape
// of Prometheus.
type Direct struct {
	client   *http.Client
	address  func(namespace, pod string) string
	interval time.Duration
	families []family
}

// NewDirect asks each pod at the URL that address knows of it, "" if none, at an interval.
func NewDirect(through http.RoundTripper, address func(namespace, pod string) string, interval time.Duration, signals []reading.Signal) (*Direct, error) {
	all, err := families(signals)
	client := &http.Client{
		Transport: limited{through, directMostBytes}, Timeout: directTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Direct{client, address, interval, all}, err
}

// Read is as Prometheus' Read. A pod that does not answer is absent: it may not be up yet.
func (d *Direct) Read(ctx context.Context, now time.Time, fleets map[Service][]string) (map[Service]reading.Set, error) {
	c := crowdOf(fleets)
	rows := make([][][]row, len(c.slots)) // by slot and family
	var mu sync.Mutex
	var errs []error
	var group errgroup.Group
	group.SetLimit(directParallel)
	since := reading.SinceEpoch(now)
	for i, s := range c.slots {
		pod := fleets[s.service][s.pod]
		url := d.address(s.service.Namespace, pod)
		if url == "" {
			continue
		}
		group.Go(func() error {
			exposed, err := d.exposed(ctx, url)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("reading the metrics of pod %s/%s: %w", s.service.Namespace, pod, err))
				return nil
			}
			for _, f := range d.families {
				rows[i] = append(rows[i], f.exposed(exposed, int32(i), since))
			}
			return nil
		})
	}
	_ = group.Wait() // they are in errs
	sets := make(map[Service]reading.Set, len(fleets))
	for n, f := range d.families {
		var all []row
		for _, of := range rows {
			if of != nil {
				all = append(all, of[n]...)
			}
		}
		f.fill(c, cells(all, d.interval), judge{since, d.interval, false}, sets)
	}
	return sets, errors.Join(errs...)
}

func (d *Direct) exposed(ctx context.Context, url string) (model.Vector, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", answer.Status)
	}
	return parse(answer.Body)
}

// parse reads the text that a pod exposes.
func parse(from io.Reader) (model.Vector, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(from)
	if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, long.Limit)
	}
	if err != nil {
		return nil, err
	}
	return expfmt.ExtractSamples(&expfmt.DecodeOptions{}, slices.Collect(maps.Values(all))...)
}

// exposed are the samples of the family that a pod shows.
func (f family) exposed(all model.Vector, slot int32, at time.Duration) []row {
	var rows []row
	sampler := f.sampler()
	for _, s := range all {
		if r, ok := sampler.sample(labelsOf(s.Metric)); ok {
			r.slot, r.at = slot, at
			if f.of != reading.CacheSize {
				r.value = float64(s.Value)
			}
			rows = append(rows, r)
		}
	}
	return rows
}

func labelsOf(m model.Metric) func(string) string {
	return func(name string) string { return string(m[model.LabelName(name)]) }
}
