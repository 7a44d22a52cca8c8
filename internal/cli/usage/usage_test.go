package usage_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/cli/usage"
	"github.com/flyball-dev/flyball/internal/hint"
)

// toy is a program with a group, a command that reads files, and flags that exclude each other.
func toy(out io.Writer) *cobra.Command {
	root := &cobra.Command{Use: "toy", Short: "A toy", Example: "  toy show duck"}
	group := &cobra.Command{Use: "boxes", Short: "Boxes", Example: "  toy boxes list", Args: cobra.NoArgs}
	group.AddCommand(&cobra.Command{Use: "list", Short: "List boxes", Example: "  toy boxes list", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return nil }})
	show := &cobra.Command{
		Use: "show NAME", Short: "Show a toy", Example: "  toy show duck   # a duck\n  toy show ball", Args: cobra.ExactArgs(1),
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	read := &cobra.Command{Use: "read", Short: "Read", Example: "  toy read -f x --red", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return nil }}
	read.Flags().StringP("filename", "f", "", "file")
	read.Flags().Int("count", 0, "how many")
	read.Flags().Duration("wait", 0, "how long")
	read.Flags().Bool("red", false, "red")
	read.Flags().Bool("blue", false, "blue")
	read.MarkFlagsMutuallyExclusive("red", "blue")
	read.MarkFlagsOneRequired("red", "blue")
	root.AddCommand(group, show, read)
	usage.Keep(root, &terminal.Streams{In: strings.NewReader(""), Out: out, Err: out})
	return root
}

func call(words ...string) (out string, err error) {
	var b bytes.Buffer
	root := toy(&b)
	root.SetArgs(words)
	err = root.Execute()
	return b.String(), err
}

// INV-1.
func TestHelp(t *testing.T) {
	for _, words := range []string{"", "--help", "boxes", "show --help", "help show", "help boxes list", "completion zsh --help"} {
		out, err := call(strings.Fields(words)...)
		if err != nil || !strings.HasPrefix(out, "Examples:\n  ") {
			t.Errorf("toy %s: %v\n%s", words, err, out)
		}
	}
}

// INV-2.
func TestErrors(t *testing.T) {
	for words, want := range map[string][]string{
		"shwo":                   {`unknown command "shwo"`, "did you mean show? toy --help lists them"},
		"boxes lst":              {`boxes: unknown command "lst"`, "did you mean list? toy boxes --help lists them"},
		"boxes zzzzzz":           {`boxes: unknown command "zzzzzz"`, "toy boxes --help lists them"},
		"help boxes lists":       {`boxes: unknown command "lists"`, "did you mean list? toy boxes --help lists them"},
		"show":                   {"show: NAME is missing", "for example toy show duck"},
		"show a b":               {`show: one argument too many: "b"`, "toy show --help says what it takes"},
		"boxes list x":           {`boxes list: one argument too many: "x"`, "toy boxes list --help says what it takes"},
		"read usage.go":          {`read: one argument too many: "usage.go"`, "a file or a folder is named by -f: toy read -f usage.go"},
		"read --cuont 1":         {"read has no flag --cuont", "did you mean --count? toy read --help lists the flags"},
		"read -z":                {"read has no flag -z", "toy read --help lists the flags"},
		"read --count many":      {`--count: "many" is not a whole number`, "toy read --help says what each flag takes"},
		"read --wait 5":          {`--wait: "5" is not a time, as 90s or 10m`, "toy read --help says what each flag takes"},
		"read --red --filename":  {"--filename has no value", "give a value: --filename FILENAME"},
		"read --red --blue":      {"--red and --blue exclude each other", "give one of --red and --blue"},
		"read":                   {"one of --red and --blue is missing", "for example toy read -f x --red"},
		"completion fihs":        {`completion: unknown command "fihs"`, "did you mean fish? toy completion --help lists them"},
		"read --red --count=0x":  {`--count: "0x" is not a whole number`, "toy read --help says what each flag takes"},
		"read --red --red=maybe": {`--red: "maybe" is not true or false`, "toy read --help says what each flag takes"},
	} {
		out, err := call(strings.Fields(words)...)
		if err == nil || out != "" {
			t.Errorf("toy %s: %v, and printed %q", words, err, out)
			continue
		}
		if diff := cmp.Diff(want, append([]string{err.Error()}, hint.Of(err)...)); diff != "" {
			t.Errorf("toy %s: -want +got\n%s", words, diff)
		}
	}
}
