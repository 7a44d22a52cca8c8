package catalog

import (
	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

// Commands are all of them.
func Commands(s *terminal.Streams) []*cobra.Command {
	return []*cobra.Command{newLaws(s), newProfiles(s), newWorkload(s)}
}
