package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/gateway"
	"github.com/flyball-dev/flyball/internal/gateway/tenant"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/directory"
	"github.com/flyball-dev/flyball/internal/pulse"
)

// gatewayOptions are the flags of flyball gateway.
type gatewayOptions struct {
	gateway.Config
	kubeconfig, namespace string
	public, admin         string // addresses
	order                 string
	certificates          string // folder
	tenants               tenant.Config
	report                reportOptions

	body, requests, holdService, holdTotal resource.QuantityValue
}

func newGateway(s *terminal.Streams) *cobra.Command {
	o := &gatewayOptions{}
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Run the gateway: it routes requests, holds them and wakes services from zero",
		Long: `Route requests to the pods of InferenceServices by host name, by the model in the body or
by the header X-Flyball-Service of a trusted proxy. A request for a service without a ready
pod is held in bounded memory while the controller, which is told of it, wakes the service.
Any number of gateways may run side by side. None of them writes to Kubernetes.`,
		Example: `  flyball gateway --kubeconfig .flyball/kubeconfig --authenticate none --token-file token --controller-ca ca.crt
  flyball gateway --bind-address :8443 --certificates /etc/flyball/tls --authenticate keys --keys-file /etc/flyball/keys/keys`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), s) },
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *gatewayOptions) register(fl *pflag.FlagSet) {
	o.Hold, o.Limits, o.Wakes = gateway.Defaults()
	size := func(v *resource.QuantityValue, n int64, name, usage string) {
		v.Quantity = *resource.NewQuantity(n, resource.BinarySI)
		fl.Var(v, name, usage)
	}
	fl.StringVar(&o.kubeconfig, "kubeconfig", "", "the cluster (default: the one that this runs in, or as for other commands)")
	fl.StringVar(&o.public, "bind-address", ":8080", "address for requests")
	fl.StringVar(&o.admin, "admin-bind-address", ":8081", "address of /healthz, /readyz and /metrics")
	fl.StringVar(&o.certificates, "certificates", "", "folder with tls.crt and tls.key, read again when they change; plain HTTP without")
	fl.StringVar(&o.Name, "name", cmp.Or(os.Getenv("POD_NAME"), hostname()), "name that distinguishes this gateway from its replicas")
	fl.Lookup("name").DefValue = "$POD_NAME, or the name of the host"
	fl.StringVar(&o.namespace, "controller-namespace", cmp.Or(os.Getenv("POD_NAMESPACE"), "flyball-system"), "where the controller runs")
	o.report.register(fl)
	fl.StringVar(&o.tenants.Authenticate, "authenticate", "", "who may send requests: none (everybody), header (a proxy names the client) or keys; required")
	fl.StringVar(&o.tenants.KeysFile, "keys-file", "", "file of keys, for --authenticate keys: lines of NAME SHA256 NAMESPACE,..., read again when it changes")
	fl.StringSliceVar(&o.tenants.Proxies, "trusted-proxies", nil, "networks whose X-Flyball-Service counts, and with header X-Flyball-Client: CIDR,...")
	fl.DurationVar(&o.Hold.TTL, "hold-time", o.Hold.TTL, "how long a request may wait for a pod")
	fl.IntVar(&o.Hold.Service.Requests, "hold-requests", o.Hold.Service.Requests, "how many requests may wait for a service")
	fl.IntVar(&o.Hold.Total.Requests, "hold-requests-total", o.Hold.Total.Requests, "the same for all services together")
	fl.IntVar(&o.Wakes.Service, "wakes-per-service", o.Wakes.Service, "how often a service may be woken within an hour")
	fl.IntVar(&o.Wakes.Client, "wakes-per-client", o.Wakes.Client, "how often a client may wake services within an hour, where clients are told apart")
	size(&o.holdService, o.Hold.Service.Bytes, "hold-memory", "how much memory the requests that wait for a service may take")
	size(&o.holdTotal, o.Hold.Total.Bytes, "hold-memory-total", "the same for all services together")
	size(&o.body, o.Limits.BodyBytes, "body-size", "how large a request may be")
	size(&o.requests, o.Limits.RequestsBytes, "request-memory-total", "how much memory all requests may take, their bodies and headers")
	fl.IntVar(&o.Limits.Connections, "connections", o.Limits.Connections, "how many connections may be open; the longest idle one makes room for another")
	fl.IntVar(&o.Limits.HeaderBytes, "header-size", o.Limits.HeaderBytes, "the most bytes that the header of a request may have")
	fl.DurationVar(&o.Limits.RequestTime, "request-time", o.Limits.RequestTime, "how long a request may take, to its last byte")
	fl.DurationVar(&o.Limits.DrainDelay, "drain-delay", o.Limits.DrainDelay, "on shutdown: how long to go on answering while not ready")
	fl.DurationVar(&o.Limits.DrainTime, "drain-time", o.Limits.DrainTime, "on shutdown: how long requests in flight may take after that")
	fl.StringVar(&o.order, "order", admit.Orders()[0], "order of requests for services with objectives: arrival sends each to a pod at once; promise holds those that no pod has room for, and releases first those that can still meet their TTFT")
	fl.IntVar(&o.PrefixBytes, "prefix-bytes", 0, "send requests that share a prefix of this many bytes to the same pod, unless it is busier than others")
}

