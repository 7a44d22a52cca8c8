package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/pilot"
)

// promises are metrics of how the promises of a book's services are kept, as far as this process
// has decided on them: of a book that was copied there are none.
type promises struct{ book *pilot.Book }

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("flyball_scaler_"+name, help, []string{"namespace", "service"}, nil)
}

// The metrics; service is the ScaledObject's or InferenceAutoscaler's name.
var (
	promisedRatio   = describe("promised_ratio", "Share of the requests that is promised to meet all objectives.")
	expectedRatio   = describe("expected_ratio", "Share of the requests that is expected to meet all objectives with the replicas that are asked for; absent where it is not known.")
	requestsTotal   = describe("requests_total", "Requests that were judged by the objectives: those that got their first token.")
	missedTotal     = describe("missed_requests_total", "Requests that missed an objective, as far as vLLM's histograms tell.")
	desiredReplicas = describe("desired_replicas", "Replicas that are asked for.")
)

// Describe is one half of prometheus.Collector.
func (promises) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{promisedRatio, expectedRatio, requestsTotal, missedTotal, desiredReplicas} {
		to <- d
	}
}

// Collect is the other half.
func (p promises) Collect(to chan<- prometheus.Metric) {
	for s, a := range p.book.All() {
		if a.Kept.Promised == 0 {
			continue
		}
		tell := func(d *prometheus.Desc, kind prometheus.ValueType, v float64) {
			to <- prometheus.MustNewConstMetric(d, kind, v, s.Namespace, s.Name)
		}
		tell(promisedRatio, prometheus.GaugeValue, a.Kept.Promised)
		tell(requestsTotal, prometheus.CounterValue, a.Kept.Requests)
		tell(missedTotal, prometheus.CounterValue, a.Kept.Missed)
		tell(desiredReplicas, prometheus.GaugeValue, float64(a.Replicas))
		if share, ok := law.Expected(a.Reasons); ok {
			tell(expectedRatio, prometheus.GaugeValue, share)
		}
	}
}
