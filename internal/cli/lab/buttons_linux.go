package lab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/lab"
	"github.com/flyball-dev/flyball/internal/rehearse"
	"github.com/flyball-dev/flyball/internal/web"
)

// What the page's buttons do lasts so long; undoing it may take undoing.
const (
	lasting = time.Minute
	undoing = 15 * time.Second
)

// buttons are what the live page of a lab can do to it, by the commands and the load of a rehearsal.
type buttons struct {
	kubectl func(ctx context.Context, words ...string) (string, error)
	load    rehearse.LoadStarter
}

func (f *upFlags) buttons(running *lab.Lab) buttons {
	kubectl := func(ctx context.Context, words ...string) (string, error) {
		cmd := exec.CommandContext(ctx, filepath.Join(f.Bin, "kubectl"), append(words, "--kubeconfig", running.Kubeconfig())...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%s: %w: %s", hint.Command(append([]string{"kubectl"}, words...)...), err, strings.TrimSpace(string(out)))
			return "", hint.With(err, "run it in a shell with the lab's environment: . %s", hint.Quote(f.Dir+"/env"))
		}
		return string(out), nil
	}
	return buttons{kubectl, rehearsalLoad(running.Proxy())}
}

func (b buttons) actions() []web.Action {
	return []web.Action{
		{Name: "burst", Label: "Burst", For: lasting, Do: b.burst, Does: "a request a second for 60 s to demo/llama, the guide's service"},
		{Name: "prometheus", Label: "Prometheus down", For: lasting, Do: b.blind, Does: "stops Prometheus for 60 s; it starts again without what it has counted"},
		{Name: "drain", Label: "Drain a node", For: lasting, Do: b.drain, Does: "moves the pods off a GPU node, which takes no others for 60 s"},
	}
}

// burst keeps 6 requests running at one time, for each of which the guide wants a replica: an
// answer takes about as many seconds.
func (b buttons) burst(ctx context.Context) error {
	if _, err := b.kubectl(ctx, "get", kserve.InferenceServiceKind.Kind, "llama", "-n", "demo"); err != nil {
		return hint.With(err, "flyball up --guide examples/guide applies the service")
	}
	stop, err := b.load(ctx, rehearse.Load{
		Endpoint: guideEndpoint, Model: guideModel, PerSecond: 1, PromptTokens: 200, OutputTokens: 500, For: lasting,
	})
	if err != nil {
		return err
	}
	if c := stop(false); c.Failed > 0 {
		return hint.With(fmt.Errorf("%d of %d requests were not answered: %s", c.Failed, c.Sent, c.FirstError), "flyball why demo/llama says what the service lacks")
	}
	return nil
}

func (b buttons) blind(ctx context.Context) error {
	scale := func(replicas string) []string {
		return []string{"scale", "deployment", "prometheus", "-n", "cpaas-system", "--replicas=" + replicas}
	}
	return b.meanwhile(ctx, scale("0"), scale("1"))
}

// drain takes a node with a pod of a service: of another there is nothing to see.
func (b buttons) drain(ctx context.Context) error {
	nodes, err := b.kubectl(ctx, "get", "pods", "-A", "-l", kserve.ServiceLabel, "--field-selector", "status.phase=Running", "-o", "jsonpath={.items[*].spec.nodeName}")
	if err != nil {
		return err
	}
	node, _, _ := strings.Cut(nodes, " ")
	if node == "" {
		return hint.With(errors.New("no node has a running pod of a service"), "flyball up --guide examples/guide applies one")
	}
	return b.meanwhile(ctx,
		[]string{"drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=50s"}, []string{"uncordon", node})
}

// meanwhile runs a command, and another that undoes it when its time is over or ctx ends.
func (b buttons) meanwhile(ctx context.Context, do, undo []string) error {
	its, cancel := context.WithTimeout(ctx, lasting)
	defer cancel()
	_, err := b.kubectl(its, do...)
	if err == nil {
		<-its.Done()
	}
	after, end := context.WithTimeout(context.WithoutCancel(ctx), undoing)
	defer end()
	_, undone := b.kubectl(after, undo...)
	return errors.Join(err, undone)
}