// hostname is empty where the machine has none; a gateway then asks for a name.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

func (o *gatewayOptions) run(ctx context.Context, s *terminal.Streams) error {
	handler := slog.NewJSONHandler(s.Err, nil)
	o.Log = slog.New(handler)
	o.Pulse = pulse.New(o.Log)
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	klog.SetLogger(logr.FromSlogHandler(handler))
	o.Registry = prometheus.NewRegistry()
	o.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	o.sizes()
	var err error
	if o.ByPromise, err = admit.ParseOrder(o.order); err != nil {
		return hint.Meant(fmt.Errorf("--order: %w", err), o.order, admit.Orders(), "--order=arrival is as without the flag; --order=promise needs flyball scaler")
	}
	if o.Tenants, err = tenant.New(o.tenants); err != nil {
		return err
	}
	if err := o.Validate(); err != nil {
		return err
	}
	if err := setMemory(o.Limits.Memory(), os.Getenv("MEMORY_LIMIT")); err != nil {
		return err
	}
	config, err := o.access()
	if err != nil {
		return err
	}
	d, err := directory.New(config.Config, o.namespace, logr.FromSlogHandler(handler), o.Pulse)
	if err != nil {
		return err
	}
	if err := o.tls(ctx); err != nil {
		return err
	}
	told, err := o.report.reports(o.Config, o.namespace, d.Controllers)
	if err != nil {
		return err
	}
	o.Tell = told.tell
	g, err := gateway.New(o.Config)
	if err != nil {
		return err
	}
	told.Hear = g.Hear
	return o.serve(ctx, g, d, told)
}

// sizes takes over the flags that are amounts.
func (o *gatewayOptions) sizes() {
	o.Hold.Service.Bytes, o.Hold.Total.Bytes = o.holdService.Value(), o.holdTotal.Value()
	o.Limits.BodyBytes, o.Limits.RequestsBytes = o.body.Value(), o.requests.Value()
}

// setMemory has garbage collected before a container's limit kills, and refuses limits of
// the gateway's own that do not fit into it. Without a container they are the limit.
func setMemory(need int64, container string) error {
	limit := need
	if container != "" {
		given, err := strconv.ParseInt(container, 10, 64)
		if err != nil {
			return hint.With(fmt.Errorf("reading $MEMORY_LIMIT: %w", err), "it is the container's limit in bytes: resourceFieldRef limits.memory")
		}
		if limit = given / 10 * 9; need > limit {
			return hint.With(fmt.Errorf("connections and requests may take %d MiB, and the container has %d", need>>20, given>>20),
				"raise limits.memory to %dMi, or lower --request-memory-total, --connections or --header-size", need*10/9>>20+1)
		}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
	return nil
}

// access is to the cluster that this runs in, where it runs in one and nothing else is said.
func (o *gatewayOptions) access() (access.Cluster, error) {
	if o.kubeconfig == "" && os.Getenv(clientcmd.RecommendedConfigPathEnvVar) == "" {
		if config, err := rest.InClusterConfig(); err == nil {
			config.QPS = -1 // as for access.Named
			return access.Cluster{Config: config, From: "the cluster that this runs in"}, nil
		}
	}
	return access.Named{Kubeconfig: o.kubeconfig}.Find()
}

// serve runs the gateway to its end, and beside it what it knows and what it says.
func (o *gatewayOptions) serve(ctx context.Context, g *gateway.Gateway, d *directory.Directory, told *reports) error {
	var listen net.ListenConfig
	public, err := listen.Listen(ctx, "tcp", o.public)
	if err != nil {
		return hint.With(fmt.Errorf("listening for requests: %w", err), "name another address: --bind-address")
	}
	admin, err := listen.Listen(ctx, "tcp", o.admin)
	if err != nil {
		return errors.Join(hint.With(fmt.Errorf("listening for probes: %w", err), "name another address: --admin-bind-address"), public.Close())
	}
	o.Log.Info("serving", "address", public.Addr().String(), "name", o.Name)
	stop, cancel := context.WithCancel(ctx) // of the gateway: by a signal, or because it goes blind
	defer cancel()
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // of what it needs while it drains
	var wg sync.WaitGroup
	var blind error
	wg.Go(func() {
		defer cancel()
		blind = d.Run(life, func(all []explain.Backend) { g.Update(servicesOf(all)) })
	})
	wg.Go(func() { told.keepAlive(life) })
	wg.Go(func() { o.Tenants.Watch(life, o.Log) })
	err = g.Run(stop, public, admin)
	end()
	wg.Wait()
	told.Wait()
	return errors.Join(err, blind)
}

// servicesOf says in the gateway's words what the directory knows.
func servicesOf(all []explain.Backend) []gateway.Service {
	services := make([]gateway.Service, len(all))
	for i, b := range all {
		services[i] = gateway.Service{
			Namespace: b.Namespace, Name: b.Name, Hosts: b.Hosts, Models: b.Models, Only: b.Only,
			Starting: b.Starting, Stuck: b.Stuck, Hindered: b.Hindered, Target: b.Target,
		}
		for _, p := range b.Pods {
			services[i].Pods = append(services[i].Pods, gateway.Pod(p))
		}
	}
	return services
}
