package gateway

import (
	"net/http"
	"strings"

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

// wakes reports whether the request may wait for a pod, and cause one.
func (x *exchange) wakes() bool {
	switch x.request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return x.request.Header.Get("Upgrade") != ""
	}
	return true
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
	case x.service == nil && !x.wakes():
		return x.refuse(noRoute(r))
	}
	if refused = x.readBody(); refused == nil {
		refused = x.find()
	}
	if refused != nil {
		return x.refuse(refused)
	}
	if x.wakes() {
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
		return nil
	case !ok:
		return notJSON()
	case name == "":
		return noModel()
	}
	var refused *refusal
	x.service, refused = x.g.byModel(name)
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
		return nil, ambiguous("host name", hostName(x.request.Host))
	}
}

func (g *Gateway) byModel(name string) (*service, *refusal) {
	switch found := g.directory.Load().byModel[name]; len(found) {
	case 0:
		return nil, unknownModel(name)
	case 1:
		return found[0], nil
	default:
		return nil, ambiguous("model", name)
	}
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
	if x.wakes() {
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
