package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/overview"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

type adviseOptions struct {
	cluster           access.Named
	namespace, output string
	name              string // one of them
	all               bool
	objectives        []string          // of what is proposed
	proposed          objective.Promise // these, read
}

// manifests is the format of what is proposed, to be applied.
const manifests = "manifests"

func newAdvise(s *terminal.Streams) *cobra.Command {
	var o adviseOptions
	cmd := &cobra.Command{
		Use:   "advise [NAME]",
		Short: "Show how many replicas would keep what each service promises",
		Long: `One row for each InferenceAutoscaler, from its status: the replicas that are READY, the
replicas that Flyball asks for, or with the engine advise would ask for (ADVISED), the share
of the requests that is expected to keep the promise with them, and WHY it is as it is. With
the engine advise nothing is changed (docs/objective.md); stderr has the command with which
Flyball scales. flyball why NAMESPACE/NAME has the reasons of a number.

With the engine advise, what ran is compared with what was advised: over how many HOURS of the
last seven days, the REPLICA-HOURS of both, the share of the TIME in which more or fewer replicas
ran than were advised, and the share of the requests that met the objectives (ATTAINED) with the
replicas that ran. What fewer replicas would have attained is not known from that.

For each vLLM service that guide mode, KEDA or an HPA scales, and for which nobody has stated
objectives, an InferenceAutoscaler with the engine advise is proposed, within the bounds that
the present autoscaler has. -o json and yaml have its manifest, and -o manifests these alone,
for kubectl apply -f -. The objectives are yours to state: with --objective, or in the manifest.`,
		Example: "  flyball advise -A\n" +
			"  flyball advise demo/llama\n" +
			"  flyball advise -n demo -o json\n" +
			"  flyball advise -n demo --objective ttft:p95:2s -o manifests > advise.yaml",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.cluster.Find()
			if err != nil {
				return err
			}
			if err := o.choose(strings.Join(args, ""), c.Namespace); err != nil {
				return err
			}
			if err := o.promise(); err != nil {
				return err
			}
			c.Config.Timeout = 15 * time.Second
			api, err := cluster.NewClient(c.Config)
			if err != nil {
				return c.Explain(err)
			}
			return c.Explain(showAdvice(cmd.Context(), s, api, o))
		},
	}
	o.cluster.Flags(cmd)
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", "", "the namespace (default that of NAME as NAMESPACE/NAME, or of the kubeconfig's context)")
	cmd.Flags().BoolVarP(&o.all, "all-namespaces", "A", false, "all namespaces")
	cmd.Flags().StringArrayVar(&o.objectives, "objective", nil, "METRIC:pQUANTILE:TARGET of what is proposed, all with one quantile (default ttft:p90:3s and tpot:p90:100ms)")
	cmd.MarkFlagsMutuallyExclusive("namespace", "all-namespaces")
	terminal.OutputFlag(cmd, &o.output, "table", "json", "yaml", manifests)
	return cmd
}

// choose takes one by its name, or NAMESPACE/NAME, or all of a namespace.
func (o *adviseOptions) choose(word, current string) error {
	if word == "" {
		o.namespace = cmp.Or(o.namespace, current)
		return nil
	}
	key, err := access.Key("InferenceAutoscaler", word, o.namespace, current)
	switch {
	case err != nil:
		return fmt.Errorf("advise: %w", err)
	case o.all:
		return hint.With(fmt.Errorf("advise: the name %s is of one namespace, not of all", key.Name), "leave -A out")
	}
	o.name, o.namespace = key.Name, key.Namespace
	return nil
}

func showAdvice(ctx context.Context, s *terminal.Streams, api client.Reader, o adviseOptions) error {
	a, err := readAdvice(ctx, api, o)
	if err != nil {
		return err
	}
	switch {
	case len(a.rows) == 0 && o.output == "table":
		err = noAdvice(s, o)
	case o.output == manifests:
		err = a.printManifests(s)
	default:
		err = terminal.PrintAs(s.Out, o.output, a.rows, adviceTable(a.rows))
	}
	if err == nil {
		err = printUnread(s, a.unread)
	}
	if err != nil || o.output != "table" {
		return err
	}
	for _, r := range a.rows {
		if r.HandOver != "" {
			terminal.PrintHints(s.Err, fmt.Sprintf("to have Flyball scale %s/%s: %s", r.Namespace, r.Name, r.HandOver))
		}
	}
	a.hint(s, o)
	return nil
}

