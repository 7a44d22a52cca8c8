package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/flyball-dev/flyball/internal/cli/page"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/lab"
)

// openPage serves the live page of the lab until it is closed: flyball dashboard, with the
// Prometheus and the proxy that a shell beside the lab has in its environment, and buttons. A
// lab whose page cannot be served goes on, and says why.
func (f *upFlags) openPage(ctx context.Context, s *terminal.Streams, running *lab.Lab) (end func(), err error) {
	for _, e := range running.Env() {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "FLYBALL_") {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var served sync.WaitGroup
	served.Go(func() {
		said := &terminal.Streams{In: s.In, Out: addressLine{s.Err}, Err: io.Discard}
		cmd := page.New(said, f.buttons(running).actions()...)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs([]string{"-A", "--kubeconfig", running.Kubeconfig()})
		if err := cmd.ExecuteContext(ctx); err != nil && ctx.Err() == nil {
			terminal.PrintError(s.Err, fmt.Errorf("the live page: %w", err))
		}
	})
	return func() {
		cancel()
		served.Wait()
	}, nil
}

// An addressLine says what the address is that is written to it: stdout is for a shell to read.
type addressLine struct{ to io.Writer }

func (l addressLine) Write(address []byte) (int, error) {
	if _, err := fmt.Fprintf(l.to, "the live page: %s", address); err != nil {
		return 0, fmt.Errorf("saying where the page is: %w", err)
	}
	return len(address), nil
}
