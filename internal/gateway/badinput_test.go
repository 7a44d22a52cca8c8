package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const head = "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"

// TestBadInput sends bytes as no client should, and sees the status, that the pod has
// seen no more requests than it should, and that nothing is left behind.
func TestBadInput(t *testing.T) {
	length := fmt.Sprintf("Content-Length: %d\r\n", len(chat))
	for name, test := range map[string]struct {
		send   string
		status string
		served int
	}{
		"as it should be":         {head + length + "\r\n" + chat, "200 OK", 1},
		"chunked":                 {head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(chat) + chunk(""), "200 OK", 1},
		"100-continue":            {head + length + "Expect: 100-continue\r\n\r\n" + chat, "100 Continue, 200 OK", 1},
		"another expectation":     {head + length + "Expect: the-unexpected\r\n\r\n" + chat, "417 Expectation Failed", 0},
		"HTTP/1.0":                {strings.Replace(head, "1.1", "1.0", 1) + length + "\r\n" + chat, "200 OK", 1},
		"HTTP/1.0 in chunks":      {strings.Replace(head, "1.1", "1.0", 1) + "Transfer-Encoding: chunked\r\n\r\n" + chunk(chat) + chunk(""), "400 Bad Request", 0},
		"broken JSON":             {head + "Content-Length: 2\r\n\r\n{]", "400 Bad Request", 0},
		"unknown model":           {head + "Content-Length: 13\r\n\r\n{\"model\":\"x\"}", "404 Not Found", 0},
		"a model that is none":    {head + "Content-Length: 11\r\n\r\n{\"model\":1}", "400 Bad Request", 0},
		"compressed":              {head + length + "Content-Encoding: gzip\r\n\r\n" + chat, "415 Unsupported Media Type", 0},
		"GET":                     {"GET /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\n\r\n", "405 Method Not Allowed", 0},
		"CONNECT":                 {"CONNECT evil:80 HTTP/1.1\r\nHost: evil:80\r\n\r\n", "405 Method Not Allowed", 0},
		"TRACE":                   {"TRACE / HTTP/1.1\r\nHost: llama.demo\r\n\r\n", "405 Method Not Allowed", 0},
		"DELETE of all models":    {"DELETE /v1/models HTTP/1.1\r\nHost: gateway\r\n\r\n", "405 Method Not Allowed", 0},
		"no such path":            {"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n", "404 Not Found", 0},
		"no host":                 {"POST / HTTP/1.1\r\n\r\n", "400 Bad Request: missing required Host header", 0},
		"two hosts":               {"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request", 0},
		"no HTTP":                 {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400 Bad Request", 0},
		"too long a header":       {head + "X: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", "431 Request Header Fields Too Large", 0},
		"too many headers":        {head + strings.Repeat("X-Y: z\r\n", 20000) + "\r\n", "431 Request Header Fields Too Large", 0},
		"announced giant":         {head + "Content-Length: 99999999999\r\n\r\n{", "413 Request Entity Too Large", 0},
		"announced overflow":      {head + "Content-Length: 99999999999999999999\r\n\r\n{", "400 Bad Request", 0},
		"less than nothing":       {head + "Content-Length: -1\r\n\r\n{", "400 Bad Request", 0},
		"endless":                 {head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk(strings.Repeat("x", 8<<10)), 9), "413 Request Entity Too Large", 0},
		"chunks without a size":   {head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "400 Bad Request", 0},
		"deep":                    {head + "Content-Length: 60000\r\n\r\n" + strings.Repeat("[", 60000), "400 Bad Request", 0},
		"two lengths":             {head + length + "Content-Length: 5\r\n\r\n" + chat, "400 Bad Request", 0},
		"two codings":             {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chat, "501 Not Implemented", 0},
		"unknown coding":          {head + "Transfer-Encoding: xchunked\r\n\r\n" + chat, "501 Not Implemented", 0},
		"smuggled by length":      {head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(chat) + chunk("") + "GET /smuggled HTTP/1.1\r\nHost: llama.demo\r\n\r\n", "200 OK", 1},
		"smuggled by white space": {head + "Transfer-Encoding : chunked\r\n\r\n" + chunk("") + "GET /smuggled HTTP/1.1\r\n\r\n", "400 Bad Request: invalid header name", 0},
		"a folded header is one":  {head + "X: y\r\n Transfer-Encoding: chunked\r\n" + length + "\r\n" + chat, "200 OK", 1},
		"a switch to nowhere":     {head + length + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + chat, "200 OK", 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				f := w.front("gateway", nil)
				pod := w.engine("pod", says("yes"))
				f.Update([]Service{llama(pod)})
				w.check("status", f.raw(test.send), test.status)
				pause(t.Context(), time.Second)
				w.check("requests at the pod", pod.count(), test.served)
				w.check("held", f.held(), 0)
				w.check("bytes of requests", f.memory.Load(), int64(0))
			})
		})
	}
}

