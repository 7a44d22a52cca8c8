//go:build linux

package node

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/flyball-dev/flyball/internal/lab/proc"
)

// command prepares one run of a container: its directories, environment and arguments.
func (w *worker) command(c *container, program Program) (proc.Spec, error) {
	if len(program.Argv) == 0 {
		return proc.Spec{}, fmt.Errorf("the lab's program for image %q has no command line", c.spec.Image)
	}
	dir := c.view.path(c.spec.WorkingDir)
	for _, d := range []string{dir, c.view.path("/tmp")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return proc.Spec{}, fmt.Errorf("preparing container %s: %w", c.spec.Name, err)
		}
	}
	env, err := w.environment(c, program)
	if err != nil {
		return proc.Spec{}, err
	}
	c.environ = env
	var argv []string
	for _, a := range program.Argv {
		argv = append(argv, expand(a, env.lookup))
	}
	if program.KeepCommand {
		argv = append(argv, w.arguments(c, c.spec.Command)...)
	}
	argv = append(argv, w.arguments(c, c.spec.Args)...)
	return proc.Spec{
		Name: w.pod.Namespace + "/" + w.pod.Name + "/" + c.spec.Name,
		Path: argv[0], Args: argv[1:], Env: env.list(), Dir: dir, Log: w.logFile(c),
	}, nil
}

// arguments are the pod's own, expanded and rewritten.
func (w *worker) arguments(c *container, list []string) []string {
	var out []string
	for _, a := range list {
		out = append(out, c.view.value(expand(a, c.environ.lookup)))
	}
	return out
}

// environment is what the lab gives every container, then what the pod's spec says, which wins.
func (w *worker) environment(c *container, program Program) (environ, error) {
	var e environ
	e.set("PATH", os.Getenv("PATH"))
	e.set("HOME", c.view.root)
	e.set("TMPDIR", c.view.path("/tmp"))
	e.set("HOSTNAME", w.pod.Name)
	if api, err := url.Parse(w.a.cfg.APIServer); err == nil {
		e.set("KUBERNETES_SERVICE_HOST", api.Hostname())
		e.set("KUBERNETES_SERVICE_PORT", api.Port())
	}
	if config := c.view.path(path.Join(serviceAccountMount, kubeconfigFile)); exists(config) {
		e.set("KUBECONFIG", config)
	}
	if w.a.cfg.ProxyURL != "" {
		// curl reads http_proxy in lower case only.
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
			e.set(name, w.a.cfg.ProxyURL)
		}
		e.set("NO_PROXY", "localhost,127.0.0.0/8")
		e.set("no_proxy", "localhost,127.0.0.0/8")
	}
	e.set("FLYBALL_POD_IP", w.ip)
	if program.ColdStart {
		cold := w.a.cfg.ColdStart
		if w.weightsLoaded {
			cold.Weights = 0
		}
		e.set("FLYBALL_SIM_WEIGHTS", cold.Weights.String())
		e.set("FLYBALL_SIM_WARMUP", cold.Warmup.String())
		e.set("FLYBALL_SIM_JITTER", strconv.FormatFloat(cold.Jitter, 'g', -1, 64))
	}
	if err := e.addContainer(c.spec, w.sources(c.spec), c.view.value); err != nil {
		return e, err
	}
	e.set(proc.MarkVar, w.a.cfg.Dir)
	return e, nil
}

// sources resolve references for container c; nil where only pod fields are meant.
func (w *worker) sources(c *corev1.Container) sources {
	return sources{
		secret: func(name string) (map[string]string, error) {
			s, err := w.a.secrets.Secrets(w.pod.Namespace).Get(name)
			if err != nil {
				return nil, err
			}
			values := map[string]string{}
			for k, v := range s.Data {
				values[k] = string(v)
			}
			return values, nil
		},
		configMap: func(name string) (map[string]string, error) {
			m, err := w.a.configMaps.ConfigMaps(w.pod.Namespace).Get(name)
			if err != nil {
				return nil, err
			}
			values := map[string]string{}
			maps.Copy(values, m.Data)
			for k, v := range m.BinaryData {
				values[k] = string(v)
			}
			return values, nil
		},
		field: func(path string) (string, error) { return field(w.pod, w.ip, w.host.ip, path) },
		resource: func(ref *corev1.ResourceFieldSelector) (string, error) {
			if c == nil {
				return "", errors.New("resourceFieldRef names no container")
			}
			return resourceField(c, w.host.capacity(), ref)
		},
		missing: apierrors.IsNotFound,
	}
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Clean(path))
	return err == nil
}