// noAdvice says where there is none.
func noAdvice(s *terminal.Streams, o adviseOptions) error {
	where := "in namespace " + o.namespace
	if o.all {
		where = "in any namespace"
	}
	if _, err := fmt.Fprintf(s.Err, "no InferenceAutoscaler %s\n", where); err != nil {
		return err
	}
	terminal.PrintHints(s.Err, "apply one with engine: advise, which changes nothing: docs/objective.md")
	return nil
}

// An adviceList is what was read.
type adviceList struct {
	rows     []autoscaler.Row
	unread   []overview.Unread
	disabled []string // namespaces in which something is proposed, and objectives are not enabled
}

// readAdvice are the rows of those that were asked for, in order. One that was named must be
// there.
func readAdvice(ctx context.Context, api client.Reader, o adviseOptions) (adviceList, error) {
	namespace := o.namespace
	if o.all {
		namespace = ""
	}
	a := adviceList{rows: []autoscaler.Row{}}
	var list v1alpha1.InferenceAutoscalerList
	switch err := api.List(ctx, &list, client.InNamespace(namespace)); {
	case meta.IsNoMatchError(err):
		return a, hint.With(errors.New("reading InferenceAutoscalers: their kind is not installed"), "it comes with the scaler: docs/install.md")
	case err != nil:
		return a, fmt.Errorf("reading InferenceAutoscalers: %w", err)
	}
	for i := range list.Items {
		a.rows = append(a.rows, autoscaler.RowOf(&list.Items[i]))
	}
	if err := a.propose(ctx, api, namespace, o); err != nil {
		return a, err
	}
	if err := a.choose(o); err != nil {
		return a, err
	}
	slices.SortStableFunc(a.rows, func(a, b autoscaler.Row) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return a, nil
}

// choose leaves the one that was named.
func (a *adviceList) choose(o adviseOptions) error {
	if o.name == "" {
		return nil
	}
	names := make([]string, len(a.rows))
	for i, r := range a.rows {
		names[i] = r.Name
	}
	if a.rows = slices.DeleteFunc(a.rows, func(r autoscaler.Row) bool { return r.Name != o.name }); len(a.rows) > 0 {
		return nil
	}
	err := fmt.Errorf("no InferenceAutoscaler %s in namespace %s", o.name, o.namespace)
	return hint.Meant(err, o.name, names, hint.Command("flyball", "advise", "-n", o.namespace)+" lists them")
}

func adviceTable(rows []autoscaler.Row) terminal.Table {
	t := terminal.Table{Header: []string{
		"NAMESPACE", "NAME", "ENGINE", "READY", "ADVISED", "EXPECTED", "HOURS", "REPLICA-HOURS", "TIME", "ATTAINED", "WHY",
	}}
	for _, r := range rows {
		hours, replicaHours, shares, attained := compared(r)
		t.Rows = append(t.Rows, []string{
			r.Namespace, r.Name, terminal.OrDash(string(r.Engine)), count(r.Ready), count(r.Advised), terminal.OrDash(r.Expected),
			hours, replicaHours, shares, attained, r.Why,
		})
	}
	return t
}

// compared are the cells of what ran and what was advised.
func compared(r autoscaler.Row) (hours, replicaHours, shares, attained string) {
	a := r.Advice
	if a == nil {
		return "-", "-", "-", "-"
	}
	replicaHours = fmt.Sprintf("%s ran, %s advised", a.RanReplicaHours, a.AdvisedReplicaHours)
	shares = fmt.Sprintf("%s more ran, %s fewer", a.MoreRan.Time, a.FewerRan.Time)
	if a.Attained == "" {
		return a.Hours, replicaHours, shares, "no request"
	}
	return a.Hours, replicaHours, shares, fmt.Sprintf("%s of %s promised", a.Attained, r.Promised)
}
