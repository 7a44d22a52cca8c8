package cli

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

// noData are the commands that print none, or none that is a table, each with its reason:
// they need no -o.
func noData() map[string]string {
	return map[string]string{
		"flyball": "prints its help", "profiles": "prints its help", "workload": "prints its help", "completion": "prints its help",
		"help": "prints help", "completion bash": "prints a script", "completion fish": "prints a script",
		"completion powershell": "prints a script", "completion zsh": "prints a script",
		"controller": "is a server", "gateway": "is a server", "scaler": "is a server", "dashboard": "is a server", "vllmsim": "is a server",
		"down": "does something", "lab": "does something", "up": "prints a line for a shell",
		"rehearse": "tells what it sees as it sees it", "certs": "writes manifests", "validate": "writes a page of Markdown",
	}
}

// everyCommand runs with each command that there is, and the words that call it.
func everyCommand(t *testing.T, do func(t *testing.T, cmd *cobra.Command, words []string)) {
	t.Helper()
	var visit func(cmd *cobra.Command, words []string)
	visit = func(cmd *cobra.Command, words []string) {
		t.Run(cmd.CommandPath(), func(t *testing.T) { do(t, cmd, words) })
		for _, sub := range cmd.Commands() {
			visit(sub, append(slices.Clip(words), sub.Name()))
		}
	}
	visit(newRoot(&terminal.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}), nil)
}

// runs says what a command line printed, and its exit code.
func runs(words ...string) (code int, out, errOut string) {
	var stdout, stderr bytes.Buffer
	code = Main(words, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// INV-1 and INV-2, of every command.
func TestContract(t *testing.T) {
	everyCommand(t, func(t *testing.T, cmd *cobra.Command, words []string) {
		code, out, errOut := runs(append(slices.Clip(words), "--help")...)
		if code != 0 || errOut != "" || !strings.HasPrefix(out, "Examples:\n  ") {
			t.Errorf("--help: exit %d, stdout %.40q, stderr %q", code, out, errOut)
		}
		if cmd.DisableFlagParsing { // the flags are vLLM's
			return
		}
		for _, more := range [][]string{{"--no-such-flag"}, {"-%"}, {"one", "two", "three"}} {
			refused(t, append(slices.Clip(words), more...))
		}
		formats(t, cmd, len(words) > 0 && noData()[strings.Join(words, " ")] == "")
	})
}

// refused is what cannot be done: exit code 2, nothing on stdout, one line with the
// program's name and hints on stderr.
func refused(t *testing.T, words []string) {
	t.Helper()
	code, out, errOut := runs(words...)
	lines := strings.Split(strings.TrimSuffix(errOut, "\n"), "\n")
	if code != 2 || out != "" || !strings.HasPrefix(lines[0], "flyball: ") || len(lines) < 2 {
		t.Errorf("%q: exit %d, stdout %q, stderr %q", words, code, out, errOut)
	}
	for _, line := range lines[1:] {
		if !strings.HasPrefix(line, "hint: ") {
			t.Errorf("%q: stderr has the line %q", words, line)
		}
	}
}

// formats looks for -o where data is printed, and only there.
func formats(t *testing.T, cmd *cobra.Command, data bool) {
	t.Helper()
	format := cmd.Flags().Lookup("output")
	switch {
	case !data && format != nil:
		t.Error("has -o, and is on the list of those that print no data")
	case data && format == nil:
		t.Error("has no -o and is not on the list of those that print no data")
	}
	if format == nil {
		return
	}
	for _, name := range []string{"table", "json", "yaml"} {
		if !strings.Contains(format.Usage, name) {
			t.Errorf("-o takes no %s: %s", name, format.Usage)
		}
	}
	if format.DefValue != "table" || format.Shorthand != "o" {
		t.Errorf("-o is -%s and %s if it is not given", format.Shorthand, format.DefValue)
	}
}

// The list of commands without data names no command that is not there.
func TestContractList(t *testing.T) {
	known := map[string]bool{"flyball": true}
	everyCommand(t, func(_ *testing.T, _ *cobra.Command, words []string) { known[strings.Join(words, " ")] = true })
	for name := range noData() {
		if !known[name] {
			t.Errorf("no command %q", name)
		}
	}
}
