package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/overview"
)

type statusOptions struct {
	cluster           access.Named
	namespace, output string
	service, selector string
	labels            labels.Selector // of the selector
	all, watch        bool
}

func newStatus(s *terminal.Streams) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [SERVICE]",
		Short: "Show how many replicas each service has, and why",
		Long: `One row for each InferenceService, and for each Deployment or StatefulSet with
objectives: who scales it (MODE), its bounds, the replicas that exist (NOW), that its
autoscaler asks for (DESIRED) and that are READY, each METRIC over its target as the HPA
sees them, or what is promised in its place, and the REASON for the replica count in one
word (docs/reasons.md). Where gateways report, also the requests that they hold (HELD) and
that pods are answering (INFLIGHT). MIN and MAX are the bounds in the manifest. An
InferenceAutoscaler that only advises has a row beside its service's: what it would ask for;
one that is refused for the sake of another autoscaler has one of the mode refused.
-o wide, json and yaml explain in full; -o table does on stderr for what needs attention. -w
reads the cluster every 5 s; a service that changed has one more row, or one more document.`,
		Example: "  flyball status -n demo\n" +
			"  flyball status llama -n demo -w\n" +
			"  flyball status -A -l team=search -o wide",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.choose(args); err != nil {
				return err
			}
			c, err := o.cluster.Find()
			if err != nil {
				return err
			}
			c.Config.Timeout = 15 * time.Second
			api, err := cluster.NewClient(c.Config)
			if err != nil {
				return c.Explain(err)
			}
			if o.namespace == "" {
				o.namespace = c.Namespace
			}
			if o.watch {
				return c.Explain(watchStatus(cmd.Context(), s, api, o))
			}
			return c.Explain(showStatus(cmd.Context(), s, api, o))
		},
	}
	o.cluster.Flags(cmd)
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", "", "the namespace (default that of the kubeconfig's context)")
	cmd.Flags().BoolVarP(&o.all, "all-namespaces", "A", false, "all namespaces")
	cmd.Flags().StringVarP(&o.selector, "selector", "l", "", "labels of the services, as team=search,tier!=test")
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "then print the services that changed, until Ctrl-C")
	cmd.MarkFlagsMutuallyExclusive("namespace", "all-namespaces")
	completeNames(cmd, &o)
	terminal.OutputFlag(cmd, &o.output, "table", "wide", "json", "yaml")
	return cmd
}

// choose takes a service by its name, or those that have the labels; like kubectl's, a name
// is of one namespace.
func (o *statusOptions) choose(args []string) error {
	var err error
	if o.labels, err = labels.Parse(o.selector); err != nil {
		return hint.With(fmt.Errorf("-l %s: %w", o.selector, err), "for example -l team=search")
	}
	if len(args) == 0 {
		return nil
	}
	o.service = args[0]
	switch {
	case o.all:
		return hint.With(fmt.Errorf("status: the name %s is of one namespace, not of all", o.service), "%s -n NAMESPACE", hint.Command("flyball", "status", o.service))
	case o.selector != "":
		return hint.With(fmt.Errorf("status: the name %s and the labels %s exclude each other", o.service, o.selector), "give one of them")
	}
	return nil
}

// showStatus prints one reading of the cluster.
func showStatus(ctx context.Context, s *terminal.Streams, api client.Reader, o statusOptions) error {
	read, err := readRows(ctx, api, o)
	if err != nil {
		return err
	}
	rows := read.Rows
	if len(rows) == 0 && (o.output == "table" || o.output == "wide") {
		err = printNone(s, o)
	} else {
		err = terminal.PrintAs(s.Out, o.output, rows, statusTable(rows, o, time.Now()))
	}
	if err == nil && o.output == "table" {
		err = printNotes(s, rows)
	}
	if err != nil {
		return err
	}
	return printUnread(s, read.Unread)
}

