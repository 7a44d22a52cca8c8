package lab

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/rehearse"
)

// rehearseFlags are what flyball rehearse was asked.
type rehearseFlags struct {
	without, kubeconfig string
	killKeda, up        bool
	set                 map[string]string
}

// borrowed is a lab that runs for the time of a command.
type borrowed struct {
	kubeconfig, proxy string
	stop              func()
}

func newRehearse(s *terminal.Streams) *cobra.Command {
	var f rehearseFlags
	cmd := &cobra.Command{
		Use:   "rehearse DIR",
		Short: "Run an example folder step by step and check what must be seen",
		Long: `Run the steps of DIR/rehearsal.txt against a cluster, with load, and check what
each of them says must be seen and by when. docs/rehearsal.md is the language.

Exit code 0: all steps held. 1: one did not; with --without, the one that the
script names. 2: the rehearsal was not possible, or another step failed.`,
		Example: "  flyball rehearse examples/guide\n" +
			"  flyball rehearse examples/guide --up               # on a cluster of its own\n" +
			"  flyball rehearse examples/guide --without keda     # must fail where the script says\n" +
			"  flyball rehearse examples/guide --set outage=20s",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := rehearsal(s, args[0], f)
			if err != nil {
				return err
			}
			if f.up {
				lab, err := temporaryLab(cmd.Context(), s)
				if err != nil {
					return err
				}
				defer lab.stop()
				cfg.Kubeconfig, cfg.Proxy = lab.kubeconfig, lab.proxy
			}
			cfg.StartLoad = rehearsalLoad(cfg.Proxy)
			report, err := rehearse.Run(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			return outcome(cfg, report)
		},
	}
	cmd.Flags().StringVar(&f.without, "without", "", "take a part away first: flyball, keda or prometheus")
	cmd.Flags().BoolVar(&f.killKeda, "kill-keda", false, "kill KEDA's pods where the script says so")
	cmd.Flags().BoolVar(&f.up, "up", false, "start a local cluster for it, and stop it afterwards")
	cmd.Flags().StringVar(&f.kubeconfig, "kubeconfig", "", "cluster to use (default $KUBECONFIG, then .flyball/kubeconfig)")
	cmd.Flags().StringToStringVar(&f.set, "set", nil, "override a let of the script, as name=value")
	cmd.MarkFlagsMutuallyExclusive("up", "kubeconfig")
	return cmd
}

// rehearsal gathers what a rehearsal needs; nothing of the cluster is touched, and a
// cluster that is still to be started is left open.
func rehearsal(s *terminal.Streams, dir string, f rehearseFlags) (rehearse.Config, error) {
	script, err := rehearse.Open(dir, f.set)
	if err != nil {
		return rehearse.Config{}, err
	}
	cfg := rehearse.Config{Dir: dir, Script: script, Without: f.without, Out: s.Out}
	if f.killKeda {
		cfg.Kill = "keda"
	}
	if err := cfg.Validate(); err != nil {
		return rehearse.Config{}, err
	}
	if cfg.Kubectl, err = findKubectl(); err != nil {
		return rehearse.Config{}, err
	}
	if f.up {
		return cfg, nil
	}
	if cfg.Kubeconfig, err = findKubeconfig(f.kubeconfig); err != nil {
		return rehearse.Config{}, err
	}
	cfg.Proxy, err = access.LabSetting("FLYBALL_PROXY")
	return cfg, err
}

// outcome turns a report into the command's answer.
func outcome(cfg rehearse.Config, report rehearse.Report) error {
	named := cfg.Script.FailingStep(cfg.Without)
	switch {
	case report.Failed == "" && cfg.Without == "":
		return nil
	case report.Failed == "":
		return fmt.Errorf("without %s all steps held, but %s names %s as the one that fails", cfg.Without, rehearse.ScriptName, named)
	case cfg.Without != "" && report.Failed != named:
		return fmt.Errorf("without %s step %s failed, but %s names %s", cfg.Without, report.Failed, rehearse.ScriptName, named)
	}
	return terminal.ErrNo
}

// findKubectl prefers the lab's program: its version fits the lab's API server.
func findKubectl() (string, error) {
	path := filepath.Join("bin", "lab", "kubectl")
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("kubectl"); err != nil {
			return "", hint.With(fmt.Errorf("finding kubectl: %w", err), "make lab builds it into bin/lab, or put one on the PATH")
		}
	}
	return filepath.Abs(path)
}

// findKubeconfig takes no cluster that nobody named: a rehearsal deletes and scales.
// It returns "" to leave the choice to kubectl, where $KUBECONFIG is a
// list of files.
func findKubeconfig(flag string) (string, error) {
	path := cmp.Or(flag, os.Getenv("KUBECONFIG"), filepath.Join(".flyball", "kubeconfig"))
	if strings.ContainsRune(path, os.PathListSeparator) {
		return "", nil
	}
	if _, err := os.Stat(path); err != nil {
		return "", hint.With(fmt.Errorf("finding the cluster: %w", err), access.StartOrName)
	}
	return filepath.Abs(path)
}
