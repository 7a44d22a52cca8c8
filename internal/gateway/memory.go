package gateway

import "net/http"

// What things take beside the bytes that clients send, as BenchmarkAgainstBareProxy and
// TestFlood measure them.
const (
	baseBytes       = 64 << 20 // the program, its metrics and its view of the cluster
	connectionBytes = 16 << 10 // buffers and a goroutine
	requestBytes    = 52 << 10 // buffers and goroutines towards the client and towards the pod
	headerEntry     = 128      // of a header beside its text
)

// Memory is what a gateway with these limits may take at most: each connection with a
// header that is not whole yet, and all requests.
func (l Limits) Memory() int64 {
	return baseBytes + int64(l.Connections)*int64(connectionBytes+l.HeaderBytes) + l.RequestsBytes
}

// headerBytes is what a request's header takes.
func headerBytes(r *http.Request) int64 {
	n := len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + headerEntry
		}
	}
	return int64(n)
}

// charge takes a request's share of the budget for requests, but for its body. It reports
// false where there is none left.
func (x *exchange) charge() bool {
	n := requestBytes + headerBytes(x.request)
	if x.g.memory.Add(n) > x.g.config.Limits.RequestsBytes {
		x.g.memory.Add(-n)
		return false
	}
	x.fixed = n
	return true
}
