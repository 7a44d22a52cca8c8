package scrape

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// now is when the tests read.
var now = time.Unix(1_800_000_000, 0)

const interval = 15 * time.Second

// exposition is what a vLLM shows that has ended 10 requests, as one engine of its pod.
func exposition(engine string) string {
	const n = 10.
	own := fmt.Sprintf(`engine=%q,model_name="llama"`, engine)
	var b strings.Builder
	plain := func(kind, name, more string, value float64) {
		fmt.Fprintf(&b, "# TYPE vllm:%s %s\nvllm:%s{%s%s} %g\n", name, kind, name, own, more, value)
	}
	histogram := func(name string, sum float64, bounds ...float64) {
		fmt.Fprintf(&b, "# TYPE vllm:%s histogram\n", name)
		for i, le := range bounds {
			fmt.Fprintf(&b, "vllm:%s_bucket{%s,le=\"%g\"} %g\n", name, own, le, n*float64(i+1)/float64(len(bounds)+1))
		}
		fmt.Fprintf(&b, "vllm:%s_bucket{%s,le=\"+Inf\"} %g\nvllm:%s_sum{%s} %g\nvllm:%s_count{%s} %g\n", name, own, n, name, own, sum, name, own, n)
	}
	plain("gauge", "num_requests_running", "", 3)
	plain("gauge", "num_requests_waiting", "", 1)
	plain("gauge", "kv_cache_usage_perc", "", .5)
	plain("gauge", "cache_config_info", `,block_size="16",kv_cache_size_tokens="288608"`, 1)
	plain("counter", "prompt_tokens_total", "", 100*n)
	plain("counter", "prefix_cache_hits_total", "", 20*n)
	fmt.Fprintf(&b, "# TYPE vllm:request_success_total counter\n")
	for reason, share := range map[string]float64{"stop": .6, "length": .3, "abort": .1} {
		fmt.Fprintf(&b, "vllm:request_success_total{%s,finished_reason=%q} %g\n", own, reason, share*n)
	}
	histogram("inter_token_latency_seconds", n/40, .01, .1)
	histogram("time_to_first_token_seconds", n/5, .5, 1)
	histogram("request_time_per_output_token_seconds", n/40, .05, .1)
	histogram("request_prompt_tokens", 100*n, 50, 200)
	histogram("request_generation_tokens", 30*n, 20, 50)
	return b.String()
}

// want is of a pod that shows exposition(…).
func want(at time.Time) map[reading.Signal]reading.Reading {
	all := map[reading.Signal]reading.Reading{}
	for signal, value := range map[reading.Signal]float64{
		reading.Running: 3, reading.Waiting: 1, reading.KVUsage: .5, reading.KVCapacity: 288608, reading.Ended: 10, reading.PromptTokensRead: 1000,
		reading.CachedTokens: 200, reading.TokenGaps: 10, reading.TokenSeconds: .25, reading.TTFTs: 10, reading.TPOTs: 10, reading.InputLengths: 10,
		reading.InputTokens: 1000, reading.AnswerLengths: 10, reading.AnswerTokens: 300,
	} {
		all[signal] = reading.New(value, since(at))
	}
	return all
}

func since(t time.Time) time.Duration { return t.Sub(time.Unix(0, 0)) }

// A stored series is one of a Prometheus.
type stored struct {
	labels  map[string]string
	samples []model.SamplePair
}

// A world is a Prometheus that holds series, and answers range selectors as one does.
type world struct {
	series   []stored
	warnings []string
	// seen is up to when the n-th query finds samples; nil: all.
	seen func(n int) time.Time
	// instead answers in its place, where it says that it has.
	instead func(w http.ResponseWriter, r *http.Request) bool

	mu      sync.Mutex
	queries []string
}

// scrape stores what a pod of llama's namespace shows.
func (w *world) scrape(at time.Time, pod, text string, more ...string) {
	all, err := parse(strings.NewReader(text))
	if err != nil {
		panic(err) // the test's own text
	}
	for _, s := range all {
		own := map[string]string{"namespace": llama.Namespace, "pod": pod, "job": "vllm", "instance": pod + ":8000"}
		for name, value := range s.Metric {
			own[string(name)] = string(value)
		}
		for i := 0; i < len(more); i += 2 {
			own[more[i]] = more[i+1]
		}
		w.store(own, model.SamplePair{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: s.Value})
	}
}