// printUnread says what is not told.
func printUnread(s *terminal.Streams, all []overview.Unread) error {
	for _, u := range all {
		if _, err := fmt.Fprintf(s.Err, "warning: %s: %s\n", u.What, terminal.OneLine(u.Why)); err != nil {
			return err
		}
		terminal.PrintHints(s.Err, u.Fix)
	}
	return nil
}

// printNone says where there is no service.
func printNone(s *terminal.Streams, o statusOptions) error {
	where := "in namespace " + o.namespace
	if o.all {
		where = "in any namespace"
	}
	if o.selector != "" {
		where += " with the labels " + o.selector
	}
	_, err := fmt.Fprintf(s.Err, "no service %s\n", where)
	return err
}

// readRows are of the services that were asked for. A service that was named must be there.
func readRows(ctx context.Context, api client.Reader, o statusOptions) (overview.Overview, error) {
	chosen := overview.Choice{Namespace: o.namespace, Name: o.service, Labels: o.labels}
	if o.all {
		chosen.Namespace = ""
	}
	read, err := overview.Read(ctx, api, chosen)
	if err == nil && o.service != "" && len(read.Rows) == 0 {
		err = fmt.Errorf("no service %s in namespace %s", o.service, o.namespace)
		err = hint.Meant(err, o.service, read.Names, hint.Command("flyball", "status", "-n", o.namespace)+" lists them")
	}
	return read, err
}

func statusTable(rows []explain.Row, o statusOptions, now time.Time) terminal.Table {
	t := terminal.Table{Header: []string{"NAME", "MODE", "MIN", "MAX", "NOW", "DESIRED", "METRIC", "READY", "AGE", "REASON"}}
	wide := o.output == "wide"
	gateways := slices.ContainsFunc(rows, func(r explain.Row) bool { return r.Held != nil })
	if o.all {
		t.Header = append([]string{"NAMESPACE"}, t.Header...)
	}
	if gateways {
		t.Header = slices.Insert(t.Header, slices.Index(t.Header, "AGE"), "HELD", "INFLIGHT")
	}
	if wide {
		t.Header = append(t.Header, "AUTOSCALER", "MESSAGE")
	}
	for _, r := range rows {
		cells := []string{
			r.Name, r.Mode, count(&r.Min), count(&r.Max), count(r.Current), count(r.Desired), scaledBy(r, wide), count(r.Ready),
		}
		if gateways {
			cells = append(cells, count(r.Held), count(r.InFlight))
		}
		cells = append(cells, duration.HumanDuration(now.Sub(r.Created)), string(r.Reason))
		if o.all {
			cells = append([]string{r.Namespace}, cells...)
		}
		if wide {
			cells = append(cells, terminal.OrDash(r.Autoscaler), explained(r))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

func count[N int | int32](n *N) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(int(*n))
}

// scaledBy is each "current/target" as kubectl shows it, or what is promised; the narrow table
// has room for the first and says how many more there are.
func scaledBy(r explain.Row, all bool) string {
	shown := r.Objectives
	if len(shown) == 0 {
		for _, m := range r.Metrics {
			shown = append(shown, m.Current+"/"+m.Target)
		}
	}
	if len(shown) > 1 && !all {
		return shown[0] + "+" + strconv.Itoa(len(shown)-1)
	}
	return terminal.OrDash(strings.Join(shown, ","))
}

func explained(r explain.Row) string {
	if r.Fix == "" {
		return r.Message
	}
	return r.Message + "; " + r.Fix
}

// printNotes explains the rows that do not scale as they should, beside the data.
func printNotes(s *terminal.Streams, rows []explain.Row) error {
	for _, r := range rows {
		if !r.Attention {
			continue
		}
		if _, err := fmt.Fprintf(s.Err, "%s/%s: %s\n", r.Namespace, r.Name, terminal.OneLine(explained(r))); err != nil {
			return err
		}
	}
	return nil
}
