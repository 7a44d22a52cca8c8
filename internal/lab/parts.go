//go:build linux

package lab

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"github.com/flyball-dev/flyball/internal/lab/network"
	"github.com/flyball-dev/flyball/internal/lab/node"
)

// startParts runs the two parts of the cluster that live in this process: the
// network and the node agent.
func (l *Lab) startParts(ctx context.Context) error {
	partCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.cancel = cancel
	netLog, err := l.log("network")
	if err != nil {
		return err
	}
	agentLog, err := l.log("node-agent")
	if err != nil {
		return err
	}
	ready := make(chan struct{})
	l.part(partCtx, "the network", func(ctx context.Context) error {
		return network.Run(ctx, network.Config{
			Client: l.client, ProxyAddr: l.host() + ":3128", Static: l.static, Alias: ingress, Log: netLog,
			Ready: func() { close(ready) },
		})
	})
	l.agent, err = node.New(l.agentConfig(agentLog))
	if err != nil {
		return err
	}
	l.part(partCtx, "the node agent", l.agent.Run)
	select {
	case <-ready:
		l.say("%-24s ready: cluster addresses in %s, proxy %s", "network", l.serviceRange(), l.Proxy())
		return nil
	case err := <-l.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// part runs f until the lab stops; an error of it is reported once.
func (l *Lab) part(ctx context.Context, name string, f func(context.Context) error) {
	l.parts.Go(func() {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			l.failed <- fmt.Errorf("running %s: %w", name, err)
		}
	})
}

// static serves Services without a selector: only "kubernetes" itself has none.
func (l *Lab) static(namespace, name string) (string, bool) {
	if namespace != "default" || name != "kubernetes" {
		return "", false
	}
	u, err := url.Parse(l.server)
	if err != nil {
		return "", false
	}
	return u.Host, true
}

// ingress leads the host names that KServe gives its services (its default
// ingressDomain) to the gateway.
func ingress(host string) (string, bool) {
	return "flyball-gateway.flyball-system.svc", strings.HasSuffix(host, ".example.com")
}

func (l *Lab) agentConfig(log *slog.Logger) node.Config {
	nodes := make([]node.Spec, l.cfg.GPUNodes)
	for i := range nodes {
		nodes[i] = node.Spec{Name: "gpu-" + strconv.Itoa(i+1), GPUs: l.cfg.GPUsPerNode}
	}
	programs := l.programs()
	known := make([]string, len(programs))
	for i, p := range programs {
		known[i] = p.image
	}
	return node.Config{
		Client: l.client, APIServer: l.server, CA: l.pki.ca.PEM, Dir: l.cfg.Dir, Net: l.claim.net, Nodes: nodes,
		Programs: func(image string) (node.Program, bool) { return find(programs, image) }, Known: known,
		ColdStart: l.cfg.ColdStart, ProxyURL: l.Proxy(), Log: log,
	}
}

// program is what runs in place of the images of one repository.
type program struct {
	image string // the repository's last path element, without tag
	node.Program
}

func (l *Lab) programs() []program {
	upstream := func(image, name string) program {
		return program{image, node.Program{Argv: []string{l.cfg.Bin + "/" + name}}}
	}
	sim := []string{"env"}
	if l.cfg.Profile != "" {
		sim = append(sim, "FLYBALL_SIM_PROFILE="+l.cfg.Profile)
	}
	if l.cfg.Speed > 0 {
		sim = append(sim, "FLYBALL_SIM_SPEED="+strconv.FormatFloat(l.cfg.Speed, 'g', -1, 64))
	}
	return []program{
		upstream("keda", "keda-operator"),
		upstream("keda-metrics-apiserver", "keda-adapter"),
		upstream("keda-admission-webhooks", "keda-webhooks"),
		upstream("kserve-controller", "kserve-manager"),
		upstream("prometheus", "prometheus"),
		{"flyball", node.Program{Argv: []string{l.cfg.Flyball}}},
		{"vllm-openai", node.Program{Argv: append(sim, l.cfg.Flyball, "vllmsim"), KeepCommand: true, ColdStart: true}},
	}
}

// find matches an image reference by its repository's last element; any name
// that contains "vllm" is a vLLM image.
func find(programs []program, image string) (node.Program, bool) {
	name := image[strings.LastIndex(image, "/")+1:]
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	if strings.Contains(name, "vllm") {
		name = "vllm-openai"
	}
	for _, p := range programs {
		if p.image == name {
			return p.Program, true
		}
	}
	return node.Program{}, false
}
