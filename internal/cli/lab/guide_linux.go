package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/lab"
	"github.com/flyball-dev/flyball/internal/load"
)

// guideSteps are the files of the guide's folder for a service that is not there
// yet, in the guide's order: nothing to stop, nothing to resume.
var guideSteps = [...]string{
	"00-prerequisites.yaml", "01-rbac.yaml", "05-secret.sh", "06-trigger-authentication.yaml", "07-service.yaml",
}

// The gentle load rises and falls, so that the replicas are seen to move.
const (
	gentlePeriod  = 4 * time.Minute
	gentleTokens  = 2000 // about 22 s of generation on the default profile
	statusPeriod  = 10 * time.Second
	guideEndpoint = "http://llama-predictor.demo.svc.cluster.local/v1"
	guideModel    = "Qwen/Qwen3-14B"
)

// demonstrate applies the guide, keeps a gentle load on it and prints the status
// table until ctx ends.
func (f *upFlags) demonstrate(ctx context.Context, s *terminal.Streams, running *lab.Lab) error {
	for _, name := range guideSteps {
		fmt.Fprintln(s.Err, "applying", filepath.Join(f.guide, name))
		if err := applyStep(ctx, filepath.Join(f.guide, name), running.Env()); err != nil {
			return err
		}
	}
	cfg := gentleLoad(running.Proxy())
	if err := cfg.Validate(); err != nil {
		return err
	}
	loaded := make(chan error, 1)
	go func() {
		_, err := load.Run(ctx, cfg, nil)
		loaded <- err
	}()
	board := terminal.NewBoard(s.Out)
	tick := time.NewTicker(statusPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return <-loaded
		case err := <-running.Failed():
			return err
		case <-tick.C:
			if err := f.showStatus(ctx, s, board, running.Kubeconfig()); err != nil {
				return err
			}
		}
	}
}

// showStatus draws the table over the last one on a terminal, and appends it elsewhere.
func (f *upFlags) showStatus(ctx context.Context, s *terminal.Streams, board *terminal.Board, kubeconfig string) error {
	var text bytes.Buffer
	to := s
	if board != nil {
		to = &terminal.Streams{In: s.In, Out: &text, Err: &text}
	}
	fmt.Fprintf(to.Out, "\n%s\n", time.Now().Format(time.TimeOnly))
	if err := f.another(ctx, to, "status", "-A", "--kubeconfig", kubeconfig); err != nil && ctx.Err() == nil {
		terminal.PrintError(to.Err, err)
	}
	if board == nil {
		return nil
	}
	return board.Draw(text.String())
}

func gentleLoad(proxy string) load.Config {
	var stages []load.Stage
	for range 60 { // four hours
		stages = append(stages,
			load.Stage{Duration: gentlePeriod / 2, PerSecond: 0.05},
			load.Stage{Duration: gentlePeriod / 2, PerSecond: 0.2})
	}
	return load.Config{
		URL: guideEndpoint, Proxy: proxy, Model: guideModel, API: load.Chat,
		Pacer: load.Pacer{
			Process: load.Poisson, Stages: stages, Seed: 1, InputTokens: 200, OutputTokens: gentleTokens,
		},
		MaxInFlight: 1000, Timeout: 10 * time.Minute,
	}
}

func applyStep(ctx context.Context, path string, env []string) error {
	cmd := exec.CommandContext(ctx, "kubectl", "apply", "-f", path)
	if strings.HasSuffix(path, ".sh") {
		cmd = exec.CommandContext(ctx, "sh", path)
	}
	for _, e := range env {
		if dirs, ok := strings.CutPrefix(e, "PATH="); ok && cmd.Args[0] == "kubectl" {
			cmd.Path = filepath.Join(strings.Split(dirs, ":")[0], "kubectl")
			cmd.Err = nil
		}
	}
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return hint.With(fmt.Errorf("applying %s: %w: %s", path, err, strings.TrimSpace(string(out))), "fix the file and run 'flyball up' again")
	}
	return nil
}

// printUsage prints the resident memory of each process, and the sum.
func printUsage(s *terminal.Streams, rows []lab.Usage) {
	w := tabwriter.NewWriter(s.Err, 0, 0, 2, ' ', 0)
	var sum int64
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%d MiB\n", r.Name, r.RSS>>20)
		sum += r.RSS
	}
	fmt.Fprintf(w, "all\t%d MiB\n", sum>>20)
	w.Flush() // standard error
}
