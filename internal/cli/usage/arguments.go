package usage

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/hint"
)

// arguments says what is wrong with those that are not flags, where cobra counts them.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	if check == nil {
		check = cobra.NoArgs
	}
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case check(cmd, args) == nil:
			return nil
		case cmd.HasSubCommands():
			return unknown(cmd, args[0])
		}
		for n, extra := range slices.Backward(args) {
			if check(cmd, args[:n]) == nil {
				return tooMany(cmd, extra)
			}
		}
		_, wanted, _ := strings.Cut(cmd.Use, " ")
		return hint.With(fmt.Errorf("%s: %s is missing", name(cmd), wanted), "for example %s", firstExample(cmd))
	}
}

func tooMany(cmd *cobra.Command, extra string) error {
	err := fmt.Errorf("%s: one argument too many: %q", name(cmd), extra)
	if _, missing := os.Stat(extra); cmd.Flags().Lookup("filename") != nil && (missing == nil || extra == "-") {
		return hint.With(err, "a file or a folder is named by -f: %s -f %s", cmd.CommandPath(), hint.Quote(extra))
	}
	return hint.With(err, "%s --help says what it takes", cmd.CommandPath())
}

func unknown(cmd *cobra.Command, word string) error {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	err := fmt.Errorf("unknown command %q", word)
	if cmd.HasParent() {
		err = fmt.Errorf("%s: %w", name(cmd), err)
	}
	return hint.Meant(err, word, names, cmd.CommandPath()+" --help lists them")
}

// name is how a command is called, without the program.
func name(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// firstExample is what stands first in the help, without its comment.
func firstExample(cmd *cobra.Command) string {
	first, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n")
	first, _, _ = strings.Cut(first, "   ")
	return first
}
