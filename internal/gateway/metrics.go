package gateway

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// other stands for requests that no service could be found for, whatever they named.
const other = "_other"

// metrics reads the gateway's counts when it is asked: requests do not wait for it.
type metrics struct {
	g *Gateway

	hold, firstByte, whole *prometheus.HistogramVec

	requests, retries, ejections, arrivals, input, output *prometheus.Desc
	held, heldBytes, inFlight, memory, podLoad, podRoom   *prometheus.Desc
}

func newMetrics(g *Gateway, r *prometheus.Registry) *metrics {
	byService := []string{"namespace", "service"}
	times := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "flyball_gateway_" + name + "_seconds", Help: help,
			Buckets: []float64{.005, .02, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
		}, byService)
	}
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("flyball_gateway_"+name, help, labels, nil)
	}
	m := &metrics{
		g:         g,
		hold:      times("hold", "Time that requests were held."),
		firstByte: times("first_byte", "Time from a request to the first byte of its answer's body."),
		whole:     times("request", "Time from a request to its end."),
		requests:  describe("requests_total", "Requests that have ended, by outcome.", "namespace", "service", "outcome"),
		retries:   describe("retries_total", "Attempts at another pod before the first byte of an answer.", byService...),
		ejections: describe("ejections_total", "Times that a pod was an outlier and got no requests for a while.", byService...),
		arrivals:  describe("arrivals_total", "Requests that ask for work.", byService...),
		input:     describe("input_tokens_total", "Tokens of prompts that arrived, estimated from their length.", byService...),
		output:    describe("expected_output_tokens_total", "Tokens of answers that are expected, estimated from what requests allow.", byService...),
		held:      describe("held_requests", "Requests that wait for a pod.", byService...),
		heldBytes: describe("held_bytes", "Memory that requests take which wait for a pod.", byService...),
		inFlight:  describe("in_flight_requests", "Requests that pods answer now.", byService...),
		memory:    describe("request_bytes", "Memory that requests take: their headers, their bodies and what goes with each."),
		podLoad:   describe("pod_in_flight_requests", "Requests that a pod answers now.", "namespace", "service", "pod"),
		podRoom:   describe("pod_room_requests", "Requests of this gateway that a pod may have while others wait by promise; absent where they wait by arrival.", byService...),
	}
	r.MustRegister(m, m.hold, m.firstByte, m.whole)
	return m
}

func (m *metrics) observers(namespace, name string) (hold, firstByte, whole prometheus.Observer) {
	return m.hold.WithLabelValues(namespace, name), m.firstByte.WithLabelValues(namespace, name), m.whole.WithLabelValues(namespace, name)
}

func (m *metrics) forget(s *service) {
	told := s.told.Load()
	for _, h := range []*prometheus.HistogramVec{m.hold, m.firstByte, m.whole} {
		h.DeleteLabelValues(told.Namespace, told.Name)
	}
}

// Describe is one half of prometheus.Collector.
func (m *metrics) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.requests, m.retries, m.ejections, m.arrivals, m.input, m.output, m.held, m.heldBytes, m.inFlight, m.memory, m.podLoad, m.podRoom,
	} {
		descs <- d
	}
}

// Collect is the other.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	gauge(m.memory, m.g.memory.Load())
	for o := Answered; o < numOutcomes; o++ {
		count(m.requests, m.g.unrouted[o].Load(), other, other, o.String())
	}
	for _, s := range m.g.directory.Load().list {
		told := s.told.Load()
		labels := []string{told.Namespace, told.Name}
		for o := Answered; o < numOutcomes; o++ {
			count(m.requests, s.outcomes[o].Load(), append(slices.Clip(labels), o.String())...)
		}
		count(m.retries, s.retries.Load(), labels...)
		count(m.ejections, s.ejections.Load(), labels...)
		count(m.arrivals, s.arrivals.Load(), labels...)
		count(m.input, s.inputTokens.Load(), labels...)
		count(m.output, s.outputTokens.Load(), labels...)
		load, pods := m.g.loads(s)
		gauge(m.held, int64(load.Requests), labels...)
		gauge(m.heldBytes, load.Bytes, labels...)
		gauge(m.inFlight, s.inFlight.Load(), labels...)
		if o := m.g.orderOf(s); o != nil {
			gauge(m.podRoom, int64(o.Requests), labels...)
		}
		for name, n := range pods {
			gauge(m.podLoad, n, append(slices.Clip(labels), name)...)
		}
	}
}
