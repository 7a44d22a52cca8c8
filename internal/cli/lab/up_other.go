//go:build !linux

package lab

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

var errNoLab = errors.New("the local cluster runs on Linux only: it gives every pod a loopback address of its own")

func newUp(*terminal.Streams, Run) *cobra.Command {
	return unavailable("up", "Start the local cluster (Linux only)")
}
func newDown(*terminal.Streams) *cobra.Command {
	return unavailable("down", "Stop the local cluster (Linux only)")
}

func temporaryLab(context.Context, *terminal.Streams) (borrowed, error) { return borrowed{}, errNoLab }

func unavailable(name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Example: "  flyball " + name,
		RunE: func(*cobra.Command, []string) error { return errNoLab },
	}
}
