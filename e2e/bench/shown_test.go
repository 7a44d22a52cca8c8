//go:build e2e && linux

package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// address is that of the n-th pod: all of 127.0.0.0/8 is this machine's.
func address(n int) string { return fmt.Sprintf("127.88.%d.%d", n>>8, n&0xff) }

func freePort(t *testing.T) int {
	t.Helper()
	_, text, err := net.SplitHostPort(kubetest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// shows is the pod that a connection has come to.
type shows struct {
	of *service
	*pod
}

type shownKey struct{}

// show has pods answer until the test ends.
func (s *source) show(t *testing.T) {
	s.shown = &http.Server{
		Handler:           http.HandlerFunc(s.metrics),
		ReadHeaderTimeout: time.Minute,
		BaseContext: func(l net.Listener) context.Context {
			return context.WithValue(context.Background(), shownKey{}, l.(door).shows)
		},
	}
	t.Cleanup(func() { _ = s.shown.Close() }) // who asks has ended
}

// A door is a pod's own listener.
type door struct {
	net.Listener
	shows shows
}

// open has a pod of a service answer at its address.
func (s *source) open(of *service, p *pod, ip string) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(s.port)))
	if err != nil {
		return nil, fmt.Errorf("opening pod %s: %w", p.name, err)
	}
	go func() { _ = s.shown.Serve(door{l, shows{of, p}}) }() // until it is closed
	return l, nil
}

// metrics writes a pod's series as it would show them.
func (s *source) metrics(w http.ResponseWriter, r *http.Request) {
	p, ok := r.Context().Value(shownKey{}).(shows)
	if !ok || r.URL.Path != "/metrics" {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	values := p.of.scrapedLocked(p.pod, time.Now())
	s.mu.Unlock()
	out := bufio.NewWriter(w)
	for i, c := range s.layout.columns {
		fmt.Fprintf(out, "%s{%sengine=\"0\",model_name=\"llama\"} %s\n", c.name, c.exposed, strconv.FormatFloat(values[i], 'f', -1, 64))
	}
	_ = out.Flush() // who asked has gone
}

// exposition are labels as a pod shows them.
func exposition(labels ...string) string {
	var text strings.Builder
	for i := 0; i < len(labels); i += 2 {
		fmt.Fprintf(&text, "%s=%q,", labels[i], labels[i+1])
	}
	return text.String()
}
