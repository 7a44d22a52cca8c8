package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

var rewrite = flag.Bool("rewrite", false, "write docs/flags.md from the commands")

// TestFlagsPage keeps docs/flags.md what the commands say of themselves.
func TestFlagsPage(t *testing.T) {
	const page = "../../docs/flags.md"
	want := flagsPage(newRoot(&terminal.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}))
	if *rewrite {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/flags.md is not what the commands say (run make generate): -want +got\n%s", diff)
	}
}

func flagsPage(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands and flags\n\nWritten by `make generate` from the commands; a test compares. Do not edit.\n" +
		"Every command prints an example first under `--help`. Exit codes: 0 done, and the answer is yes;\n" +
		"1 done, and the answer is no; 2 it could not be done.\n")
	var add func(*cobra.Command)
	add = func(cmd *cobra.Command) {
		if cmd.Name() == "help" || cmd.Name() == "completion" {
			return
		}
		if cmd.HasParent() && cmd.Runnable() {
			commandSection(&b, cmd)
		}
		for _, sub := range cmd.Commands() { // cobra sorts them
			add(sub)
		}
	}
	add(root)
	return b.String()
}

func commandSection(b *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n```sh\n%s\n```\n", cmd.CommandPath(), cmd.Short, unindented(cmd.Example))
	if cmd.Long != "" {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", strings.TrimSpace(cmd.Long))
	}
	first := true
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		if first {
			fmt.Fprintf(b, "\n| flag | takes | default | is |\n|---|---|---|---|\n")
			first = false
		}
		name, takes := "`--"+f.Name+"`", ""
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		takes, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, takes, shownDefault(f), strings.ReplaceAll(usage, "|", `\|`))
	})
}

// shownDefault leaves out what only says that a flag is not given.
func shownDefault(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "[]", "0", "0s":
		return ""
	}
	return "`" + f.DefValue + "`"
}

func unindented(example string) string {
	lines := strings.Split(strings.Trim(example, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "  ")
	}
	return strings.Join(lines, "\n")
}
