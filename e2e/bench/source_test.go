//go:build e2e && linux

package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/types"
)

// kept is how many scrapes of a pod are kept: what a query's window may have.
const kept = 4

// pause is longer than a read leaves the source without a query.
const pause = 200 * time.Millisecond

// A source is a Prometheus that has scraped the pods of services, and answers what the scaler asks.
// Where it scrapes nothing it is the pods, which show their metrics themselves.
type source struct {
	URL    string
	every  time.Duration // between two scrapes of a pod; 0: none
	shown  *http.Server  // the pods' own metrics
	port   int           // of each pod
	layout *layout
	heads  [][]byte // of each column's series, as JSON, up to the pod

	mu       sync.RWMutex
	services map[types.NamespacedName]*service
	within   map[string][]*service // by namespace

	asking sync.Mutex
	begun  []time.Time // when a read of all services began
	before []int       // queries before each
	first  string      // query of a read
	busy   time.Time   // when a query was last asked or answered
	asked  int         // queries
	bytes  int64       // of answers
	broken int         // answers of which the end was not read
}

// A service is one with load.
type service struct {
	types.NamespacedName
	pods []*pod
	rate func(time.Time) float64 // requests per second
	seen time.Time               // first scrape since the rate is another one
}

// A pod is ready.
type pod struct {
	*engine
	name    string
	on      net.Listener // where it shows its metrics itself
	tail    []byte       // of its series' labels, as JSON
	due     time.Time
	scrapes []scrape // the newest last
}

type scrape struct {
	at     time.Time
	values []float64
}

// newSource scrapes until the test ends.
func newSource(t *testing.T, every time.Duration) *source {
	s := &source{every: every, port: freePort(t), layout: newLayout(), services: map[types.NamespacedName]*service{}, within: map[string][]*service{}}
	if every == 0 {
		s.show(t)
		return s
	}
	for _, c := range s.layout.columns {
		s.heads = append(s.heads, fmt.Appendf(nil, `{"metric":{"__name__":%q,%s"container":"kserve-container","endpoint":"http","engine":"0","job":"vllm","model_name":"llama",`, c.name, c.labels))
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.scrape(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

// load has a service's requests come at a rate from now on.
func (s *source) load(key types.NamespacedName, rate func(time.Time) float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.services[key]
	if known == nil {
		known = &service{NamespacedName: key}
		s.services[key], s.within[key.Namespace] = known, append(s.within[key.Namespace], known)
	}
	now := time.Now()
	for _, p := range known.pods { // up to now by the rate before
		p.serve(now, known.share(now))
	}
	known.rate, known.seen = rate, time.Time{}
}

// seen is when a pod of a service was first scraped since its load is another one.
func (s *source) seen(key types.NamespacedName) time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.services[key].seen
}

// share is each pod's.
func (s *service) share(now time.Time) float64 { return s.rate(now) / float64(len(s.pods)) }

// join is a pod that has become ready at its address, leave one that goes.
func (s *source) join(key types.NamespacedName, name, ip string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	of, now := s.services[key], time.Now()
	p := &pod{engine: newEngine(s.layout, now), name: name, due: now.Add(s.every * time.Duration(now.Nanosecond()%97) / 97)}
	if s.shown != nil {
		var err error
		if p.on, err = s.open(of, p, ip); err != nil {
			return err
		}
	}
	p.tail = fmt.Appendf(nil, `"instance":"10.0.0.1:8080","isvc_name":%q,"namespace":%q,"pod":%q},"values":[`, key.Name, key.Namespace, name)
	of.pods = append(of.pods, p)
	return nil
}

func (s *source) leave(key types.NamespacedName, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.services[key]
	for i, p := range of.pods {
		if p.name == name {
			if p.on != nil {
				_ = p.on.Close() // nobody comes any more
			}
			of.pods = append(of.pods[:i], of.pods[i+1:]...)
			return
		}
	}
}

// scrape reads each pod when it is due.
func (s *source) scrape(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.mu.Lock()
			for _, of := range s.services {
				for _, p := range of.pods {
					if now.Before(p.due) {
						continue
					}
					p.due = p.due.Add(s.every)
					p.scrapes = append(p.scrapes[max(len(p.scrapes)-kept+1, 0):], scrape{now, of.scrapedLocked(p, now)})
				}
			}
			s.mu.Unlock()
		}
	}
}

