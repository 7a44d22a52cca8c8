package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/flyball-dev/flyball/internal/cli/usage"
	"github.com/flyball-dev/flyball/internal/hint"
)

// streams are the command's standard streams, so that tests can hold them.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// errNo ends a command whose work is done and whose answer is no: exit code 1.
// The command has already printed why.
var errNo = errors.New("the answer is no")

// Main runs the command line and returns its exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	root := newRoot(&streams{in, out, errOut})
	root.SetArgs(args)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return 0
	case errors.Is(err, errNo):
		return 1
	default:
		printError(errOut, err)
		return 2
	}
}

// printError writes one line for the error, whatever it says, and one for each hint.
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "flyball: %s\n", oneLine(strings.ReplaceAll(err.Error(), "\n", "; ")))
	for _, h := range hint.Of(err) {
		fmt.Fprintf(w, "hint: %s\n", oneLine(h))
	}
}

func newRoot(s *streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "flyball",
		Short:         "The external autoscaler that KServe's autoscalerClass \"external\" asks for",
		Example:       "  flyball up                  # a local cluster with simulated GPUs\n  flyball status -A           # what scales, and why",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.AddCommand(newController(s), newDoctor(s), newDown(s), newGateway(s), newLab(s), newLaws(s), newLint(s), newLoad(s), newProfiles(s), newRehearse(s), newSimulate(s), newStatus(s), newUp(s), newValidate(s), newVersion(s), newVLLMSim(s), newWorkload(s))
	usage.Keep(root, columns(s.out))
	return root
}

// columns is the width of a terminal, and of what is read elsewhere.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 100
}
