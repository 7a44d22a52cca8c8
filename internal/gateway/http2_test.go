package gateway

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flyball-dev/flyball/internal/gateway/tenant"
)

// http2 is a client that speaks HTTP/2 without TLS.
func (w *world) http2() *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols), DialContext: w.dial}
	transport.Protocols.SetUnencryptedHTTP2(true)
	w.stops = append(w.stops, transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestSilentStreamOfHTTP2: an engine may think for as long as it likes, after the header
// and in the middle of an answer; only a client that takes nothing is given up.
func TestSilentStreamOfHTTP2(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		thinks := w.engine("pod", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/event-stream")
			for _, text := range []string{"", "data: 1\n\n", "data: [DONE]\n\n"} {
				_, _ = io.WriteString(rw, text)
				_ = http.NewResponseController(rw).Flush()
				pause(r.Context(), 3*f.config.Limits.WriteTime)
			}
		})
		f.Update([]Service{llama(thinks)})
		client := w.http2()
		answer, err := client.Do(f.request(t.Context(), http.MethodPost, "/v1/chat/completions", chat))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.ProtoMajor != 2 || string(body) != "data: 1\n\ndata: [DONE]\n\n" {
			t.Errorf("HTTP/%d, %q, %v, want the whole stream", answer.ProtoMajor, body, err)
		}
	})
}

// TestSlowReaderOfHTTP2 is TestG5_SlowReader for one of many streams of a connection.
func TestSlowReaderOfHTTP2(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		pod := w.engine("pod", func(rw http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(rw).Flush()
			for pause(r.Context(), time.Millisecond) {
				if _, err := rw.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		})
		f.Update([]Service{llama(pod)})
		answer, err := w.http2().Do(f.request(t.Context(), http.MethodPost, "/v1/chat/completions", chat))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		pause(t.Context(), f.config.Limits.WriteTime*7/8)
		w.check("in flight before its time is up", f.count("in_flight_requests", "demo", "llama"), 1.0)
		pause(t.Context(), f.config.Limits.WriteTime/4)
		synctest.Wait()
		w.check("given up", f.count("requests_total", "demo", "client_gone", "llama"), 1.0)
	})
}

// TestRefusedStreamOfHTTP2: a request that is refused before its body is read, as one
// without a key is, does not end the connection that a proxy has others on.
func TestRefusedStreamOfHTTP2(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", w.keys())
		s := llama(w.engine("pod", says("yes")))
		s.Namespace = "a"
		f.Update([]Service{s})
		client := w.http2()
		for _, key := range []string{"", "of-a", "other", "of-a"} {
			r := f.request(t.Context(), http.MethodPost, "/v1/chat/completions", chat)
			r.Header.Set(tenant.KeyHeader, key)
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			w.check("status of the key "+key, answer.StatusCode == http.StatusOK, key == "of-a")
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.check("connections", len(w.conns["gateway:80"]), 1)
	})
}
