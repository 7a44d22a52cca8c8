package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/drain"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// What a hook and --shutdown-timeout together let requests do, within the grace period.
func TestDrain(t *testing.T) {
	command := func(words ...string) *corev1.LifecycleHandler {
		return &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: words}}
	}
	sleep := func(seconds int64) *corev1.LifecycleHandler {
		return &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}}
	}
	const s = time.Second
	for name, test := range map[string]struct {
		hook    *corev1.LifecycleHandler
		timeout string
		grace   time.Duration
		want    drain.Config
		note    bool
	}{
		"neither":                {nil, "", 30 * s, drain.Config{}, false},
		"a timeout":              {nil, "20", 30 * s, drain.Config{Bound: 20 * s}, false},
		"one beyond the grace":   {nil, "90", 30 * s, drain.Config{Bound: 30 * s}, false},
		"a sleep":                {sleep(5), "", 30 * s, drain.Config{Settle: 5 * s, Bound: 5 * s}, false},
		"a sleep in a shell":     {command("sh", "-c", "sleep 5"), "", 30 * s, drain.Config{Settle: 5 * s, Bound: 5 * s}, false},
		"a sleep and a timeout":  {sleep(5), "20", 30 * s, drain.Config{Settle: 5 * s, Bound: 25 * s}, false},
		"a sleep for ever":       {sleep(1000), "20", 30 * s, drain.Config{Settle: 30 * s, Bound: 30 * s}, false},
		"Flyball's hook":         {command("bash", "-c", "sleep 1", "drain", "127.0.0.1:8080", "15", "260"), "30", 300 * s, drain.Config{Settle: 15 * s, Quiet: 2 * s, Bound: 290 * s}, false},
		"Flyball's, cut short":   {command("bash", "-c", "sleep 1", "drain", "127.0.0.1:8080", "15", "260"), "30", 16 * s, drain.Config{Settle: 15 * s, Quiet: s, Bound: 16 * s}, false},
		"not quite Flyball's":    {command("bash", "-c", "wait-for", "drain", "127.0.0.1:8080", "15", "soon"), "", 30 * s, drain.Config{Bound: 30 * s}, true},
		"a loop with a sleep":    {command("sh", "-c", "while busy; do sleep 1; done"), "", 30 * s, drain.Config{Bound: 30 * s}, true},
		"a request to something": {&corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/drain"}}, "", 30 * s, drain.Config{Bound: 30 * s}, true},
	} {
		p := &maker{manifests: &manifests{}, target: &target{}}
		p.GracePeriod = test.grace
		c := &corev1.Container{Image: "vllm-openai"}
		if test.hook != nil {
			c.Lifecycle = &corev1.Lifecycle{PreStop: test.hook}
		}
		if test.timeout != "" {
			p.Engine, _ = vllm.Parse([]string{"--shutdown-timeout", test.timeout}).Args()
		}
		p.drain(c)
		if diff := cmp.Diff(test.want, p.Drain); diff != "" || test.note != (len(p.notes) > 0) {
			t.Errorf("%s: notes %v, -want +got\n%s", name, p.notes, diff)
		}
	}
}
