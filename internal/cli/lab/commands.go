package lab

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

// Status prints the status of the cluster of a kubeconfig.
type Status func(ctx context.Context, kubeconfig string) error

// Commands are all of them; flyball up --guide keeps printing the status.
func Commands(s *terminal.Streams, status Status) []*cobra.Command {
	return []*cobra.Command{newDown(s), newLab(s), newLoad(s), newRehearse(s), newUp(s, status), newVLLMSim(s)}
}
