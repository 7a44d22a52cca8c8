package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// mostSent is how many pods may have had a request and failed or refused it: a request
// that brings down the engines that read it must not bring down all, and where all are
// overloaded one request must not become one at each.
const mostSent = 3

// forwarder is the proxy's way to pods: it tries another one while it may.
type forwarder struct{ g *Gateway }

// RoundTrip returns the first answer that counts. The exchange holds a pod already.
func (f forwarder) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	for {
		answer, err := f.attempt(x, r)
		switch {
		case err != nil:
			if !f.mayRetry(x, err) {
				return nil, err
			}
			x.giveBack()
		case answer.StatusCode == http.StatusServiceUnavailable && x.other():
			_ = answer.Body.Close() // a refusal: nobody reads it
		default:
			x.dropBody()
			if answer.StatusCode == http.StatusSwitchingProtocols {
				x.speaks()
				x.writer.status = answer.StatusCode
			} else {
				answer.Body = &voice{answer.Body, x}
			}
			return answer, nil
		}
		x.service.retries.Add(1)
		if x.pod != nil {
			continue
		}
		if refused := f.g.acquire(x); refused != nil {
			return nil, refused
		}
	}
}

// attempt sends the request to the exchange's pod.
func (f forwarder) attempt(x *exchange, r *http.Request) (*http.Response, error) {
	x.attempts++
	ctx, cancel := context.WithCancelCause(r.Context()) // its end is that of the request
	x.pod.loss.attempt(x, cancel)
	body := io.ReadCloser(nil)
	if len(x.body) > 0 {
		ctx, body = upload(ctx, x.body)
	}
	out := r.WithContext(ctx)
	to := *r.URL
	to.Host = x.pod.Address
	out.URL = &to
	out.Body, out.GetBody, out.ContentLength = body, nil, int64(len(x.body))
	answer, err := f.g.transport.RoundTrip(out)
	x.pod.loss.attempt(x, nil)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errEjected):
		return nil, errEjected
	case err != nil:
		cancel(nil)
		return nil, err
	case answer.StatusCode >= http.StatusInternalServerError:
		f.g.failed(x.service, x.pod)
	default:
		x.pod.errors.Store(0)
	}
	x.pod.answered()
	x.pod.alive(f.g.now())
	return answer, nil
}

// mayRetry judges an attempt without an answer.
func (f forwarder) mayRetry(x *exchange, err error) bool {
	if x.request.Context().Err() != nil {
		return false
	}
	x.tried = append(x.tried, x.pod)
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		f.g.shun(x.service, x.pod)
		return true // the pod has seen nothing; the hold queue's time bounds this
	}
	if !errors.Is(err, errEjected) {
		f.g.failed(x.service, x.pod)
	}
	x.sent++
	return x.sent < mostSent
}

// other moves the request to a pod that has not refused it, if there is one, and not too
// many have.
func (x *exchange) other() bool {
	x.tried = append(x.tried, x.pod)
	if x.sent++; x.sent >= mostSent {
		return false
	}
	p := choose(x.service.podsFor(x), x.tried, x.g.now())
	if p == nil {
		return false
	}
	x.giveBack()
	x.take(p)
	return true
}

// voice is an answer's body. It notes the first byte, which is the end of the
// prompt's reading, and an end that comes too early.
type voice struct {
	io.ReadCloser
	x *exchange
}

func (v *voice) Read(b []byte) (int, error) {
	n, err := v.ReadCloser.Read(b)
	if n > 0 {
		v.x.pod.alive(v.x.g.now())
		v.x.speaks()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		v.x.readErr = err
	}
	return n, err
}
