package lossless

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/drain"
)

// Way is how long requests may go on once a pod is told to end: while its preStop hook
// waits, and for as long as vLLM then is told to, within the grace period. A hook that is not
// known is taken to wait until every request has ended.
func Way(l *corev1.Lifecycle, timeout, grace time.Duration) (way drain.Config, known bool) {
	way, known = drain.Config{Bound: timeout}, true
	if l != nil && l.PreStop != nil {
		var hook drain.Config
		if hook, known = read(l.PreStop); !known {
			hook = drain.Config{Bound: grace}
		}
		way = drain.Config{Settle: hook.Settle, Quiet: hook.Quiet, Bound: hook.Bound + timeout}
	}
	way.Bound = min(way.Bound, grace)
	way.Settle = min(way.Settle, way.Bound)
	way.Quiet = min(way.Quiet, way.Bound-way.Settle)
	return way, known
}

// read is what a preStop hook waits for: one that sleeps waits as long whatever is in
// flight, Flyball's own as its words say.
func read(h *corev1.LifecycleHandler) (drain.Config, bool) {
	if h.Sleep != nil {
		return sleeping(h.Sleep.Seconds), true
	}
	if h.Exec != nil {
		if own, ok := own(h.Exec.Command); ok {
			return own, true
		}
		if seconds, ok := sleeps(strings.Join(h.Exec.Command, " ")); ok {
			return sleeping(seconds), true
		}
	}
	return drain.Config{}, false
}

// sleeps is how long a script only sleeps: one with a loop, or that asks the server,
// waits for something.
func sleeps(script string) (seconds int64, ok bool) {
	if regexp.MustCompile(`\b(while|until|for|wait|curl|wget)\b`).MatchString(script) {
		return 0, false
	}
	for _, m := range regexp.MustCompile(`\bsleep\s+(\d{1,6})s?\b`).FindAllStringSubmatch(script, -1) {
		if n, err := strconv.ParseInt(m[1], 10, 32); err == nil {
			seconds, ok = seconds+n, true
		}
	}
	return seconds, ok
}

func sleeping(seconds int64) drain.Config {
	d := time.Duration(max(0, seconds)) * time.Second
	return drain.Config{Settle: d, Bound: d}
}

// quietTime is how long the hook that Add gives wants the engine to be idle: it looks three
// times, a second apart.
const quietTime = 2 * time.Second

// own reads that hook's command: bash -c SCRIPT drain ADDRESS SETTLE BOUND.
func own(command []string) (drain.Config, bool) {
	if len(command) != 7 || command[3] != "drain" {
		return drain.Config{}, false
	}
	settle, errSettle := strconv.ParseInt(command[5], 10, 32)
	bound, errBound := strconv.ParseInt(command[6], 10, 32)
	c := drain.Config{Settle: time.Duration(settle) * time.Second, Quiet: quietTime, Bound: time.Duration(bound) * time.Second}
	return c, errSettle == nil && errBound == nil && c.Validate() == nil
}
