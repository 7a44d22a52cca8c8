package lab

import (
	"errors"
	"testing"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/rehearse"
)

// INV-1.
func TestOutcome(t *testing.T) {
	script := rehearse.Script{Steps: []rehearse.Step{{Name: "one"}, {Name: "two", FailsWithout: []string{"keda"}}}}
	for _, c := range []struct {
		without, failed string
		want            int // exit code
	}{
		{"", "", 0},
		{"", "one", 1},
		{"keda", "two", 1},
		{"keda", "one", 2},
		{"keda", "", 2},
	} {
		err := outcome(rehearse.Config{Script: script, Without: c.without}, rehearse.Report{Failed: c.failed})
		got := 2
		switch {
		case err == nil:
			got = 0
		case errors.Is(err, terminal.ErrNo):
			got = 1
		}
		if got != c.want {
			t.Errorf("without %q, failed %q: outcome = %v, exit %d, want %d", c.without, c.failed, err, got, c.want)
		}
	}
}
