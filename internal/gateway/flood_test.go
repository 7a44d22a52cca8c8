package gateway

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
)

// floodLimits fit into 117 MiB.
func floodLimits() (admit.Config, Limits) {
	hold, limits, _ := Defaults()
	hold.Total = admit.Budget{Bytes: 12 << 20, Requests: 1000}
	hold.Service = hold.Total
	limits.Connections, limits.RequestsBytes, limits.BodyBytes = 600, 24<<20, 1<<20
	limits.DrainDelay, limits.DrainTime = 0, 0
	return hold, limits
}

// bigHeader has as many bytes as a gateway with default limits takes.
var bigHeader = strings.Repeat("X-Padding: "+strings.Repeat("x", 1000)+"\r\n", 31)

// TestFlood fills every budget at once with the largest headers: requests that are held,
// headers that never end and bodies that never come, on more connections than may be.
// The gateway stays within its memory, and serves when it is over (INV-2).
func TestFlood(t *testing.T) {
	_, limits := floodLimits()
	p := startProxy(t, "flood", "")
	base := p.ask("/collected")
	begun := "POST /v1/chat/completions HTTP/1.1\r\nHost: flood\r\nContent-Type: application/json\r\n" + bigHeader
	held := begun + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(fourKB), fourKB)

	few := p.flood(t, 200, held)
	p.awaitHeld(200)
	grown, counted := p.ask("/collected")-base, p.ask("/counted")
	if grown > counted && !raced {
		t.Errorf("200 held with large headers take %d KB each, counted as %d", grown/200>>10, counted/200>>10)
	}
	var all []net.Conn
	for _, text := range []string{held, begun, begun + "Content-Length: 1000000\r\n\r\n{"} {
		all = append(all, p.flood(t, 400, text)...)
	}
	got, most := p.ask("/memory"), limits.Memory()
	t.Logf("200 held take %d KB each, counted as %d; flooded %d of %d MiB", grown/200>>10, counted/200>>10, got>>20, most>>20)
	if got > most && !raced {
		t.Errorf("the flooded gateway takes %d MiB, want at most %d", got>>20, most>>20)
	}
	closeAll(append(all, few...))
	p.awaitHeld(0)
	for began := time.Now(); ; pause(t.Context(), 10*time.Millisecond) {
		answer, err := (&http.Client{Timeout: time.Second}).Get("http://" + p.address + "/v1/models")
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Since(began) > patience {
			t.Fatalf("after the flood: %v", err)
		}
	}
}

// flood sends a text on each of many connections, as far as it is taken.
func (p *proxy) flood(t *testing.T, n int, text string) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	var all sync.WaitGroup
	for i := range conns {
		c, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = c
		all.Go(func() {
			_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
			_, _ = io.WriteString(c, text) // one too many is closed
		})
	}
	all.Wait()
	return conns
}
