package simulate

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/history"
	"github.com/flyball-dev/flyball/internal/lint"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/workload"
)

// pastOptions are the flags of flyball simulate --from-prometheus, and what it read.
type pastOptions struct {
	address, last, user, passwords string
	read                           *history.History // nil without the flag
}

func (p *pastOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&p.address, "from-prometheus", "", "replay the load that the Prometheus at this address has recorded of vLLM")
	f.StringVar(&p.last, "last", "24h", "how much of the past to replay, as 90m or 7d; no more than the server has")
	f.StringVar(&p.user, "prometheus-user", "", "user for that Prometheus (default $FLYBALL_PROMETHEUS_USER)")
	f.StringVar(&p.passwords, "prometheus-password-file", "", "file with the password for that Prometheus (default $FLYBALL_PROMETHEUS_PASSWORD)")
}

// readPast asks the server of --from-prometheus, and says what it read. Of manifests it is
// their own service.
func (o *options) readPast(cmd *cobra.Command, plan *policy.Service) (said []string, err error) {
	p, service := &o.past, o.service
	if p.read != nil { // of an earlier comparison of this command
		return nil, nil
	}
	if plan != nil && plan.IsvcName != "" {
		service = plan.Namespace + "/" + plan.IsvcName
	}
	if p.address == "" {
		return nil, o.withoutPast(cmd, plan)
	}
	last, err := workload.ParseDuration(p.last)
	if err != nil || last < history.Least || last > history.Most {
		return nil, hint.With(fmt.Errorf("--last %s: must be a time from 10m to 31d", p.last), "for example 90m, 24h or 7d")
	}
	h, err := p.ask(cmd, service, last)
	if err != nil {
		return nil, err
	}
	if h.Warning != "" {
		said = append(said, "warning: Prometheus says: "+terminal.OneLine(h.Warning))
	}
	p.read = &h
	return append(said, fmt.Sprintf("read from Prometheus: %s", h)), nil
}

// withoutPast refuses the flags that say something of a Prometheus.
func (o *options) withoutPast(cmd *cobra.Command, plan *policy.Service) error {
	if o.service != "" && plan == nil {
		return hint.With(errors.New("--service, but neither manifests nor a Prometheus"), "-f FILE or --from-prometheus http://…")
	}
	for _, name := range []string{"from-prometheus", "last", "prometheus-user", "prometheus-password-file"} {
		if cmd.Flags().Changed(name) {
			return hint.With(fmt.Errorf("--%s, but no Prometheus", name), "--from-prometheus http://…")
		}
	}
	return nil
}

func (p *pastOptions) ask(cmd *cobra.Command, service string, last time.Duration) (history.History, error) {
	// The command line stands in the report.
	if u, err := url.Parse(p.address); err == nil && u.User != nil {
		return history.History{}, hint.With(errors.New("--from-prometheus has a user or a password in its address"), "--prometheus-user USER --prometheus-password-file FILE")
	}
	login, err := access.PrometheusLogin("--from-prometheus", p.address, p.user, p.passwords)
	if err != nil {
		return history.History{}, err
	}
	client, err := access.PrometheusClient(access.Cluster{})
	if err != nil {
		return history.History{}, err
	}
	client.Timeout = time.Minute
	client.Transport = limited{client.Transport}
	server, err := lint.Dial(login.Address, client, login.User, login.Password)
	if err != nil {
		return history.History{}, err
	}
	return history.Read(cmd.Context(), server, service, last)
}

// maxAnswer is how many bytes of one answer are read. A day of rates takes some 30,000.
const maxAnswer = 64 << 20

// limited refuses answers that are too long to be one.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &limitedBody{answer.Body, maxAnswer}
	return answer, nil
}

type limitedBody struct {
	io.ReadCloser
	left int
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	return n, err
}
