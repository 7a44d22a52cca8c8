package cli

import (
	"cmp"
	"context"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/discovery"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/doctor"
)

type doctorOptions struct {
	cluster                  access.Named
	output                   string
	address, user, passwords string
}

func newDoctor(s *terminal.Streams) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what Flyball needs of a cluster, and say how to fix what is wrong",
		Long: `Check the versions of Kubernetes, KServe and KEDA, the APIs, who serves external
metrics, the webhooks, the rights of Flyball and of you, and each Prometheus that the
controller's --metric-servers or --prometheus names: whether it answers and its vLLM
series carry isvc_name and namespace. Where the scaler is installed, or objectives are
stated: the scaler, its rights and those of the engine native, the custom resource, the
certificates by which KEDA and it know each other, which are read from their Secrets with
your rights, and the label of the namespaces. Nothing is changed. Prometheus is asked from
this machine, through FLYBALL_PROXY (a lab's) or HTTP_PROXY if that is set; an address that
only a ScaledObject names is listed, and not asked.

A password goes to the server that --prometheus names and to no other.
FLYBALL_PROMETHEUS, FLYBALL_PROMETHEUS_USER and FLYBALL_PROMETHEUS_PASSWORD are used
for flags that are not given.

Exit code: 0 nothing failed, 1 something failed, 2 the cluster does not answer.`,
		Example: "  flyball doctor\n" +
			"  flyball doctor --prometheus http://prometheus-operated.cpaas-system.svc.cluster.local:9090 \\\n" +
			"    --prometheus-user admin --prometheus-password-file ./password",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return examine(cmd.Context(), s, o) },
	}
	o.cluster.Flags(cmd)
	cmd.Flags().StringVar(&o.address, "prometheus", "", "a Prometheus to ask besides those of the controller's --metric-servers")
	cmd.Flags().StringVar(&o.user, "prometheus-user", "", "user for that Prometheus")
	cmd.Flags().StringVar(&o.passwords, "prometheus-password-file", "", "file with the password for that Prometheus")
	terminal.OutputFlag(cmd, &o.output, "table", "json", "yaml")
	return cmd
}

func examine(ctx context.Context, s *terminal.Streams, o doctorOptions) error {
	login, err := o.prometheus()
	if err != nil {
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
	served, err := discovery.NewDiscoveryClientForConfig(c.Config)
	if err != nil {
		return c.Explain(err)
	}
	client, err := access.PrometheusClient(c)
	if err != nil {
		return err
	}
	checks, err := doctor.Doctor{
		Cluster: api, Served: served, HTTP: client, Prometheus: login, Shipped: config.Files,
	}.Examine(ctx)
	if err != nil {
		return c.Explain(err)
	}
	return printChecks(s, o.output, checks)
}

// prometheus takes flags before the environment.
func (o doctorOptions) prometheus() (doctor.Prometheus, error) {
	return access.PrometheusLogin("--prometheus", cmp.Or(o.address, os.Getenv("FLYBALL_PROMETHEUS")), o.user, o.passwords)
}

// printChecks says the answer by its exit code: it is no if anything fails.
func printChecks(s *terminal.Streams, format string, checks []doctor.Check) error {
	t := terminal.Table{Header: []string{"RESULT", "CHECK", "FOUND"}}
	for _, c := range checks {
		t.Rows = append(t.Rows, []string{string(c.Result), c.Name, c.Found})
		if c.Fix != "" {
			t.Rows = append(t.Rows, []string{"", "", "fix: " + c.Fix})
		}
	}
	out := terminal.Colour(s.Out, map[string]string{string(doctor.OK): "32", string(doctor.Warn): "33", string(doctor.Fail): "31"})
	if err := terminal.PrintAs(out, format, checks, t); err != nil {
		return err
	}
	if slices.ContainsFunc(checks, func(c doctor.Check) bool { return c.Result == doctor.Fail }) {
		return terminal.ErrNo
	}
	return nil
}
