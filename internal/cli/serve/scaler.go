package serve

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	clusterconfig "sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	runtimemetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/follow"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
	"github.com/flyball-dev/flyball/internal/kube/memory"
	"github.com/flyball-dev/flyball/internal/kube/notices"
	"github.com/flyball-dev/flyball/internal/kube/promised"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/scaler"
	"github.com/flyball-dev/flyball/internal/scrape"
)

// scalerOptions are the flags of flyball scaler.
type scalerOptions struct {
	metrics, health string // addresses
	keda            scaler.Config
	peers           string // address
	demand          inbox.Settings
	prometheus      scrape.Config
	credentials     string // folder
	direct          bool
	tick, settle    time.Duration
	services        promised.Settings
	budgets         gpuBudgets
	record          recording
}

func newScaler(s *terminal.Streams) *cobra.Command {
	o := &scalerOptions{}
	cmd := &cobra.Command{
		Use:   "scaler",
		Short: "Run KEDA's external scaler, which keeps latency objectives",
		Long: `Run the external scaler that KEDA asks about ScaledObjects whose trigger states objectives.
It reads what vLLM counts from Prometheus, or with --direct-scrape from the pods themselves, and
decides how many replicas keep the promise. Of several replicas the one decides that holds the
lease flyball-scaler in the namespace $POD_NAMESPACE (default flyball-system); the others answer
KEDA with its decisions.`,
		Example: `  flyball scaler --certificates /var/run/secrets/flyball-scaler --prometheus http://prometheus-operated.monitoring.svc:9090
  flyball scaler --kubeconfig .flyball/kubeconfig --certificates tls --prometheus http://127.0.0.1:9090 --scrape-interval 15s`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), s) },
	}
	o.register(cmd.Flags())
	fromRuntime := flag.NewFlagSet("", flag.ContinueOnError)
	clusterconfig.RegisterFlags(fromRuntime) // --kubeconfig
	cmd.Flags().AddGoFlagSet(fromRuntime)
	return cmd
}

func (o *scalerOptions) register(fl *pflag.FlagSet) {
	fl.StringVar(&o.metrics, "metrics-bind-address", "0", "address of /metrics; 0 for none")
	fl.StringVar(&o.health, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	fl.StringVar(&o.keda.Address, "bind-address", ":9443", "address for KEDA")
	fl.StringVar(&o.keda.Certificates, "certificates", "", "folder with tls.crt, tls.key and ca.crt, the authority of KEDA's certificate; required")
	fl.StringVar(&o.peers, "peer-bind-address", "", "address for other replicas, as they reach it: HOST:PORT; without it this one is alone")
	fl.StringVar(&o.demand.Address, "demand-bind-address", "", "address where gateways report; not served if empty")
	fl.StringVar(&o.demand.Certificates, "demand-certificates", "", "folder with its tls.crt and tls.key")
	fl.StringVar(&o.prometheus.Address, "prometheus", "", "URL of the Prometheus that scrapes the pods; required unless --direct-scrape is given")
	fl.StringVar(&o.credentials, "prometheus-credentials", "", "folder with username and password, or with token, for it; none if it is empty")
	fl.StringVar(&o.prometheus.CAFile, "prometheus-ca", "", "file with the authority of its certificate (default: the system's)")
	fl.DurationVar(&o.prometheus.Interval, "scrape-interval", scrape.DefaultInterval, "how often it scrapes the pods")
	fl.BoolVar(&o.direct, "direct-scrape", false, "read each pod's own /metrics at every tick instead of asking Prometheus")
	fl.DurationVar(&o.tick, "tick", 5*time.Second, "how often to read and decide; at least 2s, or 1s with --direct-scrape")
	fl.DurationVar(&o.settle, "settle", 5*time.Minute, "for how long a replica that begins to decide scales nothing down")
	o.record.register(fl)
	fl.IntVar(&o.services.Most, "services-per-namespace", 500, "how many services of a namespace may state objectives")
	o.budgets.register(fl)
}

// validate says what is missing or wrong, and reads the credentials.
func (o *scalerOptions) validate() error {
	if err := o.keda.Validate(); err != nil {
		return err
	}
	switch {
	case o.prometheus.Address == "" && !o.direct:
		return hint.With(errors.New("--prometheus is missing"), "for example --prometheus http://prometheus-operated.monitoring.svc:9090; or read the pods themselves with --direct-scrape")
	case o.demand.Address != "" && o.demand.Certificates == "":
		return hint.With(errors.New("--demand-bind-address without a certificate"), "give the folder with tls.crt and tls.key: --demand-certificates DIR")
	case o.record.bytes < leastRecord:
		return hint.With(fmt.Errorf("--record-size %d is too small", o.record.bytes), "give %d or more", leastRecord)
	}
	least := 2 * time.Second
	if o.direct {
		least = time.Second
	}
	if o.tick < least {
		return hint.With(fmt.Errorf("--tick %v is too short to read within", o.tick), "give %v or more", least)
	}
	if err := o.budgets.read(); err != nil {
		return err
	}
	o.prometheus.Timeout = o.tick / 2
	return o.authenticate()
}

// authenticate reads how Prometheus is asked.
func (o *scalerOptions) authenticate() error {
	if o.credentials == "" {
		return nil
	}
	user, err := os.ReadFile(filepath.Join(o.credentials, "username"))
	switch {
	case err == nil:
		o.prometheus.User, o.prometheus.PasswordFile = strings.TrimSpace(string(user)), filepath.Join(o.credentials, "password")
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Join(o.credentials, "token")); err == nil {
			o.prometheus.TokenFile = filepath.Join(o.credentials, "token")
		}
	default:
		return fmt.Errorf("--prometheus-credentials: %w", err)
	}
	return nil
}

