package catalog

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/workload"
)

// Nothing at all stays blank, the least that arrives is seen, the most is full.
func TestSpark(t *testing.T) {
	for _, c := range []struct {
		rates []float64
		want  string
	}{
		{[]float64{0, 0.001, 4, 8}, " ▁▄█ 8/s at most\n"},
		{[]float64{0, 0}, "   0/s at most\n"},
		{nil, " 0/s at most\n"},
	} {
		if got := spark(c.rates); got != c.want {
			t.Errorf("spark(%v) = %q, want %q", c.rates, got, c.want)
		}
	}
}

// run is one of the commands, called.
func run(args ...string) (out string, err error) {
	var stdout, stderr bytes.Buffer
	root := &cobra.Command{Use: "flyball", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(Commands(&terminal.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})...)
	root.SetArgs(args)
	err = root.Execute()
	return stdout.String(), err
}

// INV-1: what workload list and describe print of every named workload fits 80 columns.
func TestWorkloadsFitTheTerminal(t *testing.T) {
	commands := [][]string{{"workload", "list"}, {"workload", "describe", "poisson:rate=5,prefix=100,input=lognormal:1000:2000:1:100000,output=250"}}
	for _, e := range workload.Library() {
		word := e.Name
		if strings.Contains(e.Spec, "rates=") {
			word += ":duration=12h" // of days
		}
		commands = append(commands, []string{"workload", "describe", word})
	}
	for _, args := range commands {
		out, err := run(args...)
		if err != nil {
			t.Errorf("%v: %v", args, err)
		}
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%v: %d columns: %s", args, n, line)
			}
		}
	}
}

func TestRoundSpan(t *testing.T) {
	for seconds, want := range map[float64]string{
		3501.722: "58m22s", 4: "4s", 1.2346: "1.235s", 604800: "7d", 2*86400 + 3600: "2d1h0m0s",
	} {
		if got := roundSpan(seconds); got != want {
			t.Errorf("roundSpan(%v) = %s, want %s", seconds, got, want)
		}
	}
}
