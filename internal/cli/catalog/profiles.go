package catalog

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/plant"
)

// profileList is how profiles are printed: as a file of them is written.
type profileList struct {
	Profiles plant.Catalog `json:"profiles"`
}

func newProfiles(s *terminal.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "profiles",
		Short:   "List and show what is known of models on GPUs",
		Example: "  flyball profiles list\n  flyball profiles show qwen3-14b-h100",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newProfilesList(s), newProfilesShow(s))
	return cmd
}

func newProfilesList(s *terminal.Streams) *cobra.Command {
	var file, output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the profiles",
		Long: `One row for each profile, for one replica: its GPUs and their price, the tokens that its
KV cache holds, how fast it computes a prompt of 4096 tokens alone, the time per token
of one answer alone, and the mean time from a scale-up to a ready replica on a node that
has the image.`,
		Example: "  flyball profiles list\n  flyball profiles list --file mine.yaml -o json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := input.Profiles(file, s.In)
			if err != nil {
				return err
			}
			t := terminal.Table{Header: []string{"NAME", "GPUS", "USD/H", "KV-TOKENS", "PREFILL/S", "TPOT", "START"}}
			for _, p := range all {
				t.Rows = append(t.Rows, []string{
					p.Name, fmt.Sprintf("%d×%s", p.GPUs, p.GPU), fmt.Sprintf("%.2f", p.USDPerGPUHour*float64(p.GPUs)), fmt.Sprint(p.KVTokens),
					fmt.Sprintf("%.0f", p.PrefillPerSecond(4096)), p.TokenAlone(1000).Round(10 * time.Microsecond).String(), warmStart(p).String(),
				})
			}
			return terminal.PrintAs(s.Out, output, profileList{all}, t)
		},
	}
	profilesFlag(cmd, &file)
	terminal.OutputFlag(cmd, &output, "table", "json", "yaml")
	return cmd
}

func newProfilesShow(s *terminal.Streams) *cobra.Command {
	var file, output string
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show one profile, or print it as the beginning of your own",
		Long: `Show all numbers of a profile. With -o yaml or json it is a file that --file reads, once
it has another name.`,
		Example: "  flyball profiles show qwen3-14b-h100\n  flyball profiles show qwen3-14b-h100 -o yaml > mine.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := input.Profiles(file, s.In)
			if err != nil {
				return err
			}
			p, err := all.Find(args[0], 0)
			if err != nil {
				return hint.Meant(fmt.Errorf("no profile %q", args[0]), args[0], all.Names(), "flyball profiles list shows them")
			}
			return terminal.PrintAs(s.Out, output, profileList{plant.Catalog{p}}, profileFacts(p))
		},
	}
	profilesFlag(cmd, &file)
	terminal.OutputFlag(cmd, &output, "table", "json", "yaml")
	return cmd
}

func profilesFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "file", "", "a file of profiles (YAML or JSON) besides those built in; - is standard input")
}

// warmStart is the mean time of a start where the image is.
func warmStart(p plant.Profile) time.Duration {
	p.ColdStart.Pulled = true
	return p.ColdStart.Mean().Round(time.Second)
}

func profileFacts(p plant.Profile) terminal.Table {
	t := terminal.Table{Header: []string{"NAME", p.Name}}
	add := func(name, format string, args ...any) {
		t.Rows = append(t.Rows, []string{name, strings.TrimSpace(fmt.Sprintf(format, args...))})
	}
	add("MODEL", "%s", p.Model)
	add("REPLICA", "%d × %s with %d MiB, %.2f USD an hour", p.GPUs, p.GPU, p.GPUMemoryMiB, p.USDPerGPUHour*float64(p.GPUs))
	add("KV CACHE", "%d tokens of %d bytes", p.KVTokens, p.KVBytesPerToken)
	add("LIMITS", "model length %d, %d tokens and %d sequences a step", p.MaxModelLen, p.MaxNumBatchedTokens, p.MaxNumSeqs)
	scheduling := "a step is chosen while the one before runs"
	if !p.AsyncScheduling {
		scheduling = "a step is chosen when the one before has ended, and takes 600 µs and 16 µs for each sequence more"
	}
	add("SCHEDULING", "%s", scheduling)
	add("FRONT END", "%v, and %v for each running sequence", p.FrontEnd, p.FrontEndPerSequence)
	c := p.Cost
	add("DECODE STEP", "%v ms + %v µs·(decodes + prefill tokens) + %v ns·context", c.AlphaDMillis, c.DeltaDMicros, c.GammaDNanos)
	add("MIXED STEP", "%v ms + %v µs·prefill tokens + %v µs·decodes + %v ns·context + %v ns·pairs",
		c.AlphaMMillis, c.BetaMicros, c.DeltaMMicros, c.GammaMNanos, c.QNanos)
	add("HOST", "%v µs for each sequence of a step", c.HostMicros)
	for _, phase := range []struct {
		name string
		plant.Phase
	}{
		{"SCHEDULE", p.ColdStart.Schedule},
		{"PULL", p.ColdStart.Pull},
		{"LOAD", p.ColdStart.Load},
		{"COMPILE", p.ColdStart.Compile},
		{"READY", p.ColdStart.Ready},
	} {
		add(phase.name, "%v ± %.0f %%", phase.Mean, 100*phase.CV)
	}
	return t
}
