package cli

import (
	"context"
	"errors"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/catalog"
	"github.com/flyball-dev/flyball/internal/cli/lab"
	"github.com/flyball-dev/flyball/internal/cli/lint"
	"github.com/flyball-dev/flyball/internal/cli/simulate"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/cli/usage"
)

// Main runs the command line and returns its exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	root := newRoot(&terminal.Streams{In: in, Out: out, Err: errOut})
	root.SetArgs(args)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return 0
	case errors.Is(err, terminal.ErrNo):
		return 1
	default:
		terminal.PrintError(errOut, err)
		return 2
	}
}

func newRoot(s *terminal.Streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "flyball",
		Short:         "The external autoscaler that KServe's autoscalerClass \"external\" asks for",
		Example:       "  flyball up                  # a local cluster with simulated GPUs\n  flyball status -A           # what scales, and why",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.AddCommand(newController(s), newDoctor(s), newGateway(s), newStatus(s), newValidate(s), newVersion(s), lint.New(s, version), simulate.New(s))
	root.AddCommand(catalog.Commands(s)...)
	root.AddCommand(lab.Commands(s, func(ctx context.Context, kubeconfig string) error {
		status := newRoot(s)
		status.SetArgs([]string{"status", "-A", "--kubeconfig", kubeconfig})
		return status.ExecuteContext(ctx)
	})...)
	usage.Keep(root, terminal.Columns(s.Out))
	return root
}
