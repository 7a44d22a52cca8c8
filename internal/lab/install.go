//go:build linux

package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"flyball.dev/flyball/internal/hint"
)

//go:embed manifests
var manifests embed.FS

// deployment is one that the lab waits for before it calls itself ready.
type deployment struct{ namespace, name string }

var installed = [...]deployment{
	{"cpaas-system", "prometheus"},
	{"keda", "keda-operator"},
	{"keda", "keda-metrics-apiserver"},
	{"keda", "keda-admission"},
	{"kserve", "kserve-controller-manager"},
	{"flyball-system", "flyball-controller"},
}

// install applies everything that runs as pods and waits until it serves.
func (l *Lab) install(ctx context.Context) error {
	ports, err := l.webhookPorts()
	if err != nil {
		return err
	}
	keda, err := l.kedaManifest(ports)
	if err != nil {
		return err
	}
	kserve, err := l.kserveManifest(ports)
	if err != nil {
		return err
	}
	own := l.path("install", "flyball")
	if err := os.CopyFS(own, l.cfg.Install); err != nil {
		return fmt.Errorf("writing Flyball's manifests: %w", err)
	}
	platform, err := l.platformManifest()
	if err != nil {
		return err
	}
	began := time.Now()
	for _, name := range []string{"keda", "kserve"} { // first: their controllers end when a kind is missing
		if err := l.applyCRDs(ctx, name); err != nil {
			return err
		}
	}
	for _, m := range []struct {
		name string
		yaml []byte
	}{{"platform", platform}, {"keda", keda}, {"kserve", kserve}} {
		path := l.path("install", m.name+".yaml")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("writing the manifest of %s: %w", m.name, err)
		}
		if err := os.WriteFile(path, m.yaml, 0o600); err != nil {
			return fmt.Errorf("writing the manifest of %s: %w", m.name, err)
		}
		if err := l.kubectl(ctx, "apply", "--server-side", "--force-conflicts", "--field-manager=flyball-lab", "-f", path); err != nil {
			return err
		}
	}
	if err := l.kubectl(ctx, "apply", "--server-side", "--field-manager=flyball-lab", "-k", filepath.Join(own, "default")); err != nil {
		return err
	}
	l.say("%-24s applied in %.1fs", "KEDA, KServe, Flyball", time.Since(began).Seconds())
	for _, d := range installed {
		if err := l.awaitDeployment(ctx, d); err != nil {
			return err
		}
		l.say("%-24s ready after %.1fs", d.name, time.Since(began).Seconds())
	}
	return nil
}

// applyCRDs applies the custom resources of a shipped manifest and waits until they are served.
func (l *Lab) applyCRDs(ctx context.Context, name string) error {
	manifest, err := l.shipped(name, nil, func(o *unstructured.Unstructured) (bool, error) {
		return o.GetKind() == "CustomResourceDefinition", nil
	})
	if err != nil {
		return err
	}
	path := l.path("install", name+"-crds.yaml")
	if err := os.WriteFile(path, manifest, 0o600); err != nil {
		return fmt.Errorf("writing the custom resources of %s: %w", name, err)
	}
	if err := l.kubectl(ctx, "apply", "--server-side", "--field-manager=flyball-lab", "-f", path); err != nil {
		return err
	}
	return l.kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
}

// kubectl runs the lab's own kubectl as the administrator.
func (l *Lab) kubectl(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(l.cfg.Bin, "kubectl"), args...)
	cmd.Env = append(l.environment(), "KUBECONFIG="+l.Kubeconfig())
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errOut.String()))
	}
	return nil
}

func (l *Lab) awaitDeployment(ctx context.Context, d deployment) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := l.client.AppsV1().Deployments(d.namespace).Get(ctx, d.name, metav1.GetOptions{})
		if err == nil && got.Status.ObservedGeneration >= got.Generation && got.Status.AvailableReplicas > 0 {
			return nil
		}
		select {
		case err := <-l.failed:
			return err
		case <-ctx.Done():
			return hint.With(fmt.Errorf("waiting for Deployment %s/%s: %w", d.namespace, d.name, ctx.Err()),
				"see the logs in %s", l.path("logs"))
		case <-tick.C:
		}
	}
}

// platformManifest makes a password that only this lab knows.
func (l *Lab) platformManifest() ([]byte, error) {
	password := rand.Text()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		return nil, fmt.Errorf("hashing Prometheus' password: %w", err)
	}
	rules, err := fs.ReadFile(l.cfg.Install, "prometheus/rules.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the recording rules: %w", err)
	}
	text, err := manifests.ReadFile("manifests/platform.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the platform manifest: %w", err)
	}
	return []byte(strings.NewReplacer(
		"${USERNAME}", "admin", "${PASSWORD}", password, "${PASSWORD_HASH}", string(hash),
		"${SCRAPE_INTERVAL}", l.cfg.ScrapeInterval.String(), "${RULES}", indent(string(rules)),
	).Replace(string(text))), nil
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ")
}
