package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is stamped by the Makefile's -ldflags.
var version = "dev"

func newVersion(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of flyball",
		Example: "  flyball version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			goVersion := runtime.Version()
			if info, ok := debug.ReadBuildInfo(); ok {
				goVersion = info.GoVersion
			}
			_, err := fmt.Fprintf(s.out, "flyball %s %s %s/%s\n", version, goVersion, runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
