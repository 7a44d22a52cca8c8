//go:build !linux

package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

var errNoLab = errors.New("the local cluster runs on Linux only: it gives every pod a loopback address of its own")

func newUp(*streams) *cobra.Command { return unavailable("up", "Start the local cluster (Linux only)") }
func newDown(*streams) *cobra.Command {
	return unavailable("down", "Stop the local cluster (Linux only)")
}

func temporaryLab(context.Context, *streams) (borrowed, error) { return borrowed{}, errNoLab }

func unavailable(name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Example: "  flyball " + name,
		RunE: func(*cobra.Command, []string) error { return errNoLab },
	}
}
