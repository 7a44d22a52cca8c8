package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"time"
)

const firstRead = 16 << 10 // bytes; what is said to come may never do

// readBody reads the whole body, within the limits: only then does the server notice
// a client that goes away, and only then can another pod have the request too.
func (x *exchange) readBody() *refusal {
	r, limits := x.request, x.g.config.Limits
	switch {
	case r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody:
		return nil
	case r.ContentLength > limits.BodyBytes:
		return tooLarge(limits.BodyBytes)
	}
	control := http.NewResponseController(x.writer.ResponseWriter)
	_ = control.SetReadDeadline(time.Now().Add(limits.BodyTime)) // the server's connections have deadlines
	refused := x.fill()
	if refused == nil {
		_ = control.SetReadDeadline(time.Time{})
	}
	return refused
}

// fill grows the buffer as bytes come, to the length that was announced if one was.
func (x *exchange) fill() *refusal {
	r, most := x.request, x.g.config.Limits.BodyBytes
	size := int64(firstRead)
	if r.ContentLength > 0 {
		size = min(size, r.ContentLength)
	}
	for {
		if len(x.body) == cap(x.body) && !x.grow(size) {
			return memoryFull()
		}
		n, err := r.Body.Read(x.body[len(x.body):cap(x.body)])
		x.body = x.body[:len(x.body)+n]
		switch length := int64(len(x.body)); {
		case length > most:
			return tooLarge(most)
		case err == io.EOF:
			return nil
		case err != nil:
			return x.broken(err)
		}
		size = min(2*int64(cap(x.body)), most+1)
		if r.ContentLength > 0 { // and one byte to read the end with
			size = min(size, r.ContentLength+1)
		}
	}
}

// grow makes room for size bytes, if all requests together may take them.
func (x *exchange) grow(size int64) bool {
	more := size - x.reserved
	if x.g.memory.Add(more) > x.g.config.Limits.RequestsBytes {
		x.g.memory.Add(-more)
		return false
	}
	x.reserved = size
	bigger := make([]byte, len(x.body), size)
	copy(bigger, x.body)
	x.body = bigger
	return true
}

// broken explains a body that did not come.
func (x *exchange) broken(err error) *refusal {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow(x.g.config.Limits.BodyTime)
	case x.request.Context().Err() != nil, errors.Is(err, io.ErrUnexpectedEOF):
		return gone()
	}
	return malformed()
}

// dropBody frees it as soon as no other pod can need it.
func (x *exchange) dropBody() {
	x.g.memory.Add(-x.reserved)
	x.reserved, x.body = 0, nil
}

// upload is a body for one pod, with a context for its attempt. It is of a kind that
// the transport knows to be in memory: it then puts the header and a short body into
// one write. It would keep the body for as long as the answer takes; so what has been
// written is let go. An attempt that fails before that it may repeat by itself.
func upload(ctx context.Context, body []byte) (context.Context, io.ReadCloser) {
	rest := bytes.NewReader(body)
	written := func(how httptrace.WroteRequestInfo) {
		if how.Err == nil {
			rest.Reset(nil)
		}
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: written}), io.NopCloser(rest)
}
