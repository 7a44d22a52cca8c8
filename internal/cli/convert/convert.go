package convert

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/cli/simulate"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

type options struct {
	cluster           access.Named
	files             input.Manifests
	namespace, output string
	objectives        []string
	both              simulate.Either
}

// manifests is the format of what is applied.
const manifests = "manifests"

// New is the command.
func New(s *terminal.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "convert [SERVICE]",
		Short: "Show how a service in guide mode would state an objective instead",
		Long: `Read an InferenceService in guide mode, from the cluster or with -f from manifests, and
print its manifest of today, the manifests that state a latency in place of its metrics, what
differs, the commands that change over, and those that bring guide mode back. Nothing is
changed. Where an InferenceAutoscaler advises on the service already, it is that one which comes
to scale, with the objectives and the bounds that it states.

With --from-prometheus or --workload both are simulated on the same fleet with the same
arrivals, as flyball simulate --compare does: the metrics on their whole path through KEDA and
the HPA, and Flyball's law in their place, without KEDA and the HPA behind it, which follow its
number within some seconds. -o manifests prints the manifests with objectives alone.`,
		Example: `  flyball convert demo/llama --from-prometheus http://localhost:9090 --last 3d
  flyball convert demo/llama --objective ttft:p95:2s -o manifests > llama-objectives.yaml
  flyball convert -f service.yaml --workload azure2023-conv`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, s, strings.Join(args, "")) },
	}
	o.cluster.Flags(cmd)
	o.files.Flags(cmd.Flags())
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", "", "the namespace (default that of SERVICE as NAMESPACE/SERVICE, of the manifest, or of the kubeconfig's context)")
	cmd.Flags().StringArrayVar(&o.objectives, "objective", nil,
		"METRIC:pQUANTILE:TARGET, all with one quantile (default those of the InferenceAutoscaler that advises, or ttft:p90:3s and tpot:p90:100ms)")
	o.both.Flags(cmd)
	terminal.OutputFlag(cmd, &o.output, "table", "json", "yaml", manifests)
	return cmd
}

func (o *options) run(cmd *cobra.Command, s *terminal.Streams, word string) error {
	var given objective.Promise
	if len(o.objectives) > 0 {
		p, refused := objective.Parse(strings.Join(o.objectives, ","))
		if refused != nil {
			return hint.With(fmt.Errorf("--objective: %s", refused.What), "%s", refused.Fix)
		}
		given = p
	}
	arrives, err := o.both.Arrives(cmd)
	if err != nil {
		return err
	}
	f, err := o.find(cmd.Context(), s, word)
	if err != nil {
		return err
	}
	c, err := autoscaler.Convert(f.service, f.autoscalers, given)
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	if o.output == manifests {
		return printAll(s.Out, c.Objective)
	}
	c.Over = append([]string{o.again(cmd, word) + " > " + c.File}, c.Over...)
	a := answer{Conversion: c}
	if a.Diff, err = diff(c); err != nil {
		return err
	}
	if arrives {
		if a.outcome, err = o.simulate(cmd, s, f, c); err != nil {
			return err
		}
	}
	return a.tell(s, o.output)
}

// simulate has both run on what arrives.
func (o *options) simulate(cmd *cobra.Command, s *terminal.Streams, f found, c autoscaler.Conversion) (*simulate.Outcome, error) {
	before, after, err := f.ways(c)
	if err != nil {
		return nil, err
	}
	service := f.service.GetNamespace() + "/" + f.service.GetName()
	r, err := o.both.Run(cmd, s, service, o.objectives, [2]simulate.Manifests{{Name: "guide mode", Docs: before}, {Name: "objective mode", Docs: after}})
	return &r, err
}

// again is the command that writes what is applied.
func (o *options) again(cmd *cobra.Command, word string) string {
	words := []string{"flyball", "convert"}
	if word != "" {
		words = append(words, word)
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "namespace":
			words = append(words, "-n", o.namespace)
		case "kubeconfig", "context":
			words = append(words, "--"+f.Name, f.Value.String())
		case "recursive":
			words = append(words, "-R")
		}
	})
	for _, path := range o.files.Paths {
		words = append(words, "-f", path)
	}
	for _, text := range o.objectives {
		words = append(words, "--objective", text)
	}
	return hint.Command(append(words, "-o", manifests)...)
}

// find has the service read from where the flags say.
func (o *options) find(ctx context.Context, s *terminal.Streams, word string) (found, error) {
	if len(o.files.Paths) > 0 {
		files, err := o.files.Read(s.In)
		if err != nil {
			return found{}, err
		}
		return o.among(files, word)
	}
	if word == "" {
		return found{}, hint.With(errors.New("convert: no service is named"), "flyball convert NAMESPACE/SERVICE, or -f FILE")
	}
	return o.inCluster(ctx, word)
}
