package gateway

import (
	"bytes"
	"encoding/json"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/flyball-dev/flyball/internal/admit"
)

const (
	serviceHeader = "X-Flyball-Service"       // NAMESPACE/NAME, from a trusted proxy
	earlyHeader   = "X-Flyball-Early-Headers" // true: a stream may begin with comments while it is held
)

const (
	usualAnswer    = 256  // tokens, where a request sets no bound
	longestExpects = 1024 // a bound above it is set for safety, not because so many are expected
)

// works reports whether the request asks for work, by its method: one that only looks
// waits for no pod, and causes none.
func (x *exchange) works() bool {
	switch x.request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return isTwoWay(x.request.Header)
	}
	return true
}

// isTwoWay is a request for a WebSocket, the one upgrade that an engine knows. Clients
// offer others with every request, health checks among them: curl --http2 and the JDK's
// HttpClient offer h2c.
func isTwoWay(h http.Header) bool {
	return httpguts.HeaderValuesContainsToken(h["Connection"], "upgrade") && httpguts.HeaderValuesContainsToken(h["Upgrade"], "websocket")
}

// wakesNothing is why no pod is to come for the request: it only looks, or no engine
// can read its body; nil if it may be held.
func (x *exchange) wakesNothing() *refusal {
	h := x.request.Header
	switch {
	case !x.works():
		return asleep(x.service.told.Load())
	case isTwoWay(h):
		return nil
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch how := h.Get("Content-Encoding"); {
	case how != "" && how != "identity":
		return noReason("in Content-Encoding %.64q", how)
	case err == nil && kind == "application/json":
		if !json.Valid(x.body) {
			return notJSON()
		}
		return nil
	case err == nil && kind == "multipart/form-data":
		if _, err := multipart.NewReader(bytes.NewReader(x.body), params["boundary"]).NextPart(); err != nil {
			return noReason("that is no form")
		}
		return nil
	}
	return noReason("of Content-Type %.64q", h.Get("Content-Type"))
}

// prepare finds the service that a request is for and reads its body. It reports
// whether that was the end of it.
func (x *exchange) prepare() (answered bool) {
	r := x.request
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		return x.refuse(wrongMethod(r))
	}
	var refused *refusal
	if x.service, refused = x.called(); refused != nil {
		return x.refuse(refused)
	}
	x.named = x.service != nil
	switch done, refused := x.models(); {
	case refused != nil:
		return x.refuse(refused)
	case done:
		return true
	case x.service == nil && !x.works():
		return x.refuse(noRoute(r))
	}
	if refused = x.readBody(); refused == nil {
		refused = x.find()
	}
	if refused != nil {
		return x.refuse(refused)
	}
	if x.works() {
		x.service.arrivals.Add(1)
		x.service.inputTokens.Add(x.input)
		x.service.outputTokens.Add(x.output)
	}
	return false
}

// find looks into the body, and finds the service by model if nothing else names one.
func (x *exchange) find() *refusal {
	if how := x.request.Header.Get("Content-Encoding"); how != "" && !x.named {
		return encoded(how)
	}
	name, ok := x.read()
	switch {
	case x.named: // what is wrong with the body is for the engine to say
		x.only, x.limited = x.service.told.Load().Only[name]
		return nil
	case !ok:
		return notJSON()
	case name == "":
		return noModel()
	}
	var refused *refusal
	if x.service, refused = x.byModel(name); refused == nil {
		x.only, x.limited = x.service.told.Load().Only[name]
	}
	return refused
}

// called finds the service by header or host name; nil if neither names one. What the
// client may not call does not exist for it.
func (x *exchange) called() (*service, *refusal) {
	d := x.g.directory.Load()
	if key := x.request.Header.Get(serviceHeader); key != "" {
		if !x.g.config.Tenants.Trusts(x.request) {
			return nil, untrustedHeader()
		}
		s := d.byKey[key]
		if s == nil || !x.mayCall(s) {
			return nil, unknownService(key)
		}
		return s, nil
	}
	host := hostName(x.request.Host)
	found := d.byHost[host]
	callable := make([]*service, 0, 1)
	for _, s := range found {
		if x.mayCall(s) {
			callable = append(callable, s)
		}
	}
	switch {
	case len(callable) == 0:
		return nil, nil
	case len(found) > 1:
		return nil, ambiguous(host, d.ways(callable))
	}
	return found[0], nil
}

func (x *exchange) mayCall(s *service) bool { return x.tenant.MayCall(s.namespace) }

// maySee is whether the client may learn of a service what it is and does.
func (x *exchange) maySee(s *service) bool {
	return x.named && s == x.service || x.tenant.MaySee(s.namespace)
}

func (x *exchange) byModel(name string) (*service, *refusal) {
	if s := x.g.directory.Load().byModel[name]; s != nil && x.mayCall(s) {
		return s, nil
	}
	return nil, unknownModel(name)
}

// hostName is without port and final dot, in lower case.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// read takes from the body what the gateway needs. It reports false for one that is
// neither a form nor JSON.
func (x *exchange) read() (model string, ok bool) {
	x.input = int64(len(x.body)) / admit.BytesPerToken
	if x.works() {
		x.output = usualAnswer
	}
	if kind := x.request.Header.Get("Content-Type"); strings.HasPrefix(kind, "multipart/") {
		x.input = 0 // no text
		return formModel(kind, x.body), true
	}
	f, err := scan(x.body)
	if err != nil {
		return "", false
	}
	x.stream = f.stream
	x.prefix = prefixOf(f.prompt, x.g.config.PrefixBytes)
	if f.maxTokens > 0 {
		x.output = min(f.maxTokens, longestExpects)
	}
	return unquote(f.model), true
}
