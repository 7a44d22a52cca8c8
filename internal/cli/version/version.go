package version

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

// stamp is the Makefile's, by -ldflags.
var stamp = "dev"

// Name is the version.
func Name() string { return stamp }

// Flag adds --version to a program.
func Flag(root *cobra.Command) {
	root.Version = stamp
	root.SetVersionTemplate("flyball {{.Version}}\n")
}

// built is what -o json prints of this program.
type built struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Command prints it.
func Command(s *terminal.Streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of flyball",
		Example: "  flyball version\n  flyball version -o json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := built{stamp, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				b.Go = info.GoVersion
			}
			if output != "table" {
				return terminal.PrintAs(s.Out, output, b, terminal.Table{})
			}
			_, err := fmt.Fprintf(s.Out, "flyball %s %s %s\n", b.Version, b.Go, b.Platform)
			return err
		},
	}
	terminal.OutputFlag(cmd, &output, "table", "json", "yaml")
	return cmd
}
