package lab

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

// Run runs another command of this program.
type Run func(ctx context.Context, s *terminal.Streams, words ...string) error

// Commands are all of them; flyball up runs those that show its cluster.
func Commands(s *terminal.Streams, run Run) []*cobra.Command {
	return []*cobra.Command{newDown(s), newLab(s), newLoad(s), newRehearse(s), newUp(s, run), newVLLMSim(s)}
}
