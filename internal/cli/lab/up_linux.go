package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/cli/version"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/lab"
)

type upFlags struct {
	lab.Config
	guide   string
	verbose bool
	another Run
}

func newUp(s *terminal.Streams, run Run) *cobra.Command {
	f := upFlags{another: run}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the local cluster: real Kubernetes, KEDA, KServe and Prometheus, simulated GPUs",
		Long: `Start a local cluster in this directory and keep it until Ctrl-C: the unmodified control
plane, KEDA, KServe and Prometheus as plain processes, and GPU nodes whose pods run a simulated
vLLM. It says at which address its live page is: flyball dashboard, with its Prometheus, and
with buttons for a burst, for Prometheus down and for a drained node (docs/dashboard.md).`,
		Example: "  flyball up                          # until Ctrl-C\n" +
			"  flyball up --guide examples/guide   # and apply the guide, with a gentle load\n" +
			"  flyball up --gpu-nodes 4 --weights 30s",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), s) },
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *upFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.Dir, "dir", ".flyball", "the lab's directory; emptied at the start")
	fl.StringVar(&f.Bin, "bin", "bin/lab", "the upstream programs, as 'flyball lab' builds them")
	fl.IntVar(&f.GPUNodes, "gpu-nodes", 2, "simulated GPU nodes")
	fl.IntVar(&f.GPUsPerNode, "gpus-per-node", 8, "GPUs of each node")
	fl.DurationVar(&f.ColdStart.Pull, "pull", 2*time.Second, "time to pull a model server's image, once per node")
	fl.DurationVar(&f.ColdStart.Weights, "weights", 3*time.Second, "time to load weights")
	fl.DurationVar(&f.ColdStart.Warmup, "warmup", time.Second, "time to compile and warm up")
	fl.Float64Var(&f.ColdStart.Jitter, "jitter", 0.2, "relative spread of the cold-start times")
	fl.StringVar(&f.Profile, "profile", "", "GPU and model that vllmsim imitates (its default if empty)")
	fl.Float64Var(&f.Speed, "speed", 0, "speed of the simulated engines; 0 is real time")
	fl.DurationVar(&f.ScrapeInterval, "scrape-interval", 5*time.Second, "Prometheus' scrape interval")
	fl.DurationVar(&f.HPASyncPeriod, "hpa-sync-period", 0, "period of the HPA controller; 0 is Kubernetes' 15s")
	fl.StringVar(&f.guide, "guide", "", "folder of the guide: apply it, drive a gentle load and keep printing the status")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "print the memory of every process when ready")
}

// temporaryLab starts a lab with the defaults of 'flyball up' for another command.
func temporaryLab(ctx context.Context, s *terminal.Streams) (borrowed, error) {
	f := upFlags{}
	f.register(pflag.NewFlagSet("up", pflag.ContinueOnError))
	if err := f.resolve(); err != nil {
		return borrowed{}, err
	}
	f.Say = func(line string) { fmt.Fprintln(s.Err, line) }
	running, err := lab.Up(ctx, f.Config)
	if err != nil {
		return borrowed{}, err
	}
	return borrowed{running.Kubeconfig(), running.Proxy(), running.Stop}, nil
}

func (f *upFlags) run(ctx context.Context, s *terminal.Streams) error {
	if err := f.resolve(); err != nil {
		return err
	}
	began := time.Now()
	f.Say = func(line string) { fmt.Fprintln(s.Err, line) }
	running, err := lab.Up(ctx, f.Config)
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(s.Err, "stopping the lab")
		running.Stop()
	}()
	fmt.Fprintf(s.Err, "the lab is ready after %.0fs\n", time.Since(began).Seconds())
	if f.verbose {
		printUsage(s, running.Usage())
	}
	fmt.Fprintf(s.Out, "export PATH=%s:%s:$PATH KUBECONFIG=%s FLYBALL_PROXY=%s\n",
		hint.Quote(f.Bin), hint.Quote(filepath.Dir(f.Flyball)), hint.Quote(running.Kubeconfig()), hint.Quote(running.Proxy()))
	fmt.Fprintf(s.Err, "next, in a second terminal: . %s; kubectl get pods -A; flyball status -A\nCtrl-C stops everything\n", hint.Quote(f.Dir+"/env"))
	closePage, err := f.openPage(ctx, s, running)
	if err != nil {
		return err
	}
	defer closePage()
	if f.guide != "" {
		return f.demonstrate(ctx, s, running)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-running.Failed():
		return err
	}
}

// resolve makes the paths absolute and checks that the programs are there.
func (f *upFlags) resolve() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	f.Flyball, f.Version = self, version.Name()
	for _, p := range []*string{&f.Dir, &f.Bin} {
		if *p, err = filepath.Abs(*p); err != nil {
			return fmt.Errorf("finding the working directory: %w", err)
		}
	}
	if _, err := os.Stat(filepath.Join(f.Bin, "kube-apiserver")); errors.Is(err, fs.ErrNotExist) {
		return hint.With(fmt.Errorf("no lab programs in %s", f.Bin), "build them with 'make lab' (about half an hour on 2 cores the first time)")
	}
	f.Install = config.Files
	return nil
}

func newDown(s *terminal.Streams) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "down",
		Short:   "Stop the local cluster, or clean up what a killed one left",
		Example: "  flyball down",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return fmt.Errorf("finding the working directory: %w", err)
			}
			found, err := lab.Down(abs)
			if err == nil && !found {
				fmt.Fprintln(s.Err, "no lab in", abs)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".flyball", "the lab's directory")
	return cmd
}
