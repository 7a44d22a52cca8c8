package vllmsim

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler is the API. The driver must run for requests to come to an end.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	counted := func(path, method string, h http.HandlerFunc) {
		mux.Handle(path, s.http.count(path, only(method, h)))
	}
	counted("/v1/completions", http.MethodPost, s.complete(false))
	counted("/v1/chat/completions", http.MethodPost, s.complete(true))
	counted("/v1/models", http.MethodGet, s.models)
	mux.HandleFunc("/health", only(http.MethodGet, func(http.ResponseWriter, *http.Request) {}))
	mux.HandleFunc("/version", only(http.MethodGet, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"version": version})
	}))
	mux.Handle("/metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { detail(w, http.StatusNotFound) })
	return mux
}

// only lets one method through. What no route takes is answered by vLLM's web
// framework, in another form than vLLM's own errors.
func only(method string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			detail(w, http.StatusMethodNotAllowed)
			return
		}
		h(w, r)
	}
}

func detail(w http.ResponseWriter, status int) {
	writeJSON(w, status, map[string]string{"detail": http.StatusText(status)})
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	type model struct {
		ID          string   `json:"id"`
		Object      string   `json:"object"`
		Created     int64    `json:"created"`
		OwnedBy     string   `json:"owned_by"`
		Root        string   `json:"root"`
		Parent      *string  `json:"parent"`
		MaxModelLen int      `json:"max_model_len"`
		Permission  []string `json:"permission"`
	}
	all := []model{}
	for _, name := range s.args.ServedNames {
		all = append(all, model{
			ID: name, Object: "model", Created: s.driver.began.Unix(), OwnedBy: "vllm", Root: s.args.Model,
			MaxModelLen: s.engine.MaxModelLen, Permission: []string{},
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": all})
}

// httpMetrics are those of vLLM's web framework; /health, /version and /metrics
// are not counted there.
type httpMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newHTTPMetrics(r prometheus.Registerer) *httpMetrics {
	m := &httpMetrics{
		prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "HTTP requests by handler, method and class of status.",
		}, []string{"handler", "method", "status"}),
		prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time from an HTTP request to the end of its answer.", Buckets: []float64{.1, .5, 1},
		}, []string{"handler", "method"}),
	}
	r.MustRegister(m.requests, m.duration)
	return m
}

func (m *httpMetrics) count(path string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, seen := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(seen, r)
		method := r.Method
		if method != http.MethodPost && method != http.MethodGet {
			method = "other" // a client cannot make series without end
		}
		m.requests.WithLabelValues(path, method, strconv.Itoa(seen.status/100)+"xx").Inc()
		m.duration.WithLabelValues(path, method).Observe(time.Since(began).Seconds())
	})
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
