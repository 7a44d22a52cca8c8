package pulse_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flyball-dev/flyball/internal/pulse"
)

func newPulse() (*pulse.Pulse, *strings.Builder) {
	var logged strings.Builder
	return pulse.New(slog.New(slog.NewTextHandler(&logged, nil))), &logged
}

// INV-2.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logged := newPulse()
		<-time.After(time.Hour)
		if err := p.Check(); err != nil {
			t.Errorf("idle: Check() = %v, want nil", err)
		}
		_, ended := p.Begin(t.Context(), "an old one")
		ended()
		_, end := p.Begin(t.Context(), "reconciling demo/llama")
		<-time.After(time.Second)
		_, later := p.Begin(t.Context(), "reconciling demo/qwen")
		defer later()
		<-time.After(pulse.Limit - time.Second)
		if err := p.Check(); err != nil {
			t.Errorf("at the limit: Check() = %v, want nil", err)
		}
		<-time.After(10 * time.Second)
		const want = "reconciling demo/llama has not come to an end for 5m10s"
		for range 2 {
			if err := p.Check(); err == nil || err.Error() != want {
				t.Errorf("past it: Check() = %v, want %q", err, want)
			}
		}
		if n := strings.Count(logged.String(), want); n != 1 || !strings.Contains(logged.String(), "pulse_test.TestStuck") {
			t.Errorf("it was logged %d times, want once and with the goroutines: %.300s", n, logged)
		}
		end()
		if err := p.Check(); err == nil || !strings.HasPrefix(err.Error(), "reconciling demo/qwen") {
			t.Errorf("once it has ended: Check() = %v, want the other one", err)
		}
	})
}

// INV-1.
func TestSlowIsNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logged := newPulse()
		for range 10 { // each waits for an API server that never answers
			ctx, end := p.Begin(t.Context(), "reconciling demo/llama")
			<-ctx.Done()
			if err := p.Check(); err != nil || !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				t.Fatalf("Check() = %v, the context ended by %v", err, context.Cause(ctx))
			}
			end()
		}
		if logged.String() != "" {
			t.Errorf("logged %s", logged)
		}
	})
}

func TestNilPulse(t *testing.T) {
	var p *pulse.Pulse
	ctx, end := p.Begin(t.Context(), "anything")
	if _, bounded := ctx.Deadline(); !bounded || p.Check() != nil {
		t.Errorf("a nil Pulse: bounded %v, %v", bounded, p.Check())
	}
	end()
}
