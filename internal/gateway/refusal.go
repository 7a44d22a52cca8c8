package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
)

// A refusal is an answer of the gateway's own, as OpenAI's API words errors.
type refusal struct {
	outcome    Outcome
	status     int
	code       string
	message    string
	plain      string        // the message for those who may not see the service; empty if message is for all
	retryAfter time.Duration // 0 where trying again is of no use
	allow      string        // methods, with 405
	hangUp     bool          // what is left of the request must not be read
}

func (r *refusal) Error() string { return r.message }

// invalidRequest is the client's to fix.
func invalidRequest(status int, code, format string, args ...any) *refusal {
	return &refusal{outcome: Refused, status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func unknownModel(name string) *refusal {
	return invalidRequest(http.StatusNotFound, "model_not_found", "The model `%.256s` does not exist or you do not have access to it.", name)
}

func unknownService(key string) *refusal {
	return invalidRequest(http.StatusNotFound, "service_not_found", "There is no service %.256q: %s names one as NAMESPACE/NAME.", key, serviceHeader)
}

func ambiguous(host string, ways []string) *refusal {
	return invalidRequest(http.StatusBadRequest, "ambiguous", "The host name %.256q is that of several services; call the one that is meant: %s.", host, strings.Join(ways, "; "))
}

func untrustedHeader() *refusal {
	return invalidRequest(http.StatusForbidden, "header_not_trusted",
		"The gateway takes %s from trusted proxies only: call the service by its host name, or have whoever runs the gateway name the sender's network in --trusted-proxies.", serviceHeader)
}

func unknownClient(err error) *refusal {
	no := invalidRequest(http.StatusUnauthorized, "invalid_api_key", "The client is not known: %v.", err)
	no.hangUp = true
	return no
}

func noModel() *refusal {
	return invalidRequest(http.StatusBadRequest, "", "you must provide a model parameter")
}

func notJSON() *refusal {
	return invalidRequest(http.StatusBadRequest, "", "We could not parse the JSON body of your request.")
}

func noReason(what string, args ...any) *refusal {
	return invalidRequest(http.StatusUnsupportedMediaType, "", "The service has no pod, and a body "+what+" brings none: send application/json, or a form as multipart/form-data.", args...)
}

func encoded(how string) *refusal {
	return invalidRequest(http.StatusUnsupportedMediaType, "", "A body in Content-Encoding %.64q is not looked into for a model; name the service by host or by the header %s.", how, serviceHeader)
}

func noRoute(r *http.Request) *refusal {
	switch r.URL.Path {
	case "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses":
		return wrongMethod(r)
	}
	return invalidRequest(http.StatusNotFound, "", "Invalid URL (%s %.256s)", r.Method, r.URL.Path)
}

func wrongMethod(r *http.Request) *refusal {
	no := invalidRequest(http.StatusMethodNotAllowed, "method_not_supported", "Not allowed to %.32s on %.256s", r.Method, r.URL.Path)
	no.allow = http.MethodPost
	return no
}

func tooLarge(most int64) *refusal {
	no := invalidRequest(http.StatusRequestEntityTooLarge, "request_too_large", "The body is longer than the %d bytes that are taken.", most)
	no.hangUp = true
	return no
}

func tooSlow(limit time.Duration) *refusal {
	no := invalidRequest(http.StatusRequestTimeout, "request_timeout", "The body did not come within %v.", limit)
	no.hangUp = true
	return no
}

func malformed() *refusal {
	no := invalidRequest(http.StatusBadRequest, "", "The body's framing is broken.")
	no.hangUp = true
	return no
}

// statusClientGone is nginx's: there is no official one.
const statusClientGone = 499

// gone is for a client that closed its connection. One that has closed only its own
// direction of it still reads: the status tells it that this is no answer.
func gone() *refusal {
	return &refusal{outcome: ClientGone, status: statusClientGone, code: "client_gone", message: "The client closed the connection before its answer."}
}

// full says which budget is, and what to do about it.
func (g *Gateway) full(x *exchange, v admit.Answer) *refusal {
	budget, all := g.config.Hold.Service, g.config.Hold.Total
	no := &refusal{outcome: Full, status: http.StatusTooManyRequests, code: "queue_full", retryAfter: 5 * time.Second}
	switch v {
	case admit.ClientBytes, admit.ClientRequests:
		no = &refusal{outcome: Full, status: http.StatusTooManyRequests, code: "client_full", retryAfter: 5 * time.Second}
		no.message = fmt.Sprintf("The client %.64q has as many requests waiting as its share of the gateway's %d requests and %d MiB for a model, or of %d and %d MiB in all (%v): "+
			"wait for answers before sending more.", x.tenant.Name, budget.Requests, budget.Bytes>>20, all.Requests, all.Bytes>>20, v)
	case admit.ServiceBytes, admit.ServiceRequests:
		no.message = fmt.Sprintf("As many requests wait for the model as the gateway holds: %d, or %d MiB (%v). Try again later; "+
			"whoever runs the gateway can raise --hold-requests and --hold-memory.", budget.Requests, budget.Bytes>>20, v)
	default:
		no.message = fmt.Sprintf("As many requests wait as the gateway holds for all models: %d, or %d MiB (%v). Try again later; "+
			"whoever runs the gateway can raise --hold-requests-total and --hold-memory-total.", all.Requests, all.Bytes>>20, v)
	}
	return no
}

func memoryFull() *refusal {
	return &refusal{
		outcome: Full, status: http.StatusTooManyRequests, code: "memory_full", retryAfter: 5 * time.Second, hangUp: true,
		message: "Too many bytes of requests are in memory.",
	}
}

// unavailable is nobody's fault that sends requests.
func unavailable(code string, retry time.Duration, format string, args ...any) *refusal {
	return &refusal{
		outcome: Unavailable, status: http.StatusServiceUnavailable, code: code, retryAfter: retry,
		message: fmt.Sprintf(format, args...),
	}
}

// to words it for those who may not see the service: a tenant learns nothing of another.
func (r *refusal) to(others string, args ...any) *refusal {
	r.plain = fmt.Sprintf(others, args...)
	return r
}

func stuck(s *Service) *refusal {
	return unavailable("no_capacity", 30*time.Second, "The service %s/%s has no pod and cannot get one: %s.", s.Namespace, s.Name, s.Stuck).
		to("The model has no pod and cannot get one.")
}

func deleted(s *Service) *refusal {
	return unavailable("service_deleted", 30*time.Second, "The service %s/%s has been deleted.", s.Namespace, s.Name).
		to("The model is not served any more.")
}

func asleep(s *Service) *refusal {
	return unavailable("service_"+s.state(), 10*time.Second, "The service %s/%s has no pod that takes requests (%s); reading alone wakes none.", s.Namespace, s.Name, s.state()).
		to("The model has no pod that takes requests; reading alone wakes none.")
}

func rollingOut(s *Service) *refusal {
	return unavailable("model_rolling_out", 10*time.Second, "No pod of the service %s/%s that serves the model is ready: the model is being renamed.", s.Namespace, s.Name).
		to("No pod that serves the model is ready: the model is being renamed.")
}

func closing() *refusal {
	return unavailable("gateway_stopping", time.Second, "The gateway is stopping; another one takes the request.")
}

// expired tells apart a service that did not come from one that is too busy.
func (g *Gateway) expired(s *service) *refusal {
	told := s.told.Load()
	no := unavailable("hold_expired", 10*time.Second, "The service %s was not ready within %v.", s.key, g.config.Hold.TTL)
	switch {
	case len(told.Pods) == 0 && told.Hindered != "":
		no.message = fmt.Sprintf("The service %s was not ready within %v: %s.", s.key, g.config.Hold.TTL, told.Hindered)
	case len(told.Pods) > 0:
		no.status = http.StatusTooManyRequests
		no.message = fmt.Sprintf("The service %s had no room within %v.", s.key, g.config.Hold.TTL)
	}
	no.outcome = Expired
	return no.to("The model had no pod with room within %v.", g.config.Hold.TTL)
}

func tooLong(limit time.Duration) *refusal {
	return &refusal{outcome: TimedOut, status: http.StatusGatewayTimeout, code: "timeout", message: fmt.Sprintf("There was no answer within %v.", limit)}
}

func lostByPod() *refusal {
	return &refusal{
		outcome: Failed, status: http.StatusBadGateway, code: "pod_failed", retryAfter: time.Second,
		message: "The pods that had the request went away without an answer.",
	}
}

func badUpstream(err error) *refusal {
	return &refusal{outcome: Failed, status: http.StatusBadGateway, code: "bad_upstream", message: fmt.Sprintf("The request cannot be passed on: %v.", err), plain: "The pod gave no answer that can be passed on."}
}

func badStream(status int) *refusal {
	return &refusal{outcome: Answered, status: status, code: "pod_failed", message: fmt.Sprintf("The pod answered with status %d.", status)}
}

// json is the body that OpenAI's clients read.
func (r *refusal) json(sees bool) []byte {
	message := r.message
	if !sees && r.plain != "" {
		message = r.plain
	}
	kind := "invalid_request_error"
	switch {
	case r.status == http.StatusTooManyRequests:
		kind = "rate_limit_error"
	case r.status >= http.StatusInternalServerError:
		kind = "server_error"
	}
	var code *string
	if r.code != "" {
		code = &r.code
	}
	type detail struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	body, err := json.Marshal(map[string]detail{"error": {message, kind, nil, code}})
	if err != nil { // strings and pointers to strings always marshal
		return nil
	}
	return body
}

// refuse answers a request without a pod. It returns true: this is its end.
func (x *exchange) refuse(r *refusal) bool {
	x.outcome, x.passed = r.outcome, true
	w := &x.writer
	if r.outcome == ClientGone && !w.early { // thousands may go at once: words are spared
		w.WriteHeader(r.status)
		return true
	}
	body := r.json(x.service == nil || x.maySee(x.service))
	if w.early {
		_, _ = w.Write(event(body)) // the client may be gone
		return true
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(r.retryAfter/time.Second)))
	}
	if r.allow != "" {
		h.Set("Allow", r.allow)
	}
	if r.hangUp && x.request.ProtoMajor < 2 { // a stream can be left: the connection is others' too
		h.Set("Connection", "close")
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(body)
	return true
}