// parse reads the text that a pod exposes.
func parse(from io.Reader) (model.Vector, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(from)
	if err != nil {
		return nil, err
	}
	return expfmt.ExtractSamples(&expfmt.DecodeOptions{}, slices.Collect(maps.Values(all))...)
}

func (w *world) store(own map[string]string, s model.SamplePair) {
	key := labels.FromMap(own).String()
	for i := range w.series {
		if labels.FromMap(w.series[i].labels).String() == key {
			w.series[i].samples = append(w.series[i].samples, s)
			return
		}
	}
	w.series = append(w.series, stored{own, []model.SamplePair{s}})
}

// running changes every sample of the running requests.
func (w *world) running(change func(*model.SamplePair)) {
	for i := range w.series {
		for j := range w.series[i].samples {
			if w.series[i].labels[model.MetricNameLabel] == vllm.NumRequestsRunning {
				change(&w.series[i].samples[j])
			}
		}
	}
}

// rename gives the series of a name another.
func (w *world) rename(name, to string) {
	for i := range w.series {
		if w.series[i].labels[model.MetricNameLabel] == name {
			w.series[i].labels[model.MetricNameLabel] = to
		}
	}
}

func (w *world) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if w.instead != nil && w.instead(to, r) {
		return
	}
	query := r.Form.Get("query")
	w.mu.Lock()
	n := len(w.queries)
	w.queries = append(w.queries, query)
	w.mu.Unlock()
	e, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	selector, ok := e.(*parser.MatrixSelector)
	if err != nil || !ok || r.Form.Has("time") {
		http.Error(to, fmt.Sprintf("%q: %v", query, err), http.StatusBadRequest)
		return
	}
	from, until := now.Add(-selector.Range), now.Add(time.Hour)
	if w.seen != nil {
		until = w.seen(n)
		from = until.Add(-selector.Range)
	}
	matrix := model.Matrix{}
	for _, s := range w.series {
		if stream := s.stream(from, until); len(stream.Values) > 0 && matches(selector, s.labels) {
			matrix = append(matrix, stream)
		}
	}
	_ = json.NewEncoder(to).Encode(map[string]any{
		"status": "success", "warnings": w.warnings, "data": map[string]any{"resultType": "matrix", "result": matrix},
	})
}

// stream is the series as it is answered: its samples after from, and until then.
func (s stored) stream(from, until time.Time) *model.SampleStream {
	stream := &model.SampleStream{Metric: model.Metric{}}
	for name, value := range s.labels {
		stream.Metric[model.LabelName(name)] = model.LabelValue(value)
	}
	for _, v := range s.samples {
		if at := v.Timestamp.Time(); at.After(from) && !at.After(until) {
			stream.Values = append(stream.Values, v)
		}
	}
	return stream
}

func matches(selector *parser.MatrixSelector, own map[string]string) bool {
	for _, m := range selector.VectorSelector.(*parser.VectorSelector).LabelMatchers {
		if !m.Matches(own[m.Name]) {
			return false
		}
	}
	return true
}

// asks is a source of the world's.
func (w *world) asks(t *testing.T, c Config) *Prometheus {
	t.Helper()
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	c.Address, c.Interval, c.Timeout = server.URL, interval, time.Hour // a machine under load is no slow Prometheus
	p, err := NewPrometheus(c, promise.Law{}.Needs())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var llama = Service{"demo", "llama"}

// pods are two of llama, scraped 10 s ago and once before.
func pods() *world {
	w := &world{}
	for _, at := range []time.Time{now.Add(-10*time.Second - interval), now.Add(-10 * time.Second)} {
		for _, pod := range []string{"a", "b"} {
			w.scrape(at, pod, exposition("0"))
		}
	}
	return w
}

// qualities are those of a signal's pods.
func qualities(s reading.Series) string {
	var all []string
	for _, p := range s.Pods {
		all = append(all, p.Quality.String())
	}
	return strings.Join(all, " ")
}
