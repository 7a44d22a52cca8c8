package serve

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	clusterconfig "sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	runtimemetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube"
	"github.com/flyball-dev/flyball/internal/pulse"
)

func newController(s *terminal.Streams) *cobra.Command {
	var metrics, health string
	var servers []string
	var settings kube.Settings
	cmd := &cobra.Command{
		Use:   "controller",
		Short: "Run the controller, as config/manager does",
		Long: `Run the controller. It acts only while it holds the lease flyball-controller in the
namespace $POD_NAMESPACE (default flyball-system), which must exist, and while no other
installation, in whatever namespace, holds an older one: where one is found this one stays
passive and logs which it is.`,
		Example: "  flyball controller --kubeconfig .flyball/kubeconfig",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if settings.Servers, err = kserve.NewServers(servers); err != nil {
				return hint.With(fmt.Errorf("--metric-servers: %w", err), "for example http://prometheus-operated.cpaas-system.svc.cluster.local:9090")
			}
			if err := checkController(settings); err != nil {
				return err
			}
			handler := slog.NewJSONHandler(s.Err, nil)
			settings.Pulse = pulse.New(slog.New(handler))
			logger := logr.FromSlogHandler(handler)
			ctrl.SetLogger(logger)
			klog.SetLogger(logger)
			cluster, err := ctrl.GetConfig()
			if err != nil {
				return fmt.Errorf("finding the cluster: %w", err)
			}
			settings.Namespace = cmp.Or(os.Getenv("POD_NAMESPACE"), config.Namespace)
			options, err := kube.Options(settings.Namespace)
			if err != nil {
				return err
			}
			options.Logger = logger
			options.Metrics = server.Options{BindAddress: metrics}
			settings.Registry = runtimemetrics.Registry // the one that options.Metrics serves
			options.HealthProbeBindAddress = health
			return runController(cmd, cluster, options, settings)
		},
	}
	cmd.Flags().StringVar(&metrics, "metrics-bind-address", "0", "address of /metrics; 0 for none")
	cmd.Flags().StringVar(&health, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	cmd.Flags().StringVar(&settings.Demand.Address, "demand-bind-address", "", "address where gateways report; not served if empty")
	cmd.Flags().StringVar(&settings.Demand.Certificates, "demand-certificates", "", "folder with its tls.crt and tls.key")
	cmd.Flags().StringVar(&settings.DrainWebhook.Address, "drain-webhook", "", "address where the API server asks about new pods, so that they end without loss; not served if empty")
	cmd.Flags().StringVar(&settings.DrainWebhook.Certificates, "drain-webhook-certificates", "", "folder with its tls.crt and tls.key")
	cmd.Flags().StringSliceVar(&servers, "metric-servers", nil, "URLs of the Prometheus servers that services may have asked, with a credential or without (default: whatever serverAddress names)")
	cmd.Flags().BoolVar(&settings.DeletionCost, "deletion-cost", false, "delete the pod with the least work first, by what gateways report")
	fromRuntime := flag.NewFlagSet("", flag.ContinueOnError)
	clusterconfig.RegisterFlags(fromRuntime) // --kubeconfig
	cmd.Flags().AddGoFlagSet(fromRuntime)
	return cmd
}

func checkController(s kube.Settings) error {
	switch {
	case s.DrainWebhook.Address != "" && s.DrainWebhook.Certificates == "":
		return hint.With(errors.New("--drain-webhook without a certificate"), "give the folder with tls.crt and tls.key: --drain-webhook-certificates DIR")
	case s.Demand.Address != "" && s.Demand.Certificates == "":
		return hint.With(errors.New("--demand-bind-address without a certificate"), "give the folder with tls.crt and tls.key: --demand-certificates DIR")
	case s.DeletionCost && s.Demand.Address == "":
		return hint.With(errors.New("--deletion-cost without reports"), "let gateways report what each pod has to do: --demand-bind-address ADDRESS")
	}
	return nil
}

func runController(cmd *cobra.Command, cluster *rest.Config, options ctrl.Options, settings kube.Settings) error {
	mgr, err := ctrl.NewManager(cluster, options)
	if err != nil {
		return fmt.Errorf("preparing the controller: %w", err)
	}
	if err := mgr.AddHealthzCheck("progress", func(*http.Request) error { return settings.Pulse.Check() }); err != nil {
		return fmt.Errorf("adding /healthz: %w", err)
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding /readyz: %w", err)
	}
	if err := kube.Setup(mgr, settings); err != nil {
		return fmt.Errorf("adding the reconciler: %w", err)
	}
	if err := mgr.Start(cmd.Context()); err != nil {
		return fmt.Errorf("running the controller: %w", err)
	}
	return nil
}
