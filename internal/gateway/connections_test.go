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

// A dialled is a client's connection, read as it goes.
type dialled struct {
	net.Conn
	w *world
	r *bufio.Reader
}

func (w *world) connect() *dialled {
	conn, err := w.dial(w.t.Context(), "", "gateway:80")
	if err != nil {
		w.t.Fatal(err)
	}
	return &dialled{conn, w, bufio.NewReader(conn)}
}

func (d *dialled) send(text string) {
	_, _ = io.WriteString(d, text) // one that is closed says so when it is read
	synctest.Wait()
}

// status is 0 of a connection that is closed.
func (d *dialled) status() int {
	answer, err := http.ReadResponse(d.r, nil)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	synctest.Wait()
	return answer.StatusCode
}

// TestConnectionsAreBounded: the longest idle one makes room, one that works never does,
// and one that has ended leaves its place (INV-2).
func TestConnectionsAreBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", func(c *Config) { c.Limits.Connections = 2 })
		f.Update([]Service{llama()})
		const list, work = "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n", "POST /v1/completions HTTP/1.1\r\nHost: llama.demo\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
		ask := func(d *dialled, text string) int { d.send(text); return d.status() }
		first, second := w.connect(), w.connect()
		w.check("first", ask(first, list), 200)
		pause(t.Context(), time.Second)
		w.check("second", ask(second, list), 200)
		w.check("first again", ask(first, list), 200)
		third := w.connect()
		w.check("third", ask(third, list), 200)
		w.check("second, idle for longer than first", ask(second, list), 0)

		first.send(work)
		third.send(work)
		w.check("held", f.held(), 2)
		fourth := w.connect()
		w.check("fourth, while all work", ask(fourth, list), 0)
		w.check("held", f.held(), 2)
		_ = third.Close()
		pause(t.Context(), time.Second)
		fifth := w.connect()
		w.check("fifth, after one has ended", ask(fifth, list), 200)
		for _, d := range []*dialled{first, second, fourth, fifth} {
			_ = d.Close()
		}
	})
}
