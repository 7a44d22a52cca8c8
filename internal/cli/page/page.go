package page

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/cli/recorded"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/doctor"
	"github.com/flyball-dev/flyball/internal/kube/survey"
	"github.com/flyball-dev/flyball/internal/lint"
	"github.com/flyball-dev/flyball/internal/record/why"
	"github.com/flyball-dev/flyball/internal/web"
)

type options struct {
	cluster                  access.Named
	namespace, price         string
	address, user, passwords string
	all                      bool
	port                     int
	anyPort                  bool // if port is taken
}

// every is between two looks at the cluster, as flyball status -w has it.
const every = 5 * time.Second

// New is the command; its page has a button for each action, and without any is read only.
func New(s *terminal.Streams, actions ...web.Action) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve a live page of what scales, why, and on which GPUs",
		Long: `Serve a page on this machine, and print its address: each service with its state in
plain words, load against replicas, the GPUs of each node and who holds them, and for one
service its charts, the chain from metric to pods, and a card for each decision
(docs/dashboard.md). It reads the cluster every 5 s with the rights of your kubeconfig, and
changes nothing; what you may not see is named, with the right that shows it. Only this
machine can open it.

With --prometheus the charts also have what vLLM counted (arrivals, requests, TTFT and TPOT), a
promise has the share of the requests that keep it, and a service's load of the last day can be
simulated with other targets.
FLYBALL_PROMETHEUS, FLYBALL_PROMETHEUS_USER and FLYBALL_PROMETHEUS_PASSWORD are used for
flags that are not given.`,
		Example: "  flyball dashboard -A\n" +
			"  flyball dashboard -n demo --port 8123 --gpu-price 2.50USD\n" +
			"  flyball dashboard -A --prometheus http://localhost:9090",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.anyPort = !cmd.Flags().Changed("port")
			return o.serve(cmd.Context(), s, actions)
		},
	}
	o.cluster.Flags(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.namespace, "namespace", "n", "", "the namespace (default that of the kubeconfig's context)")
	f.BoolVarP(&o.all, "all-namespaces", "A", false, "all namespaces")
	f.IntVar(&o.port, "port", 7700, "port on 127.0.0.1; 0 takes any that is free, as does the default where it is taken")
	f.StringVar(&o.price, "gpu-price", "", "price of a GPU-hour, as 2.50 or 2.50EUR, to show what is held as money")
	f.StringVar(&o.address, "prometheus", "", "a Prometheus for the charts of a service")
	f.StringVar(&o.user, "prometheus-user", "", "user for that Prometheus")
	f.StringVar(&o.passwords, "prometheus-password-file", "", "file with the password for that Prometheus")
	cmd.MarkFlagsMutuallyExclusive("namespace", "all-namespaces")
	return cmd
}

func (o options) serve(ctx context.Context, s *terminal.Streams, actions []web.Action) error {
	price, err := input.Price("--gpu-price", o.price)
	if err != nil {
		return err
	}
	if o.port < 0 || o.port > 65535 {
		return hint.With(fmt.Errorf("--port %d: must be from 0 to 65535", o.port), "for example --port 7700")
	}
	c, err := o.cluster.Find()
	if err != nil {
		return err
	}
	config := web.Config{Cluster: c.Config.Host, Every: every, Actions: actions}
	if price != nil {
		config.GPUPrice, config.Currency = price.PerHour, price.Currency
	}
	if err := o.bind(ctx, c, &config); err != nil {
		return err
	}
	server, err := web.New(config)
	if err != nil {
		return err
	}
	l, err := o.listen(ctx)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.Out, "http://%s/\n", l.Addr()); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.Err, "showing %s of %s until Ctrl-C\n", config.Scope, config.Cluster); err != nil {
		return err
	}
	return server.Run(ctx, l)
}

// listen opens the port, or if nobody named it and it is taken any other.
func (o options) listen(ctx context.Context) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)))
	if err != nil && o.anyPort {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, hint.With(fmt.Errorf("opening port %d: %w", o.port, err), "another program has it; --port 0 takes any that is free")
	}
	return l, nil
}

