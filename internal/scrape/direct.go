package scrape

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/flyball-dev/flyball/internal/reading"
)

// What pods that are asked may take.
const (
	directMostBytes = 4 << 20 // of an answer; Istio adds its proxy's series to the engine's
	directMostKept  = 1 << 19 // of it that is read
	directParallel  = 128     // pods at a time
	// A pod that did not answer the last time is asked after the others, and for this share of
	// the time: it costs them no more.
	directAgain = 4
)

// A DirectConfig says how pods are asked.
type DirectConfig struct {
	Interval time.Duration // between two reads
	Timeout  time.Duration // of one
	// Address is the URL of a live pod's metrics, "" if none, and whether it should answer.
	Address func(ctx context.Context, namespace, pod string) (url string, serves bool)
}

// A Direct reads the pods' own /metrics, for whoever wants a younger signal than a scrape
// of Prometheus. One Read is under way at a time.
type Direct struct {
	DirectConfig
	client   *http.Client
	families []family
	reads    map[string]bool // series by name
	parsing  chan struct{}   // a place for each processor
	answered map[string]bool // by URL, the last time
}

// NewDirect asks pods for signals.
func NewDirect(c DirectConfig, signals []reading.Signal) (*Direct, error) {
	all, err := families(signals)
	if err != nil {
		return nil, err
	}
	d := &Direct{DirectConfig: c, families: all, reads: map[string]bool{}, parsing: make(chan struct{}, runtime.GOMAXPROCS(0))}
	for _, f := range all {
		for name := range f.names() {
			d.reads[name] = true
		}
	}
	d.client = &http.Client{
		// By no proxy, and not compressed: that would cost the engine more than it saves.
		Transport:     limited{&http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second}, directMostBytes},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return d, nil
}

// A visit is to one pod.
type visit struct {
	slot   int32
	url    string
	serves bool
	again  bool
	rows   [][]row // by family
	err    error
}

// Read is as Prometheus' Read. A pod that does not answer is absent: it may not be up yet. The
// error is of the first that should.
func (d *Direct) Read(ctx context.Context, now time.Time, fleets map[Service][]string) (map[Service]reading.Set, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	c, began := crowdOf(fleets), time.Now()
	visits := d.visits(ctx, c)
	var group errgroup.Group
	group.SetLimit(directParallel)
	for i := range visits {
		v := &visits[i]
		group.Go(func() error {
			v.err = d.visit(ctx, v, func() time.Duration { return reading.SinceEpoch(now.Add(time.Since(began))) })
			return nil
		})
	}
	_ = group.Wait() // they are in the visits
	d.answered = make(map[string]bool, len(visits))
	for _, v := range visits {
		d.answered[v.url] = v.err == nil
	}
	sets := make(map[Service]reading.Set, len(fleets))
	for n, f := range d.families {
		var all []row
		for _, v := range visits {
			if v.rows != nil {
				all = append(all, v.rows[n]...)
			}
		}
		f.fill(c, cells(all, d.Interval), judge{reading.SinceEpoch(now), d.Interval, false}, sets)
	}
	return sets, missing(c, visits)
}

// visits are to all pods that have an address; those that answered come first.
func (d *Direct) visits(ctx context.Context, c *crowd) []visit {
	var all, later []visit
	for i, s := range c.slots {
		switch url, serves := d.Address(ctx, s.service.Namespace, c.fleets[s.service][s.pod]); {
		case url == "":
		case d.answered[url]:
			all = append(all, visit{slot: int32(i), url: url, serves: serves})
		default:
			later = append(later, visit{slot: int32(i), url: url, serves: serves, again: true})
		}
	}
	return append(all, later...)
}

// missing is the error of the first pod, by service and place, that should have answered.
func missing(c *crowd, visits []visit) error {
	var first *visit
	for i := range visits {
		if v := &visits[i]; v.err != nil && v.serves && (first == nil || v.slot < first.slot) {
			first = v
		}
	}
	if first == nil {
		return nil
	}
	s := c.slots[first.slot]
	return fmt.Errorf("reading the metrics of pod %s/%s at %s: %w", s.service.Namespace, c.fleets[s.service][s.pod], first.url, first.err)
}

// visit reads a pod.
func (d *Direct) visit(ctx context.Context, v *visit, now func() time.Duration) error {
	if v.again {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.Timeout/directAgain)
		defer cancel()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return plain(err)
	}
	defer answer.Body.Close()
	at := now()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", answer.Status)
	}
	kept, err := d.keep(answer.Body)
	switch {
	case err != nil:
		return plain(err)
	case len(kept) == 0:
		return errors.New("the answer has no series of vLLM's")
	}
	d.parsing <- struct{}{}
	defer func() { <-d.parsing }()
	v.rows, err = d.rows(kept, v.slot, at)
	return err
}

// plain is an error without the ports of a connection, which are others each time: what is the
// same is said once.
func plain(err error) error {
	if asked := (*url.Error)(nil); errors.As(err, &asked) {
		err = asked.Err
	}
	if of := (*net.OpError)(nil); errors.As(err, &of) {
		err = of.Err
	}
	if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, long.Limit)
	}
	return err
}

// keep are the lines of an answer with series that are read: most of what a pod shows is not.
func (d *Direct) keep(from io.Reader) ([]byte, error) {
	var kept []byte
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := lines.Bytes()
		if end := max(bytes.IndexAny(line, "{ \t"), 0); !d.reads[string(line[:end])] {
			continue
		}
		if len(kept)+len(line) > directMostKept {
			return nil, fmt.Errorf("%w: more than %d bytes of series that are read", ErrTooLarge, directMostKept)
		}
		kept = append(append(kept, line...), '\n')
	}
	return kept, lines.Err()
}

// rows are the samples of series that are read, by family.
func (d *Direct) rows(kept []byte, slot int32, at time.Duration) ([][]row, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	shown, err := parser.TextToMetricFamilies(bytes.NewReader(kept))
	if err != nil {
		return nil, err
	}
	all, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{}, slices.Collect(maps.Values(shown))...)
	if err != nil {
		return nil, err
	}
	rows := make([][]row, len(d.families))
	for n, f := range d.families {
		sampler := f.sampler()
		for _, s := range all {
			r, ok := sampler.sample(func(name string) string { return string(s.Metric[model.LabelName(name)]) })
			if !ok {
				continue
			}
			r.slot, r.at = slot, at
			if f.of != reading.CacheSize {
				r.value = float64(s.Value)
			}
			rows[n] = append(rows[n], r)
		}
	}
	return rows, nil
}
