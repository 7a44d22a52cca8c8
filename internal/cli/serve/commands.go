package serve

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/cli/usage"
	"github.com/flyball-dev/flyball/internal/cli/version"
)

// Commands are all of them.
func Commands(s *terminal.Streams) []*cobra.Command {
	return []*cobra.Command{newController(s), newGateway(s), newScaler(s)}
}

// Main is the program of the image: it runs the command line and returns its exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	s := &terminal.Streams{In: in, Out: out, Err: errOut}
	root := &cobra.Command{
		Use:     "flyball-server",
		Short:   "Flyball's controller, gateway and scaler, as they run in a cluster",
		Example: "  flyball-server controller\n  flyball-server gateway --bind-address :8080\n  flyball-server scaler --certificates tls --prometheus http://127.0.0.1:9090",
	}
	version.Flag(root)
	root.AddCommand(version.Command(s))
	root.AddCommand(Commands(s)...)
	usage.Keep(root, s)
	return usage.Run(root, s, args)
}
