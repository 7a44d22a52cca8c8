package lint

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
)

// Dial prepares to ask the Prometheus at an address through a client. The user may
// be "".
func Dial(address string, through *http.Client, user, password string) (api.Client, error) {
	transport := through.Transport
	if user != "" {
		transport = basicAuth{transport, user, password}
	}
	c, err := api.NewClient(api.Config{Address: address, Client: &http.Client{
		Transport: transport, Timeout: through.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a password stays with its server
	}})
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus at %s: %w", address, err)
	}
	return c, nil
}

type basicAuth struct {
	http.RoundTripper
	user, password string
}

func (b basicAuth) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(b.user, b.password)
	return b.RoundTripper.RoundTrip(r)
}

// isRefusal tells whether Prometheus understood and said no to the query itself.
func isRefusal(err error, refused **prometheus.Error) bool {
	return errors.As(err, refused) && ((*refused).Type == prometheus.ErrBadData || (*refused).Type == prometheus.ErrExec)
}
