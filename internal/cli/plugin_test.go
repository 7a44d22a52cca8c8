package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

// Under the name kubectl-flyball it is kubectl's, and says so in its usage.
func TestPlugin(t *testing.T) {
	before := os.Args
	t.Cleanup(func() { os.Args = before })
	for program, want := range map[string]string{"/usr/bin/flyball": "flyball status", "/opt/kubectl-flyball": "kubectl flyball status"} {
		os.Args = []string{program}
		status, _, err := newRoot(&terminal.Streams{In: strings.NewReader(""), Out: os.Stdout, Err: os.Stderr}).Find([]string{"status"})
		if err != nil || !strings.HasPrefix(status.UseLine(), want) {
			t.Errorf("%s: usage = %q, %v, want %q", program, status.UseLine(), err, want)
		}
	}
}
