package lab

import (
	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/lab/build"
)

func newLab(s *terminal.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "lab",
		Short: "Build the upstream programs that flyball up runs",
		Long: `Build what is missing or out of date under bin/lab of this checkout: etcd, the
Kubernetes control plane, kubectl, KEDA, KServe and Prometheus, unmodified, from
the versions that lab/*/go.mod pin, and the manifests that KEDA and KServe ship.
The first build takes about half an hour on 2 cores; a second run a moment.`,
		Example: "  flyball lab",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := build.FindRoot(".")
			if err != nil {
				return err
			}
			return build.Run(cmd.Context(), build.Config{Root: root, Progress: s.Err, Terminal: terminal.IsTerminal(s.Err)})
		},
	}
}
