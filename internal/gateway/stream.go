package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// commentEvery keeps the idle timers of clients and of proxies before the gateway
// from ending what is held.
const commentEvery = 10 * time.Second

// wait returns what the request is granted, or false if its client is gone or its
// time is up. A client that asked for it gets its header and comments meanwhile:
// lines that begin with a colon are none of a stream's events.
func (x *exchange) wait(done <-chan grant) (grant, bool) {
	var comment <-chan time.Time
	if x.stream && x.request.Header.Get(earlyHeader) == "true" {
		ticker := time.NewTicker(commentEvery)
		defer ticker.Stop()
		comment = ticker.C
		x.comment()
	}
	for {
		select {
		case given := <-done:
			return given, true
		case <-x.request.Context().Done():
			return grant{}, false
		case <-comment:
			x.comment()
		}
	}
}

func (x *exchange) comment() {
	w := &x.writer
	if !w.early {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		w.WriteHeader(http.StatusOK)
		w.early = true
	}
	// A client that is gone ends the request's context.
	_, _ = io.WriteString(w, ": waiting for a pod\n\n")
	_ = w.FlushError()
}

// inStream turns an answer that is no stream into an event of one, where the client
// has got the header of a stream already.
func inStream(answer *http.Response) error {
	x := exchangeOf(answer.Request.Context())
	if !x.writer.early || answer.StatusCode == http.StatusOK && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	var flat bytes.Buffer
	if json.Compact(&flat, text) != nil {
		flat.Reset()
		flat.Write(badStream(answer.StatusCode).json(true))
	}
	answer.Body = io.NopCloser(bytes.NewReader(event(flat.Bytes())))
	answer.ContentLength = -1
	return nil
}

func event(data []byte) []byte { return append(append([]byte("data: "), data...), "\n\n"...) }
