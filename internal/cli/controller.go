package cli

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"flyball.dev/flyball/internal/kube"
)

func newController(s *streams) *cobra.Command {
	var metrics, health string
	var elect bool
	cmd := &cobra.Command{
		Use:     "controller",
		Short:   "Run the controller, as config/manager does",
		Example: "  flyball controller --leader-elect",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger := logr.FromSlogHandler(slog.NewJSONHandler(s.err, nil))
			ctrl.SetLogger(logger)
			klog.SetLogger(logger)
			config, err := ctrl.GetConfig()
			if err != nil {
				return fmt.Errorf("finding the cluster: %w", err)
			}
			return runController(cmd, config, ctrl.Options{
				Scheme: clientgoscheme.Scheme, Logger: logger,
				Metrics:                server.Options{BindAddress: metrics},
				HealthProbeBindAddress: health,
				LeaderElection:         elect, LeaderElectionID: "flyball-controller",
				LeaderElectionNamespace:       os.Getenv("POD_NAMESPACE"),
				LeaderElectionReleaseOnCancel: true,
			})
		},
	}
	cmd.Flags().StringVar(&metrics, "metrics-bind-address", "0", "address of /metrics; 0 for none")
	cmd.Flags().StringVar(&health, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	cmd.Flags().BoolVar(&elect, "leader-elect", false, "act only while holding the lease flyball-controller")
	return cmd
}

func runController(cmd *cobra.Command, config *rest.Config, options ctrl.Options) error {
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return fmt.Errorf("preparing the controller: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding /healthz: %w", err)
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding /readyz: %w", err)
	}
	if err := kube.Setup(mgr); err != nil {
		return fmt.Errorf("adding the reconciler: %w", err)
	}
	if err := mgr.Start(cmd.Context()); err != nil {
		return fmt.Errorf("running the controller: %w", err)
	}
	return nil
}
