package usage

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

// Run is the program: it runs a command line and returns its exit code.
func Run(root *cobra.Command, s *terminal.Streams, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	root.SetArgs(args)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return 0
	case errors.Is(err, terminal.ErrNo):
		return 1
	default:
		terminal.PrintError(s.Err, err)
		return 2
	}
}

// Keep makes the command and all below it keep the contract; help is as wide as stdout.
func Keep(root *cobra.Command, s *terminal.Streams) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetHelpCommand(newHelp(root))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.SetUsageTemplate(template(root.UsageTemplate(), terminal.Columns(s.Out)))
	root.SetHelpTemplate("{{if .HasExample}}Examples:\n{{.Example}}\n\n{{end}}{{or .Long .Short | trimTrailingWhitespaces}}\n\n{{.UsageString}}")
	root.SetFlagErrorFunc(explainFlag)
	walk(root, func(cmd *cobra.Command) {
		if cmd.Example == "" && (cmd.Name() == "completion" || cmd.HasParent() && cmd.Parent().Name() == "completion") {
			cmd.Example = completionExample(cmd)
		}
		if cmd.HasSubCommands() && !cmd.Runnable() {
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
		if !cmd.DisableFlagParsing {
			cmd.Args = arguments(cmd.Args)
		}
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return groups(cmd) }
}

func walk(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, do)
	}
}

// template is cobra's for the usage, with the flags wrapped and the examples left out:
// they stand at the top.
func template(text string, columns int) string {
	text = strings.ReplaceAll(text, ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", columns))
	text = strings.Replace(text, "Usage:{{if .Runnable}}", "Usage:{{if and .Runnable (not .HasSubCommands)}}", 1)
	return strings.Replace(text, "{{if .HasExample}}\n\nExamples:\n{{.Example}}{{end}}", "", 1)
}

func completionExample(cmd *cobra.Command) string {
	shell := cmd.Name()
	switch shell {
	case "fish":
		return "  flyball completion fish | source"
	case "powershell":
		return "  flyball completion powershell | Out-String | Invoke-Expression"
	case "completion":
		shell = "bash"
	}
	return fmt.Sprintf("  source <(flyball completion %s)", shell)
}

func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Help about a command",
		Example: "  flyball help simulate",
		Args:    cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd := root
			for _, name := range args {
				sub := find(cmd, name)
				if sub == nil {
					return unknown(cmd, name)
				}
				cmd = sub
			}
			return cmd.Help()
		},
	}
}

func find(cmd *cobra.Command, name string) *cobra.Command {
	for _, sub := range cmd.Commands() {
		if sub.Name() == name {
			return sub
		}
	}
	return nil
}
