package gateway

import (
	"bytes"
	"net/http"
	"time"
)

// lastEvent ends a stream for clients: many close the connection when they have it.
var lastEvent = []byte("data: [DONE]\n\n")

// writer is the way to the client. A client that takes nothing for as long as the
// gateway has patience is given up.
type writer struct {
	http.ResponseWriter
	patience time.Duration
	renewed  time.Time // when the deadline was set last
	status   int
	bytes    int64
	early    bool // the header went out before there was an answer
	done     bool // the last event of a stream has gone out
}

// wait begins the client's time anew. Doing so for each of many small writes costs
// more than the writes; a deadline is at least 7/8 of the patience away.
func (w *writer) wait() {
	now := time.Now()
	if now.Sub(w.renewed) < w.patience/8 {
		return
	}
	w.renewed = now
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(now.Add(w.patience)) // the server's connections have deadlines
}

// WriteHeader does nothing where the header is out already.
func (w *writer) WriteHeader(status int) {
	if w.early {
		return
	}
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.wait()
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	w.wait()
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	w.done = err == nil && bytes.HasSuffix(b, lastEvent)
	return n, err
}

// FlushError is what http.ResponseController looks for.
func (w *writer) FlushError() error {
	w.wait()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets it find the rest.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
