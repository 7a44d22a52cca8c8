package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// series is what every vLLM pod reports while it is up, loaded or not.
const series = vllm.NumRequestsRunning

// prometheus asks the servers that the administrator has named: here, or for the controller.
func (d Doctor) prometheus(ctx context.Context) []Check {
	servers, all := d.servers(ctx)
	addresses, asked := slices.Clone(servers), slices.Clone(servers)
	if a := d.Prometheus.Address; a != "" && (len(servers) == 0 || !servers.May(a)) {
		addresses = append(addresses, a)
		if own, err := kserve.NewServers([]string{a}); err == nil { // else no tenant's is the same
			asked = append(asked, own...)
		}
	}
	for _, a := range addresses {
		all = append(all, d.ask(ctx, a)...)
	}
	unasked := d.unasked(ctx, asked)
	if len(addresses)+len(unasked) == 0 {
		unasked = []Check{{
			Warn, "prometheus", "no server is named yet",
			"name it: flyball doctor --prometheus http://prometheus-operated.NAMESPACE.svc:9090",
		}}
	}
	return append(all, unasked...)
}

// ask finds out whether one server answers and whether its vLLM series carry the
// labels by which the guide's queries choose a service.
func (d Doctor) ask(ctx context.Context, address string) []Check {
	s := &server{through: d.HTTP.Transport}
	if d.ours(address) {
		s.user, s.password = d.Prometheus.User, d.Prometheus.Password
	}
	c, err := api.NewClient(api.Config{Address: address, Client: &http.Client{
		Transport: s, Timeout: d.HTTP.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a password stays with its server
	}})
	if err != nil {
		return []Check{d.silent(address, s, err)}
	}
	asked := prometheus.NewAPI(c)
	all, err := count(ctx, asked, series)
	if err != nil {
		return []Check{d.silent(address, s, err)}
	}
	reached := Check{OK, "prometheus", shown(address) + " answers", ""}
	const label = "vLLM series"
	labelled, err := count(ctx, asked, series+`{isvc_name!="",namespace!=""}`)
	switch {
	case err != nil:
		return []Check{d.silent(address, s, err)}
	case all == 0:
		return []Check{reached, {
			Warn, label, "no series of " + series + ": no model pod is up, or it is not scraped",
			"start a service; if it stays so, apply the PodMonitor of config/ or its scrape configuration",
		}}
	case labelled < all:
		return []Check{reached, {
			Fail, label, fmt.Sprintf("%d of %d vLLM series lack isvc_name or namespace", all-labelled, all),
			"neither vLLM nor KServe sets them: relabel with the PodMonitor of config/ or its scrape configuration",
		}}
	}
	return []Check{reached, {OK, label, fmt.Sprintf("isvc_name and namespace on all %d", all), ""}}
}

// silent says why a server gave no number. Its body is not repeated: whoever wrote
// the ScaledObject chose the server.
func (d Doctor) silent(address string, s *server, err error) Check {
	const name = "prometheus"
	at, status := shown(address), "HTTP "+strconv.Itoa(s.status)
	var lookup *net.DNSError
	var answered *prometheus.Error
	switch {
	case errors.As(err, &lookup):
		return Check{
			Warn, name, at + ": the name means nothing on this machine, so this says nothing about the cluster",
			"run flyball doctor where it does: set HTTP_PROXY, or forward a port and name it with --prometheus",
		}
	case s.status == http.StatusOK && errors.As(err, &answered):
		return Check{Fail, name, at + ": the answer is not Prometheus' JSON", "serverAddress is what comes before /api/v1/query"}
	case s.status == 0 || s.status == http.StatusOK:
		return Check{Fail, name, at + ": no answer: " + cause(err), "see whether Prometheus runs and the address is right"}
	case s.status != http.StatusUnauthorized && s.status != http.StatusForbidden:
		return Check{
			Fail, name, at + ": " + status + " instead of a query result",
			"serverAddress is what comes before /api/v1/query; see the logs of Prometheus",
		}
	case !d.ours(address):
		return Check{
			Warn, name, at + " answers, and asks for credentials (" + status + "); its series are not looked at",
			hint.Command("flyball", "doctor", "--prometheus", at, "--prometheus-user", "USER", "--prometheus-password-file", "FILE"),
		}
	}
	return Check{
		Fail, name, at + " answers, but refuses the credentials given (" + status + ")",
		"compare them with the platform's Secret; KEDA's copy may be out of date as well: copy it again as in the guide",
	}
}

// ours tells whether the user's credentials are meant for the address.
func (d Doctor) ours(address string) bool {
	return d.Prometheus.User != "" && (address == d.Prometheus.Address || kserve.Servers{address}.May(d.Prometheus.Address))
}

// count asks how many series match; none is 0.
func count(ctx context.Context, p prometheus.API, selector string) (int, error) {
	answer, _, _, err := p.Query(ctx, "count("+selector+")", time.Time{})
	if err != nil {
		return 0, err
	}
	found, ok := answer.(model.Vector)
	switch {
	case !ok || len(found) > 1:
		return 0, errors.New("the answer to count() is not one number")
	case len(found) == 0:
		return 0, nil
	case found[0] == nil: // null in its place
		return 0, errors.New("the answer to count() is no number")
	}
	return int(found[0].Value), nil
}

// maxAnswer is how much of an answer is read, in bytes: a tenant chose the server.
const maxAnswer = 1 << 20

// A server is the way to one Prometheus. It keeps the last status, which says more
// than the API's errors do.
type server struct {
	through        http.RoundTripper
	user, password string
	status         int // 0 before an answer
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.user != "" {
		r = r.Clone(r.Context())
		r.SetBasicAuth(s.user, s.password)
	}
	answer, err := s.through.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	s.status = answer.StatusCode
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	return answer, nil
}

// cause leaves out the URL, which the check's name already has.
func cause(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// shown is an address without the password that someone may have put into it.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}