// scrapedLocked is what a pod shows when it is read.
func (s *service) scrapedLocked(p *pod, now time.Time) []float64 {
	if s.seen.IsZero() {
		s.seen = now
	}
	p.serve(now, s.share(now))
	return p.exposed()
}

// ServeHTTP answers a range selector.
func (s *source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	query := r.FormValue("query")
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	selector, ok := parsed.(*parser.MatrixSelector)
	if err != nil || !ok {
		http.Error(w, fmt.Sprintf("%q: %v", query, err), http.StatusBadRequest)
		return
	}
	s.note(query, now)
	counted := &counter{to: w}
	out := bufio.NewWriterSize(counted, 1<<16)
	w.Header().Set("Content-Type", "application/json")
	_, _ = out.WriteString(`{"status":"success","data":{"resultType":"matrix","result":[`)
	s.answer(out, selector, now)
	_, _ = out.WriteString(`]}}`)
	gone := out.Flush()
	s.asking.Lock()
	defer s.asking.Unlock()
	if gone != nil || r.Context().Err() != nil {
		s.broken++
	}
	s.bytes, s.busy = s.bytes+counted.bytes, time.Now()
}

// note counts a query. The one that a read begins with is always the same.
func (s *source) note(query string, now time.Time) {
	s.asking.Lock()
	defer s.asking.Unlock()
	if s.first == "" && now.Sub(s.busy) > pause {
		s.first = query
	}
	s.busy = now
	if query == s.first {
		s.begun, s.before = append(s.begun, now), append(s.before, s.asked)
	}
	s.asked++
}

// restart forgets the reads so far; the next query after a pause is the first of one.
func (s *source) restart() {
	s.asking.Lock()
	defer s.asking.Unlock()
	s.first, s.begun, s.before, s.bytes, s.broken = "", nil, nil, 0, 0
}

type counter struct {
	to    http.ResponseWriter
	bytes int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return c.to.Write(p)
}

// answer writes the series that match.
func (s *source) answer(out *bufio.Writer, selector *parser.MatrixSelector, now time.Time) {
	matches := func(label, value string) bool {
		for _, m := range selector.VectorSelector.(*parser.VectorSelector).LabelMatchers {
			if m.Name == label && !m.Matches(value) {
				return false
			}
		}
		return true
	}
	var columns []int
	for i, c := range s.layout.columns {
		if matches(model.MetricNameLabel, c.name) {
			columns = append(columns, i)
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	from, separator := now.Add(-selector.Range), ""
	for namespace, services := range s.within {
		if !matches("namespace", namespace) {
			continue
		}
		for _, of := range services {
			for _, p := range of.pods {
				if first := p.since(from); first < len(p.scrapes) {
					for _, c := range columns {
						_, _ = out.WriteString(separator)
						_, _ = out.Write(s.heads[c])
						p.write(out, c, first)
						separator = ","
					}
				}
			}
		}
	}
}

// since is the first scrape after a time.
func (p *pod) since(from time.Time) int {
	for i, one := range p.scrapes {
		if one.at.After(from) {
			return i
		}
	}
	return len(p.scrapes)
}

// write ends a series with its samples.
func (p *pod) write(out *bufio.Writer, column, first int) {
	_, _ = out.Write(p.tail)
	for i, one := range p.scrapes[first:] {
		if i > 0 {
			_ = out.WriteByte(',')
		}
		text := append(out.AvailableBuffer(), '[')
		text = strconv.AppendFloat(text, float64(one.at.UnixMilli())/1000, 'f', 3, 64)
		text = append(text, `,"`...)
		text = strconv.AppendFloat(text, one.values[column], 'f', -1, 64)
		_, _ = out.Write(append(text, `"]`...))
	}
	_, _ = out.WriteString("]}")
}