// bind gives the page what it asks. The first look is made here, so that a cluster which
// does not answer is an error of the command.
func (o options) bind(ctx context.Context, c access.Cluster, to *web.Config) error {
	c.Config.Timeout = 15 * time.Second
	kube, err := cluster.NewClient(c.Config)
	if err != nil {
		return c.Explain(err)
	}
	namespace := cmp.Or(o.namespace, c.Namespace)
	to.Scope = "namespace " + namespace
	if o.all {
		namespace, to.Scope = "", "all namespaces"
	}
	to.Look = func(ctx context.Context) (web.Look, error) { return look(ctx, kube, namespace) }
	if _, err := to.Look(ctx); err != nil {
		return c.Explain(err)
	}
	to.Why = func(ctx context.Context, name string, from, until time.Time) (why.Told, []string, error) {
		return recorded.Tell(ctx, c, name, from, until)
	}
	login, err := access.PrometheusLogin("--prometheus", cmp.Or(o.address, os.Getenv("FLYBALL_PROMETHEUS")), o.user, o.passwords)
	if err != nil {
		return err
	}
	http, err := access.PrometheusClient(c)
	if err != nil {
		return err
	}
	served, err := discovery.NewDiscoveryClientForConfig(c.Config)
	if err != nil {
		return c.Explain(err)
	}
	d := doctor.Doctor{Cluster: kube, Served: served, HTTP: http, Prometheus: login, Shipped: config.Files}
	to.Check = func(ctx context.Context) []web.Note { return ills(ctx, d) }
	if login.Address == "" {
		return nil
	}
	server, err := lint.Dial(login.Address, http, login.User, login.Password)
	if err != nil {
		return err
	}
	o.address, o.user = login.Address, login.User
	to.Try = func(ctx context.Context, q web.Question, done func()) (web.Answer, error) {
		return o.whatIf(ctx, kube, q, done)
	}
	to.Count = func(ctx context.Context, of web.Subject, from, until time.Time) (*web.Counted, error) {
		return count(ctx, server, of, from, until)
	}
	to.Keep = func(ctx context.Context, all []web.Subject, last time.Duration) ([]web.Kept, error) {
		return keep(ctx, server, all, last)
	}
	return nil
}

// look is one at the cluster, and what could not be seen.
func look(ctx context.Context, kube client.Reader, namespace string) (web.Look, error) {
	s, err := survey.Read(ctx, kube, namespace, time.Now().UTC())
	if err != nil {
		return web.Look{}, err
	}
	l := web.Look{At: s.At, Services: s.Services, Stated: s.Stated, Nodes: s.Nodes, Holders: s.Holders, Gateways: s.Gateways}
	for _, m := range s.Missing {
		n := web.Note{Level: web.Warn, What: m.Resource, Found: "you may not list them, so this is not shown: " + m.What, Fix: m.Fix}
		if m.Absent {
			n.Level, n.Found = web.Fail, m.What
		}
		l.Notes = append(l.Notes, n)
		if m.Blinds {
			l.Blind = append(l.Blind, m.Resource)
		}
	}
	for _, u := range s.Unread {
		l.Notes = append(l.Notes, web.Note{Level: web.Warn, What: u.What, Found: u.Why, Fix: u.Fix})
	}
	if s.Gateways == 0 && len(s.Services) > 0 {
		l.Notes = append(l.Notes, web.Note{
			Level: web.Info, What: "gateway", Found: "none reports, so held requests are not shown and nothing wakes a service from zero",
			Fix: "kubectl apply --server-side -k config/complete",
		})
	}
	return l, nil
}

// ills are what the doctor finds wrong.
func ills(ctx context.Context, d doctor.Doctor) []web.Note {
	checks, err := d.Examine(ctx)
	if err != nil {
		return nil // the next look says so
	}
	var notes []web.Note
	for _, c := range checks {
		switch c.Result {
		case doctor.OK:
		case doctor.Warn:
			notes = append(notes, web.Note{Level: web.Warn, What: c.Name, Found: c.Found, Fix: c.Fix})
		case doctor.Fail:
			notes = append(notes, web.Note{Level: web.Fail, What: c.Name, Found: c.Found, Fix: c.Fix})
		}
	}
	return notes
}
