package meter

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// certificate is when the one that this replica serves with ends.
type certificate struct {
	desc *prometheus.Desc
	end  func() (time.Time, error)
}

// AddCertificate tells until when the certificate is good that is mounted now. Where none can
// be read there is no such series.
func AddCertificate(r prometheus.Registerer, end func() (time.Time, error)) error {
	desc := prometheus.NewDesc("flyball_certificate_expiry_timestamp_seconds",
		"When the certificate ends with which gateways and the API server are answered; nobody is heard after that.", nil, nil)
	if err := r.Register(certificate{desc, end}); err != nil {
		return fmt.Errorf("adding metrics: %w", err)
	}
	return nil
}

// AddDrainWebhook tells whether this replica answers the API server about new pods.
func AddDrainWebhook(r prometheus.Registerer, ready func() error) error {
	g := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "flyball_drain_webhook_ready", Help: "1 while this replica answers the API server about new pods; 0 while it cannot, and they are made without their drain hook.",
	}, func() float64 {
		if ready() != nil {
			return 0
		}
		return 1
	})
	if err := r.Register(g); err != nil {
		return fmt.Errorf("adding metrics: %w", err)
	}
	return nil
}

// Describe is one half of prometheus.Collector.
func (c certificate) Describe(descs chan<- *prometheus.Desc) { descs <- c.desc }

// Collect is the other.
func (c certificate) Collect(out chan<- prometheus.Metric) {
	if end, err := c.end(); err == nil {
		out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(end.Unix()))
	}
}
