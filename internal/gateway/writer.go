package gateway

import (
	"bytes"
	"net/http"
	"sync"
	"time"
)

// lastEvent ends a stream for clients: many close the connection when they have it.
var lastEvent = []byte("data: [DONE]\n\n")

// writer is the way to the client. A client that takes nothing for as long as the
// gateway has patience is given up. Its time counts while a write goes on: a deadline
// that stood between two writes would reset a stream of HTTP/2 whose engine thinks.
type writer struct {
	http.ResponseWriter
	patience time.Duration
	status   int
	bytes    int64
	early    bool // the header went out before there was an answer
	done     bool // the last event of a stream has gone out
	failed   bool // the client has not taken something

	mu    sync.Mutex
	since time.Time   // the beginning of the write that goes on; zero if none does
	timer *time.Timer // looks whether it goes on for too long; nil before the first write
	ended bool
}

// begin and end stand around whatever may have to wait for the client.
func (w *writer) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Now()
	if w.timer == nil {
		_ = w.deadline(time.Time{}) // that of the request before on this connection
		w.timer = time.AfterFunc(w.patience/8, w.look)
	}
}

func (w *writer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Time{}
}

// look comes by eight times in the patience, so that it ends a write that has taken
// 7/8 of it, at least, and all of it, at most.
func (w *writer) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended:
		return
	case !w.since.IsZero() && time.Since(w.since) >= w.patience*7/8:
		_ = w.deadline(time.Now())
		return
	}
	w.timer.Reset(w.patience / 8)
}

// finish leaves the rest to a deadline: the server writes it after the handler.
func (w *writer) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.timer != nil && w.timer.Stop() {
		_ = w.deadline(time.Now().Add(w.patience))
	}
}

// deadline is set on a connection of HTTP/1, and on a stream of HTTP/2. The server's
// have them; those of tests need none.
func (w *writer) deadline(t time.Time) error {
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(t)
}

// WriteHeader does nothing where the header is out already.
func (w *writer) WriteHeader(status int) {
	if w.early {
		return
	}
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.begin()
	defer w.end()
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(b)
	w.end()
	w.bytes += int64(n)
	w.done = err == nil && bytes.HasSuffix(b, lastEvent)
	w.failed = w.failed || err != nil
	return n, err
}

// FlushError is what http.ResponseController looks for.
func (w *writer) FlushError() error {
	w.begin()
	defer w.end()
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.failed = w.failed || err != nil
	return err
}

// Unwrap lets it find the rest.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
