package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/discovery"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/doctor"
)

type doctorOptions struct {
	kubeconfig, output       string
	address, user, passwords string
}

func newDoctor(s *streams) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what Flyball needs of a cluster, and say how to fix what is wrong",
		Long: `Check the versions of Kubernetes, KServe and KEDA, the APIs, who serves external
metrics, the webhooks, the rights of Flyball and of you, and every Prometheus that a
ScaledObject names: whether it answers and its vLLM series carry isvc_name and
namespace. Nothing is changed. Prometheus is asked from this machine, through
FLYBALL_PROXY (a lab's) or HTTP_PROXY if that is set.

A password goes to the server that --prometheus names and to no other.
FLYBALL_PROMETHEUS, FLYBALL_PROMETHEUS_USER and FLYBALL_PROMETHEUS_PASSWORD stand in
for flags that are not given.

Exit code: 0 nothing failed, 1 something failed, 2 the cluster does not answer.`,
		Example: "  flyball doctor\n" +
			"  flyball doctor --prometheus http://prometheus-operated.cpaas-system.svc.cluster.local:9090 \\\n" +
			"    --prometheus-user admin --prometheus-password-file ./password",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return examine(cmd.Context(), s, o) },
	}
	cmd.Flags().StringVar(&o.kubeconfig, "kubeconfig", "", "the cluster (default $KUBECONFIG, .flyball/kubeconfig, ~/.kube/config)")
	cmd.Flags().StringVar(&o.address, "prometheus", "", "a Prometheus to ask besides those of ScaledObjects")
	cmd.Flags().StringVar(&o.user, "prometheus-user", "", "its user")
	cmd.Flags().StringVar(&o.passwords, "prometheus-password-file", "", "a file that holds its password")
	outputFlag(cmd, &o.output, "table", "json", "yaml")
	return cmd
}

func examine(ctx context.Context, s *streams, o doctorOptions) error {
	login, err := o.prometheus()
	if err != nil {
		return err
	}
	c, err := findCluster(o.kubeconfig)
	if err != nil {
		return err
	}
	c.config.Timeout = 15 * time.Second
	api, err := cluster.NewClient(c.config)
	if err != nil {
		return c.explain(err)
	}
	served, err := discovery.NewDiscoveryClientForConfig(c.config)
	if err != nil {
		return c.explain(err)
	}
	client, err := prometheusClient(c)
	if err != nil {
		return err
	}
	checks, err := doctor.Doctor{
		Cluster: api, Served: served, HTTP: client, Prometheus: login, Shipped: config.Files,
	}.Examine(ctx)
	if err != nil {
		return c.explain(err)
	}
	return printChecks(s, o.output, checks)
}

// prometheusClient goes through the lab's proxy to a lab, or else through that of the
// environment. It follows no redirect: a password must not leave its server.
func prometheusClient(c access) (*http.Client, error) {
	proxy := http.ProxyFromEnvironment
	if _, set := os.LookupEnv("FLYBALL_PROXY"); set || c.from == localKubeconfig() {
		lab, err := labSetting("FLYBALL_PROXY")
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(lab)
		if err != nil {
			return nil, fmt.Errorf("reading FLYBALL_PROXY: %w", err)
		}
		if lab != "" {
			proxy = http.ProxyURL(u)
		}
	}
	return &http.Client{
		Transport:     &http.Transport{Proxy: proxy},
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// prometheus takes flags before the environment.
func (o doctorOptions) prometheus() (doctor.Prometheus, error) {
	return prometheusLogin("--prometheus", cmp.Or(o.address, os.Getenv("FLYBALL_PROMETHEUS")), o.user, o.passwords)
}

// prometheusLogin is for the server that a flag names; the environment stands in for
// the user and the password file that are not given.
func prometheusLogin(flag, address, user, passwords string) (doctor.Prometheus, error) {
	p := doctor.Prometheus{
		Address: strings.TrimRight(address, "/"),
		User:    cmp.Or(user, os.Getenv("FLYBALL_PROMETHEUS_USER")),
	}
	var err error
	if p.Password, err = prometheusPassword(passwords); err != nil {
		return p, err
	}
	u, err := url.Parse(p.Address)
	switch {
	case err != nil, p.Address != "" && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https"):
		return p, hint.With(fmt.Errorf("%s is no http or https address", flag),
			"for example http://prometheus-operated.cpaas-system.svc.cluster.local:9090")
	case p.Address == "" && p.User != "":
		return p, hint.With(errors.New("a user for Prometheus, but no Prometheus"),
			"say to whom the password may go: %s http://…", flag)
	case p.User != "" && p.Password == "":
		return p, hint.With(errors.New("a user for Prometheus, but no password"),
			"--prometheus-password-file FILE, or FLYBALL_PROMETHEUS_PASSWORD in the environment")
	}
	return p, nil
}

// prometheusPassword is the file's, or without one the environment's.
func prometheusPassword(file string) (string, error) {
	if file == "" {
		return os.Getenv("FLYBALL_PROMETHEUS_PASSWORD"), nil
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the password of Prometheus: %w", err)
	}
	return strings.TrimRight(string(secret), "\r\n"), nil
}

// printChecks says the answer by its exit code: it is no if anything fails.
func printChecks(s *streams, format string, checks []doctor.Check) error {
	t := table{header: []string{"RESULT", "CHECK", "FOUND"}}
	for _, c := range checks {
		t.rows = append(t.rows, []string{string(c.Result), c.Name, c.Found})
		if c.Fix != "" {
			t.rows = append(t.rows, []string{"", "", "fix: " + c.Fix})
		}
	}
	out := colour(s.out, map[string]string{string(doctor.OK): "32", string(doctor.Warn): "33", string(doctor.Fail): "31"})
	if err := printAs(out, format, checks, t); err != nil {
		return err
	}
	if slices.ContainsFunc(checks, func(c doctor.Check) bool { return c.Result == doctor.Fail }) {
		return errNo
	}
	return nil
}
