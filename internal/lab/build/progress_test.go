package build

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The rest is told from how fast this machine was so far; a log is never silent for more
// than 15 s.
func TestProgress(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"log", nil, "[1/3] a … 0 s, about 4 min left\n[1/3] a … 10 s, about 4 min left\n[1/3] a done in 14 s\n" +
			"[2/3] b … 0 s, about 40 s left\n[2/3] b … 10 s, about 30 s left\n[2/3] b … 20 s, about 30 s left\n[2/3] b done in 25 s\n"},
		{"log, failing", broken, "[1/3] a … 0 s, about 4 min left\n[1/3] a … 10 s, about 4 min left\n[1/3] a done in 14 s\n" +
			"[2/3] b … 0 s, about 40 s left\n[2/3] b … 10 s, about 30 s left\n[2/3] b … 20 s, about 30 s left\n[2/3] b FAILED in 25 s\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				p := progress{w: &out, plan: []time.Duration{time.Minute, time.Minute, 2 * time.Minute}}
				if err := p.during("a", func() error { time.Sleep(14 * time.Second); return nil }); err != nil {
					t.Fatal(err)
				}
				err := p.during("b", func() error { time.Sleep(25 * time.Second); return tc.err })
				if got := out.String(); got != tc.want || !errors.Is(err, tc.err) {
					t.Errorf("during = %v, wrote\n%s\nwant\n%s", err, got, tc.want)
				}
			})
		})
	}
}

func TestProgressOnATerminalRewritesItsLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := progress{w: &out, terminal: true, plan: []time.Duration{4 * time.Second}}
		err := p.during("x", func() error {
			time.Sleep(2500 * time.Millisecond)
			return nil
		})
		const want = "\r\x1b[K[1/1] x … 0 s, about 4 s left \r\x1b[K[1/1] x … 1 s, about 3 s left \r\x1b[K[1/1] x … 2 s, about 2 s left " +
			"\r\x1b[K[1/1] x done in 2 s\n"
		if got := out.String(); err != nil || got != want {
			t.Errorf("during = %v, wrote %q, want %q", err, got, want)
		}
	})
}

// One that takes three times as long as planned says so of the rest, too.
func TestLeftOnASlowMachine(t *testing.T) {
	p := progress{plan: []time.Duration{time.Minute, 10 * time.Minute}}
	if got, want := p.left(3*time.Minute), 30*time.Minute; got != want {
		t.Errorf("left = %v, want %v", got, want)
	}
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		5 * time.Second: "5 s", 34 * time.Second: "30 s", time.Minute: "1 min", 31*time.Minute + 30*time.Second: "32 min",
	} {
		if got := about(d); got != want {
			t.Errorf("about(%v) = %q, want %q", d, got, want)
		}
	}
}
