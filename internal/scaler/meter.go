package scaler

import (
	"fmt"
	"path"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/status"
)

// meter counts what is answered.
type meter struct {
	answers *prometheus.CounterVec
	streams *prometheus.GaugeVec
	age     prometheus.Histogram
	refused prometheus.Counter
}

func newMeter(r prometheus.Registerer) (*meter, error) {
	m := &meter{
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flyball_scaler_answers_total", Help: "Answers to KEDA, and streams that have ended, by method and by gRPC code.",
		}, []string{"method", "code"}),
		streams: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "flyball_scaler_streams", Help: "Streams that KEDA has open, by method.",
		}, []string{"method"}),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "flyball_scaler_decision_age_seconds", Help: "Age of the decision when KEDA is told it.",
			Buckets: []float64{.5, 1, 2, 5, 10, 30, 60, 120, MaxAge.Seconds()},
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "flyball_scaler_refused_connections_total", Help: "Connections without the certificate that KEDA must have.",
		}),
	}
	for _, c := range []prometheus.Collector{m.answers, m.streams, m.age, m.refused} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("adding metrics: %w", err)
		}
	}
	return m, nil
}

// answered counts one; both labels are of a fixed list, since no other method gets here.
func (m *meter) answered(method string, err error) {
	m.answers.WithLabelValues(path.Base(method), status.Code(err).String()).Inc()
}

// opened counts a stream until the function is called that it returns.
func (m *meter) opened(method string) func() {
	g := m.streams.WithLabelValues(path.Base(method))
	g.Inc()
	return g.Dec
}