func (o *scalerOptions) run(ctx context.Context, s *terminal.Streams) error {
	handler := slog.NewJSONHandler(s.Err, nil)
	logger := logr.FromSlogHandler(handler)
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	if err := o.validate(); err != nil {
		return err
	}
	// Reading and deciding take as many threads as there are cores, and leave one. With one more
	// KEDA's calls do not wait for them: the kernel lets a thread go first that has waited for
	// the network, where Go lets one go on that computes, for 10 ms.
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	found, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	return o.start(ctx, found, handler)
}

// start runs until the context ends, by the rights of a configuration.
func (o *scalerOptions) start(ctx context.Context, found *rest.Config, handler slog.Handler) error {
	logger := logr.FromSlogHandler(handler)
	peers := follow.Settings{
		Address: cmp.Or(o.peers, hostname()), Certificates: o.keda.Certificates,
	}
	namespace := cmp.Or(os.Getenv("POD_NAMESPACE"), config.Namespace)
	peers.Name = config.Scaler + "." + namespace + ".svc"
	options, err := o.manager(found, peers, namespace)
	if err != nil {
		return err
	}
	options.Logger = logger
	p := parts{peers: peers, lock: options.LeaderElectionResourceLockInterface, prepared: make(chan struct{}), namespace: namespace, log: slog.New(handler), budgets: o.budgets.pools}
	options.LeaderElectionResourceLockInterface = follow.Patient{Interface: p.lock, Ready: p.prepared}
	mgr, err := ctrl.NewManager(found, options)
	if err != nil {
		return fmt.Errorf("preparing the scaler: %w", err)
	}
	o.keda.Registry, o.keda.Log = runtimemetrics.Registry, logger
	if err := o.add(mgr, p); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the scaler: %w", err)
	}
	return nil
}

// manager are the options of one that elects who decides.
func (o *scalerOptions) manager(found *rest.Config, peers follow.Settings, namespace string) (ctrl.Options, error) {
	scheme, err := cluster.NewScheme()
	if err != nil {
		return ctrl.Options{}, err
	}
	lock, err := peers.Lock(found, namespace, config.Scaler)
	if err != nil {
		return ctrl.Options{}, err
	}
	return ctrl.Options{
		Scheme: scheme, LeaderElection: true, LeaderElectionResourceLockInterface: lock, LeaderElectionReleaseOnCancel: true,
		Client: client.Options{Cache: &client.CacheOptions{Unstructured: true}}, Cache: promised.Cached(o.direct),
		Metrics: server.Options{BindAddress: o.metrics}, HealthProbeBindAddress: o.health,
	}, nil
}

// everywhere runs on each replica.
type everywhere struct{ manager.RunnableFunc }

// NeedLeaderElection lets it run without the lease.
func (everywhere) NeedLeaderElection() bool { return false }