func chunk(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

// TestDisconnectAtEveryByte: whenever a client goes, before and after its request is
// whole, to a sleeping service and to one that streams, nothing stays, and each that
// was a request is accounted for once (INV-1).
func TestDisconnectAtEveryByte(t *testing.T) {
	for name, pods := range map[string]int{"asleep": 0, "awake": 1} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				f := w.front("gateway", nil)
				s := llama()
				if pods > 0 {
					s = llama(w.engine("pod", streams(10)))
				}
				f.Update([]Service{s})
				send := head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(chat)) + chat
				for n := range len(send) + 1 {
					f.leave(send[:n])
				}
				synctest.Wait()
				w.check("held", f.held(), 0)
				w.check("in flight", f.directory.Load().byKey["demo/llama"].inFlight.Load(), int64(0))
				w.check("bytes of requests", f.memory.Load(), int64(0))
				gone := f.count("requests_total", "demo", "client_gone", "llama") + f.count("requests_total", other, "client_gone", other)
				w.check("requests counted", gone, float64(len(chat)+1))
				w.check("requests logged", strings.Count(f.lines(), `"msg":"request"`), len(chat)+1)
			})
		})
	}
}

// leave sends, sees what comes for 3 s, and goes.
func (f *front) leave(text string) {
	f.w.t.Helper()
	conn, err := f.w.dial(f.w.t.Context(), "", f.name+":80")
	if err != nil {
		f.w.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		f.w.t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	pause(f.w.t.Context(), 3*time.Second)
	_ = conn.Close()
}

// TestHTTP2 speaks it without TLS: several requests on a connection, one is taken back.
func TestHTTP2(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama()})
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		transport := &http.Transport{DialContext: w.dial, Protocols: protocols}
		defer transport.CloseIdleConnections()
		w.client = &http.Client{Transport: transport}
		first, second := f.start(chat), f.start(chat)
		w.check("held", f.held(), 2)
		f.Update([]Service{llama(w.engine("pod", streams(2)))})
		for _, done := range []<-chan reply{first, second} {
			if got := <-done; got.status != 200 || !strings.HasSuffix(got.body, "[DONE]\n\n") {
				t.Errorf("got %v", got)
			}
		}
		w.check("connections", len(w.conns["gateway:80"]), 1)
		f.Update([]Service{llama(w.engine("dies", func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(rw, "data: 0\n\n")
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}))})
		if got := f.post(chat); got.err == nil {
			t.Errorf("of a pod that dies: %v, want an error", got)
		}
	})
}

// TestHalfClose: a client that closes its own direction, with its request whole or not,
// is gone, and is not told 200 (INV-4).
func TestHalfClose(t *testing.T) {
	g, err := New(loopbackConfig())
	if err != nil {
		t.Fatal(err)
	}
	g.Update([]Service{llama()})
	gateway := serveLoopback(t, g.server(g))
	for name, send := range map[string]string{
		"whole":     head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(chat)) + chat,
		"half":      head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(chat)) + chat[:20],
		"in chunks": head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(chat),
	} {
		conn, err := net.Dial("tcp", gateway)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, send)
		_ = conn.(*net.TCPConn).CloseWrite()
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			_ = answer.Body.Close()
		}
		if err == nil && answer.StatusCode != statusClientGone {
			t.Errorf("%s: %s, want %d or nothing", name, answer.Status, statusClientGone)
		}
		_ = conn.Close()
	}
}

// TestLoopback is on real sockets: an answer that breaks off looks so to
// a client of HTTP/1.0 as well, which has nothing but the connection's end to go by
// (INV-4).
func TestLoopback(t *testing.T) {
	pod := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Forwarded-For"))
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/dies" {
			panic(http.ErrAbortHandler)
		}
	})}
	address := serveLoopback(t, pod)
	g, err := New(loopbackConfig())
	if err != nil {
		t.Fatal(err)
	}
	s := llama()
	s.Pods = []Pod{{"pod", address}}
	g.Update([]Service{s})
	gateway := serveLoopback(t, g.server(g))
	ask := func(path, version string) (string, error) {
		conn, err := net.Dial("tcp", gateway)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, "GET %s HTTP/%s\r\nHost: llama.demo\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n", path, version)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return string(body), err
	}
	for _, version := range []string{"1.0", "1.1"} {
		if body, err := ask("/", version); err != nil || body != "10.0.0.1, 127.0.0.1" {
			t.Errorf("HTTP/%s: %q, %v", version, body, err)
		}
		if body, err := ask("/dies", version); err == nil {
			t.Errorf("HTTP/%s: %q looks whole, though its pod died", version, body)
		}
	}
	g.transport.CloseIdleConnections()
}

func serveLoopback(t *testing.T, s *http.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}
