//go:build linux

package lab

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/lab/proc"
)

func testLab(t *testing.T) (*Lab, string, <-chan string) {
	t.Helper()
	well := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(well.Close)
	said := make(chan string, 8)
	l := &Lab{
		cfg:   Config{Dir: t.TempDir(), Say: func(line string) { said <- line }},
		probe: well.Client(), stopping: make(chan struct{}),
	}
	return l, well.URL, said
}

func TestSuperviseRestartsAndSaysSo(t *testing.T) {
	l, url, said := testLab(t)
	if err := l.start(t.Context(), proc.Spec{Name: "sleeper", Path: "/bin/sleep", Args: []string{"1000"}}, url); err != nil {
		t.Fatal(err)
	}
	d := l.daemons[0]
	first := d.process
	first.Stop(0)
	if line := <-said; !strings.Contains(line, "sleeper ended") || !strings.Contains(line, "restarting in 1s") {
		t.Errorf("said %q, want that sleeper ended and restarts", line)
	}
	for restarted := false; !restarted; <-time.After(10 * time.Millisecond) {
		d.mu.Lock()
		restarted = d.process != first
		d.mu.Unlock()
	}
	d.stop()
	if memory := proc.Resident(d.process.Pid()); memory != 0 {
		t.Errorf("the restarted process is still there after stop")
	}
}

func TestStartNamesWhatEnded(t *testing.T) {
	l, _, _ := testLab(t)
	err := l.start(t.Context(), proc.Spec{Name: "liar", Path: "/bin/false", Log: l.path("liar.log")}, "http://127.0.0.1:1/")
	if err == nil || !strings.Contains(err.Error(), "liar") || len(hint.Of(err)) != 1 {
		t.Errorf("start = %v with hints %v, want the name and the log", err, hint.Of(err))
	}
	missing := l.start(t.Context(), proc.Spec{Name: "missing", Path: "/no/such/program"}, "")
	if missing == nil || len(hint.Of(missing)) != 1 {
		t.Errorf("start of a missing program = %v with hints %v", missing, hint.Of(missing))
	}
}