// add puts the parts together.
func (o *scalerOptions) add(mgr ctrl.Manager, p parts) error {
	if err := runtimemetrics.Registry.Register(collectors.NewBuildInfoCollector()); err != nil {
		return fmt.Errorf("adding metrics: %w", err)
	}
	from, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("preparing discovery: %w", err)
	}
	kinds := cluster.NewKinds(from, mgr.GetLogger(), kserve.InferenceServiceKind, kserve.ScaledObjectKind, v1alpha1.Kind)
	tells, err := notices.Recorder(mgr, kserve.Manager)
	if err != nil {
		return fmt.Errorf("adding Events: %w", err)
	}
	p.leads = elected(mgr)
	p.services = promised.New(o.services, mgr.GetClient(), tells, p.leads,
		func() bool { return kinds.Served(kserve.InferenceServiceKind) })
	o.demand.Namespace = p.namespace
	p.demand = inbox.New(o.demand, mgr.GetClient(), mgr.GetLogger(), time.Now)
	p.book, p.recalled = pilot.NewBook(), &recollection{}
	p.tellChanges()
	if err := runtimemetrics.Registry.Register(promises{p.book}); err != nil {
		return fmt.Errorf("adding metrics: %w", err)
	}
	source, err := o.source(p.services)
	if err != nil {
		return err
	}
	if err := o.record.add(mgr, p.log); err != nil {
		return err
	}
	loop, err := pilot.New(pilot.Config{
		Every: o.tick, Settle: o.settle, Roster: p, Source: source, Demand: p.demanded, Recorder: o.record.recorder(), Remembered: p.recalled.of,
		Pools: p.pools, Book: p.book, Log: p.log, Now: time.Now,
	})
	if err != nil {
		return err
	}
	p.demand.Tell(p.nudge(loop))
	p.demand.Room(p.room)
	o.keda.Book = answers{p}
	keda, err := scaler.New(o.keda)
	if err != nil {
		return err
	}
	kept := p.autoscalers(mgr, tells, kinds, o.tick)
	if err := kept.Scales.Setup(mgr); err != nil {
		return err
	}
	all := []manager.Runnable{
		kinds, everywhere{func(ctx context.Context) error { return p.services.Setup(ctx, mgr, kinds) }}, keda,
		everywhere{func(ctx context.Context) error { return kept.Follow(ctx, mgr, kinds) }},
		manager.RunnableFunc(func(ctx context.Context) error { return kept.Setup(ctx, mgr, kinds) }),
		p.prepare(kinds, map[schema.GroupVersionKind]*cluster.Reading{kserve.ScaledObjectKind: p.services.Reading, v1alpha1.Kind: kept.Reading}),
		p.lead(loop, &o.record, memory.Store{Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: p.namespace, Log: mgr.GetLogger()}),
	}
	if o.demand.Address != "" {
		all = append(all, p.demand)
	}
	if o.peers != "" {
		all = append(all, &follow.Peer{Settings: p.peers, Lock: p.lock, Leads: p.leads, Tell: p.lines, Learn: p.learn, Log: mgr.GetLogger()})
	}
	return run(mgr, keda, all)
}

// source is what is read at each tick.
func (o *scalerOptions) source(of *promised.Services) (pilot.Source, error) {
	needs := promise.Law{}.Needs()
	if o.direct {
		pods, err := scrape.NewDirect(scrape.DirectConfig{Interval: o.tick, Timeout: o.tick / 2, Address: of.Metrics}, needs)
		return readings{pods}, err
	}
	from, err := scrape.NewPrometheus(o.prometheus, needs)
	if err != nil {
		return nil, hint.With(err, "see --prometheus and --prometheus-credentials")
	}
	return readings{from}, nil
}

// run has the manager run all, and say whether KEDA is answered.
func run(mgr ctrl.Manager, keda *scaler.Server, all []manager.Runnable) error {
	for _, one := range all {
		if err := mgr.Add(one); err != nil {
			return fmt.Errorf("adding a part of the scaler: %w", err)
		}
	}
	if err := mgr.AddReadyzCheck("scaler", keda.Ready); err != nil {
		return fmt.Errorf("adding /readyz: %w", err)
	}
	return mgr.AddHealthzCheck("ping", healthz.Ping)
}

// elected tells whether this replica leads. One that has lost the lease exits.
func elected(mgr ctrl.Manager) func() bool {
	return func() bool {
		select {
		case <-mgr.Elected():
			return true
		default:
			return false
		}
	}
}
