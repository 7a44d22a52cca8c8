package build

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgress(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"log", nil, "building x …\nstill building x, 60 s\nstill building x, 120 s\nx done in 150 s\n"},
		{"log, failing", broken, "building x …\nstill building x, 60 s\nstill building x, 120 s\nx FAILED in 150 s\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				err := progress{&out, false}.during("building x", "x", func() error {
					time.Sleep(150 * time.Second)
					return tc.err
				})
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
		err := progress{&out, true}.during("building x", "x", func() error {
			time.Sleep(2500 * time.Millisecond)
			return nil
		})
		const want = "building x … \rbuilding x … 1 s \rbuilding x … 2 s \rbuilding x … done in 2 s\n"
		if got := out.String(); err != nil || got != want {
			t.Errorf("during = %v, wrote %q, want %q", err, got, want)
		}
	})
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{5 * time.Second: "5 s", time.Minute: "1 min", 31*time.Minute + 30*time.Second: "32 min"} {
		if got := about(d); got != want {
			t.Errorf("about(%v) = %q, want %q", d, got, want)
		}
	}
}
