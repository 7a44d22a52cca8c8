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
	"golang.org/x/sync/errgroup"
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
	{"flyball-system", "flyball-gateway"},
}

// install applies everything that runs as pods and waits until it serves.
func (l *Lab) install(ctx context.Context) error {
	files, err := l.writeManifests()
	if err != nil {
		return err
	}
	began := time.Now()
	// Custom resources first: the controllers end when a kind is missing.
	for _, batch := range [][][]string{files.crds, files.rest} {
		if err := l.applyAll(ctx, batch); err != nil {
			return err
		}
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

// files are the arguments of 'kubectl apply' for each manifest.
type files struct{ crds, rest [][]string }

// writeManifests leaves in the lab's directory what is applied, to be looked at.
func (l *Lab) writeManifests() (files, error) {
	var f files
	ports, err := l.webhookPorts()
	if err != nil {
		return f, err
	}
	own := l.path("install", "flyball")
	if err := os.CopyFS(own, l.cfg.Install); err != nil {
		return f, fmt.Errorf("writing Flyball's manifests: %w", err)
	}
	f.rest = [][]string{{"-k", filepath.Join(own, "complete")}}
	for _, m := range []struct {
		name string
		make func() ([]byte, error)
		to   *[][]string
	}{
		{"keda-crds", func() ([]byte, error) { return l.customResources("keda") }, &f.crds},
		{"kserve-crds", func() ([]byte, error) { return l.customResources("kserve") }, &f.crds},
		{"platform", l.platformManifest, &f.rest},
		{"keda", func() ([]byte, error) { return l.kedaManifest(ports) }, &f.rest},
		{"kserve", func() ([]byte, error) { return l.kserveManifest(ports) }, &f.rest},
	} {
		text, err := m.make()
		if err != nil {
			return f, err
		}
		path := l.path("install", m.name+".yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return f, fmt.Errorf("writing the manifest of %s: %w", m.name, err)
		}
		*m.to = append(*m.to, []string{"-f", path})
	}
	return f, nil
}

// applyAll applies manifests side by side and waits until the kinds among them are served.
func (l *Lab) applyAll(ctx context.Context, manifests [][]string) error {
	group, groupCtx := errgroup.WithContext(ctx)
	for _, m := range manifests {
		group.Go(func() error {
			return l.kubectl(groupCtx, append([]string{"apply", "--server-side", "--force-conflicts", "--field-manager=flyball-lab"}, m...)...)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	// Not --for=condition=Established: it fails where conditions are null, as those of a
	// CustomResourceDefinition are in its first moments.
	return l.kubectl(ctx, "wait", `--for=jsonpath={.status.conditions[?(@.type=="Established")].status}=True`, "--timeout=60s", "crd", "--all")
}

// customResources are those of a shipped manifest.
func (l *Lab) customResources(name string) ([]byte, error) {
	return l.shipped(name, nil, func(o *unstructured.Unstructured) (bool, error) {
		return o.GetKind() == "CustomResourceDefinition", nil
	})
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
