package meter

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/explain"
)

// series are the descriptions of what Collect gives.
type series struct {
	seen, gateways, reason, warning, replicas, desired, lowest, highest, held, inFlight, behind *prometheus.Desc
}

func newSeries() series {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("flyball_"+name, help, labels, nil)
	}
	service := func(name, help string, more ...string) *prometheus.Desc {
		return describe("service_"+name, help, append([]string{"namespace", "service"}, more...)...)
	}
	return series{
		seen:     describe("seen_timestamp_seconds", "When the controller that leads looked at all services last; what follows is from then."),
		gateways: describe("gateways", "Gateways that report to the controller."),
		reason:   service("reason", "1 for the reason why a service has the replicas that it has, and for who scales it (mode).", "mode", "reason"),
		warning:  service("warning", "1 for each Warning that the controller gives about a service.", "warning"),
		replicas: service("replicas", "Pods of a service, by state: pending (no node), starting, ready or draining.", "state"),
		desired:  service("desired_replicas", "Replicas that the service's Deployment asks for."),
		lowest:   service("min_replicas", "Fewest replicas that its autoscaler may set."),
		highest:  service("max_replicas", "Most replicas that its autoscaler may set."),
		held:     service("held_requests", "Requests that gateways hold for a service, by their reports."),
		inFlight: service("in_flight_requests", "Requests that pods of a service answer, by the reports of gateways."),
		behind:   service("behind_seconds", "For how long at least a link of the chain has not followed the one before it: metric, keda, hpa, deployment, pods; 0 where it follows.", "link"),
	}
}

// Describe is one half of prometheus.Collector.
func (m *Meter) Describe(descs chan<- *prometheus.Desc) {
	s := newSeries()
	for _, d := range []*prometheus.Desc{s.seen, s.gateways, s.reason, s.warning, s.replicas, s.desired, s.lowest, s.highest, s.held, s.inFlight, s.behind} {
		descs <- d
	}
}

// Collect is the other.
func (m *Meter) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	at, rows, gateways := m.at, m.rows, m.gateways
	m.mu.Unlock()
	if at.IsZero() {
		return
	}
	s := newSeries()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(s.seen, float64(at.UnixMilli())/1000)
	gauge(s.gateways, float64(gateways))
	for _, r := range rows {
		of := func(d *prometheus.Desc, v float64, more ...string) {
			gauge(d, v, append([]string{r.Namespace, r.Name}, more...)...)
		}
		of(s.reason, 1, r.Mode, string(r.Reason))
		for _, w := range slices.Compact(slices.Sorted(slices.Values(r.warnings))) {
			of(s.warning, 1, w)
		}
		of(s.replicas, float64(r.replicas.Pending), "pending")
		of(s.replicas, float64(r.replicas.Starting), "starting")
		of(s.replicas, float64(r.replicas.Ready), "ready")
		of(s.replicas, float64(r.replicas.Draining), "draining")
		of(s.lowest, float64(r.Min))
		of(s.highest, float64(r.Max))
		if r.Desired != nil {
			of(s.desired, float64(*r.Desired))
		}
		if r.Held != nil {
			of(s.held, float64(*r.Held))
			of(s.inFlight, float64(*r.InFlight))
		}
		for _, l := range explain.Links() {
			of(s.behind, r.behind[l].Seconds(), l.String())
		}
	}
}
