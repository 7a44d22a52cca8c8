package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A session is a connection that a client has opened for both directions.
type session struct {
	net.Conn
	r *bufio.Reader
	w *world
}

// open asks for one and does not wait.
func (w *world) open(upgrade string) *session {
	w.t.Helper()
	conn, err := w.dial(w.t.Context(), "", "gateway:80")
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = io.WriteString(conn, "GET /v1/realtime HTTP/1.1\r\nHost: llama.demo\r\nConnection: Upgrade\r\nUpgrade: "+upgrade+"\r\n\r\n")
	w.check("sent", err, nil)
	synctest.Wait()
	return &session{conn, bufio.NewReader(conn), w}
}

func (s *session) status() int {
	s.w.t.Helper()
	answer, err := http.ReadResponse(s.r, nil)
	if err != nil {
		s.w.t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// echo is what comes back of a line.
func (s *session) echo(line string) string {
	_, err := io.WriteString(s, line)
	s.w.check("sent", err, nil)
	got, err := s.r.ReadString('\n')
	s.w.check("error", err, nil)
	return got
}

// echoes answers every line of a session with itself.
func echoes(t *testing.T) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Connection", "Upgrade")
		rw.Header().Set("Upgrade", r.Header.Get("Upgrade"))
		rw.WriteHeader(http.StatusSwitchingProtocols)
		conn, both, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for {
			line, err := both.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, line)
		}
	}
}

// TestTwoWay: a connection that a client opens for both directions waits for a pod as
// well (INV-8), and then passes bytes either way.
func TestTwoWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama()})
		s := w.open("websocket")
		defer s.Close()
		pause(t.Context(), time.Second)
		w.check("held", f.held(), 1)
		f.Update([]Service{llama(w.engine("pod", echoes(t)))})
		w.check("status", s.status(), http.StatusSwitchingProtocols)
		w.check("echo", s.echo("hello\n"), "hello\n")
		w.check("in flight", f.count("in_flight_requests", "demo", "llama"), 1.0)
		s.Close()
		pause(t.Context(), time.Second)
		w.check("in flight", f.count("in_flight_requests", "demo", "llama"), 0.0)
		w.check("outcome", f.count("requests_total", "demo", "answered", "llama"), 1.0)
	})
}

// TestG2_SessionDrains: the end of the gateway waits for a session as for any request,
// also where nothing else is in flight (INV-9).
func TestG2_SessionDrains(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama(w.engine("pod", echoes(t)))})
		s := w.open("websocket")
		w.check("status", s.status(), http.StatusSwitchingProtocols)
		f.sigterm()
		pause(t.Context(), 20*time.Second)
		select {
		case err := <-f.returned:
			t.Fatalf("stopped (%v) while a session goes on", err)
		default:
		}
		w.check("echo 20 s after SIGTERM", s.echo("hello\n"), "hello\n")
		s.Close()
		began := time.Now()
		w.check("Run", <-f.returned, nil)
		if took := time.Since(began); took > time.Second {
			t.Errorf("stopped %v after the last session, want at once", took)
		}
	})
}

// TestG2_SessionIsBounded: one that does not end is cut, and the gateway stops in time.
func TestG2_SessionIsBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama(w.engine("pod", echoes(t)))})
		s := w.open("websocket")
		defer s.Close()
		w.check("status", s.status(), http.StatusSwitchingProtocols)
		began := time.Now()
		f.sigterm()
		w.check("Run", <-f.returned, nil)
		if took := time.Since(began); took < 30*time.Second || took > 32*time.Second {
			t.Errorf("stopped after %v, want 30 s", took)
		}
		_, err := s.r.ReadString('\n')
		w.check("the session's end", err, io.EOF)
	})
}
