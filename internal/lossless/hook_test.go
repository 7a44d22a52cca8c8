package lossless

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/drain"
)

// INV-2.
func TestOwnHook(t *testing.T) {
	p := engine(nil)
	Add(p)
	got, ok := own(servingOf(p).Lifecycle.PreStop.Exec.Command)
	if want := (drain.Config{Settle: 15 * time.Second, Quiet: 2 * time.Second, Bound: 260 * time.Second}); !ok || got != want {
		t.Errorf("own = %+v, %v, want %+v", got, ok, want)
	}
	for _, other := range [][]string{
		nil, {"sleep", "5"}, {"bash", "-c", "", "drain", "127.0.0.1:8080", "15", "soon"}, {"bash", "-c", "", "drain", "127.0.0.1:8080", "-1", "260"},
		{"bash", "-c", "", "drain", "127.0.0.1:8080", "30", "15"}, {"bash", "-c", "", "wait", "127.0.0.1:8080", "15", "260"},
	} {
		if _, ok := own(other); ok {
			t.Errorf("own(%q) took it", other)
		}
	}
}

// What a hook and --shutdown-timeout together let requests do, within the grace period.
func TestWay(t *testing.T) {
	command := func(words ...string) *corev1.LifecycleHandler {
		return &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: words}}
	}
	sleep := func(seconds int64) *corev1.LifecycleHandler {
		return &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}}
	}
	const s = time.Second
	for name, test := range map[string]struct {
		hook    *corev1.LifecycleHandler
		timeout time.Duration
		grace   time.Duration
		want    drain.Config
		unknown bool
	}{
		"neither":                {nil, 0, 30 * s, drain.Config{}, false},
		"a timeout":              {nil, 20 * s, 30 * s, drain.Config{Bound: 20 * s}, false},
		"one beyond the grace":   {nil, 90 * s, 30 * s, drain.Config{Bound: 30 * s}, false},
		"a sleep":                {sleep(5), 0, 30 * s, drain.Config{Settle: 5 * s, Bound: 5 * s}, false},
		"a sleep in a shell":     {command("sh", "-c", "sleep 5"), 0, 30 * s, drain.Config{Settle: 5 * s, Bound: 5 * s}, false},
		"a sleep and a timeout":  {sleep(5), 20 * s, 30 * s, drain.Config{Settle: 5 * s, Bound: 25 * s}, false},
		"a sleep for ever":       {sleep(1000), 20 * s, 30 * s, drain.Config{Settle: 30 * s, Bound: 30 * s}, false},
		"Flyball's hook":         {command("bash", "-c", "sleep 1", "drain", "127.0.0.1:8080", "15", "260"), 30 * s, 300 * s, drain.Config{Settle: 15 * s, Quiet: 2 * s, Bound: 290 * s}, false},
		"Flyball's, cut short":   {command("bash", "-c", "sleep 1", "drain", "127.0.0.1:8080", "15", "260"), 30 * s, 16 * s, drain.Config{Settle: 15 * s, Quiet: s, Bound: 16 * s}, false},
		"not quite Flyball's":    {command("bash", "-c", "wait-for", "drain", "127.0.0.1:8080", "15", "soon"), 0, 30 * s, drain.Config{Bound: 30 * s}, true},
		"a loop with a sleep":    {command("sh", "-c", "while busy; do sleep 1; done"), 0, 30 * s, drain.Config{Bound: 30 * s}, true},
		"a request to something": {&corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/drain"}}, 0, 30 * s, drain.Config{Bound: 30 * s}, true},
	} {
		var l *corev1.Lifecycle
		if test.hook != nil {
			l = &corev1.Lifecycle{PreStop: test.hook}
		}
		got, known := Way(l, test.timeout, test.grace)
		if diff := cmp.Diff(test.want, got); diff != "" || known == test.unknown {
			t.Errorf("%s: known %v, -want +got\n%s", name, known, diff)
		}
	}
}
