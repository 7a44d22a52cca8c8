package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flyball-dev/flyball/internal/kube"
)

// series is what every vLLM pod reports while it is up, loaded or not.
const series = `vllm:num_requests_running`

func (d Doctor) prometheus(ctx context.Context) []Check {
	addresses, err := d.addresses(ctx)
	if err != nil {
		return []Check{unseen("prometheus", err)}
	}
	if len(addresses) == 0 {
		return []Check{{
			Warn, "prometheus", "no ScaledObject names a serverAddress yet",
			"name it: flyball doctor --prometheus http://prometheus-operated.NAMESPACE.svc:9090",
		}}
	}
	var all []Check
	for _, a := range addresses {
		all = append(all, d.ask(ctx, a)...)
	}
	return all
}

// addresses are those of all Prometheus triggers and the one that the user names,
// sorted, each once.
func (d Doctor) addresses(ctx context.Context) ([]string, error) {
	var found []string
	if d.Prometheus.Address != "" {
		found = append(found, d.Prometheus.Address)
	}
	objects, err := kube.ReadKind[kube.ScaledObject](ctx, d.Cluster, kube.ScaledObjectKind)
	if err != nil && !meta.IsNoMatchError(err) {
		return nil, err
	}
	for _, o := range objects {
		for _, t := range o.Spec.Triggers {
			if a := t.Metadata["serverAddress"]; t.Type == "prometheus" && a != "" {
				found = append(found, strings.TrimRight(a, "/"))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// ask finds out whether one server answers and whether its vLLM series carry the
// labels by which the guide's queries choose a service.
func (d Doctor) ask(ctx context.Context, address string) []Check {
	all, err := d.count(ctx, address, series)
	if err != nil {
		return []Check{d.silent(address, err)}
	}
	reached := Check{OK, "prometheus", shown(address) + " answers", ""}
	const label = "vLLM series"
	labelled, err := d.count(ctx, address, series+`{isvc_name!="",namespace!=""}`)
	switch {
	case err != nil:
		return []Check{d.silent(address, err)}
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

// A statusError is an answer that is no query result.
type statusError int

func (s statusError) Error() string { return "HTTP " + strconv.Itoa(int(s)) }

// silent says why a server gave no number. Its body is not repeated: whoever wrote
// the ScaledObject chose the server.
func (d Doctor) silent(address string, err error) Check {
	const name = "prometheus"
	at := shown(address)
	var status statusError
	var lookup *net.DNSError
	switch {
	case errors.As(err, &lookup):
		return Check{
			Warn, name, at + ": the name means nothing on this machine, so this says nothing about the cluster",
			"run flyball doctor where it does: set HTTP_PROXY, or forward a port and name it with --prometheus",
		}
	case !errors.As(err, &status):
		return Check{Fail, name, at + ": no answer: " + cause(err), "see whether Prometheus runs and the address is right"}
	case status != http.StatusUnauthorized && status != http.StatusForbidden:
		return Check{
			Fail, name, at + ": " + status.Error() + " instead of a query result",
			"serverAddress is what comes before /api/v1/query; see the logs of Prometheus",
		}
	case !d.ours(address):
		return Check{
			Warn, name, at + " answers, and asks for credentials (" + status.Error() + "); its series are not looked at",
			"flyball doctor --prometheus " + at + " --prometheus-user USER --prometheus-password-file FILE",
		}
	}
	return Check{
		Fail, name, at + " answers, but refuses the credentials given (" + status.Error() + ")",
		"compare them with the platform's Secret; KEDA's copy may be out of date as well: copy it again as in the guide",
	}
}

// ours tells whether the user's credentials are meant for the address.
func (d Doctor) ours(address string) bool {
	return d.Prometheus.User != "" && address == d.Prometheus.Address
}

// count asks how many series match; none is 0.
func (d Doctor) count(ctx context.Context, address, selector string) (int, error) {
	at := strings.TrimRight(address, "/") + "/api/v1/query?query=" + url.QueryEscape("count("+selector+")")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return 0, err
	}
	if d.ours(address) {
		request.SetBasicAuth(d.Prometheus.User, d.Prometheus.Password)
	}
	response, err := d.HTTP.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, statusError(response.StatusCode)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]json.RawMessage
			}
		}
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer); err != nil {
		return 0, errors.New("the answer is not Prometheus' JSON")
	}
	if len(answer.Data.Result) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.Trim(string(answer.Data.Result[0].Value[1]), `"`))
	if err != nil {
		return 0, errors.New("the answer to count() is not a number")
	}
	return n, nil
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
