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
	serviceHeader = "X-Flyball-Service"       // NAMESPACE/NAME
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
	if x.service, refused = x.named(); refused != nil {
		return x.refuse(refused)
	}
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
	named := x.service != nil
	if how := x.request.Header.Get("Content-Encoding"); how != "" && !named {
		return encoded(how)
	}
	name, ok := x.read()
	switch {
	case named: // what is wrong with the body is for the engine to say
		x.only, x.limited = x.service.told.Load().Only[name]
		return nil
	case !ok:
		return notJSON()
	case name == "":
		return noModel()
	}
	var refused *refusal
	if x.service, refused = x.g.byModel(name); refused == nil {
		x.only, x.limited = x.service.told.Load().Only[name]
	}
	return refused
}

// named finds the service by header or host name; nil if neither names one.
func (x *exchange) named() (*service, *refusal) {
	d := x.g.directory.Load()
	if key := x.request.Header.Get(serviceHeader); key != "" {
		s := d.byKey[key]
		if s == nil {
			return nil, unknownService(key)
		}
		return s, nil
	}
	switch found := d.byHost[hostName(x.request.Host)]; len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	default:
		return nil, ambiguous(hostName(x.request.Host))
	}
}

func (g *Gateway) byModel(name string) (*service, *refusal) {
	if s := g.directory.Load().byModel[name]; s != nil {
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
