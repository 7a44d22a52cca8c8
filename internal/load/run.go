package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Config is one load.
type Config struct {
	URL         string // base URL of the API; without a path, /v1 is meant
	Proxy       string // URL of a forward proxy; "" leaves it to HTTP_PROXY, HTTPS_PROXY and NO_PROXY
	Model       string
	API         API
	Pacer       Pacer
	MaxInFlight int           // requests at one time; what arrives beyond that waits, and its waiting counts
	Timeout     time.Duration // of one request, from its sending

	transport http.RoundTripper // of a test
}

// Validate refuses a load that cannot be sent.
func (c Config) Validate() error {
	if _, err := c.base(); err != nil {
		return err
	}
	switch {
	case c.Model == "":
		return errors.New("no model is named")
	case c.API <= 0 || c.API >= numAPIs:
		return errors.New("no API is named")
	case c.MaxInFlight < 1:
		return fmt.Errorf("%d requests in flight at most: it must be at least 1", c.MaxInFlight)
	case c.Timeout <= 0:
		return fmt.Errorf("timeout %v: it must be above 0", c.Timeout)
	}
	return c.Pacer.Validate()
}

// base is the URL that the API's paths are appended to.
func (c Config) base() (string, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return "", fmt.Errorf("the endpoint's URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", fmt.Errorf("the endpoint's URL %q is not http://HOST or https://HOST", c.URL)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1"
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func (c Config) roundTripper() (http.RoundTripper, error) {
	if c.transport != nil {
		return c.transport, nil
	}
	proxy := http.ProxyFromEnvironment
	if c.Proxy != "" {
		u, err := url.Parse(c.Proxy)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		proxy = http.ProxyURL(u)
	}
	return &http.Transport{Proxy: proxy, DisableKeepAlives: true, DisableCompression: true}, nil
}

// runner is a load under way.
type runner struct {
	cfg    Config
	base   string
	client *http.Client
	start  time.Time
	stats  *stats
}

// observeEvery is the time between two snapshots.
const observeEvery = time.Second

// Run sends the load and waits until every request has ended; when ctx ends, no more are sent
// and those under way are aborted. observe, if not nil, gets a snapshot every second and a last
// one. An error says that nothing was sent.
func Run(ctx context.Context, cfg Config, observe func(Snapshot)) (Result, error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, fmt.Errorf("load: %w", err)
	}
	base, err := cfg.base()
	if err != nil {
		return Result{}, err
	}
	transport, err := cfg.roundTripper()
	if err != nil {
		return Result{}, err
	}
	if observe == nil {
		observe = func(Snapshot) {}
	}
	r := &runner{cfg: cfg, base: base, client: &http.Client{Transport: transport}, start: time.Now(), stats: newStats()}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		r.send(ctx)
	}()
	tick := time.NewTicker(observeEvery)
	defer tick.Stop()
	for under := true; under; {
		select {
		case <-tick.C:
		case <-sent:
			under = false
		}
		observe(r.stats.snapshot(time.Since(r.start)))
	}
	return r.stats.result(time.Since(r.start)), nil
}

// send starts each request at its time, and returns when all have ended.
func (r *runner) send(ctx context.Context) {
	var flying sync.WaitGroup
	defer flying.Wait()
	slots := make(chan struct{}, r.cfg.MaxInFlight)
	index := 0
	for a := range r.cfg.Pacer.All() {
		if !waitUntil(ctx, r.start.Add(a.At)) {
			return
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		r.stats.begin()
		n := index
		flying.Go(func() {
			r.stats.end(r.request(ctx, n, a))
			<-slots
		})
		index++
	}
}

// waitUntil reports whether the time came before ctx ended.
func waitUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
