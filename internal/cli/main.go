package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/catalog"
	"github.com/flyball-dev/flyball/internal/cli/convert"
	"github.com/flyball-dev/flyball/internal/cli/lab"
	"github.com/flyball-dev/flyball/internal/cli/lint"
	"github.com/flyball-dev/flyball/internal/cli/page"
	"github.com/flyball-dev/flyball/internal/cli/recorded"
	"github.com/flyball-dev/flyball/internal/cli/serve"
	"github.com/flyball-dev/flyball/internal/cli/simulate"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/cli/usage"
	"github.com/flyball-dev/flyball/internal/cli/version"
)

// Main runs the command line and returns its exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	s := &terminal.Streams{In: in, Out: out, Err: errOut}
	return usage.Run(newRoot(s), s, args)
}

func newRoot(s *terminal.Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "flyball",
		Short: "Scale LLM inference services: the autoscaler for KServe's class \"external\"",
		Example: "  flyball lint -f service.yaml                                # what will go wrong when it scales\n" +
			"  flyball simulate -f service.yaml --workload azure2023-conv  # what it will do, and at what cost\n" +
			"  flyball up                                                  # a local cluster with simulated GPUs\n" +
			"  flyball status -A                                           # what scales, and why",
	}
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl-") { // a plugin: kubectl flyball
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl flyball"}
	}
	version.Flag(root)
	group(root, "Commands for a cluster:", newDoctor(s), newStatus(s), recorded.NewWhy(s), newAdvise(s), convert.New(s), page.New(s), newCerts(s))
	group(root, "Commands that need no cluster:", slices.Concat(catalog.Commands(s), []*cobra.Command{lint.New(s, version.Name()), simulate.New(s), newValidate(s), recorded.NewReplay(s)})...)
	group(root, "Commands for a local cluster:", lab.Commands(s, func(ctx context.Context, s *terminal.Streams, words ...string) error {
		other := newRoot(s)
		other.SetArgs(words)
		return other.ExecuteContext(ctx)
	})...)
	group(root, "Servers in a cluster:", serve.Commands(s)...)
	root.AddCommand(version.Command(s))
	usage.Keep(root, s)
	return root
}

// group adds commands that the help shows together.
func group(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, cmd := range commands {
		cmd.GroupID = title
	}
	root.AddCommand(commands...)
}
