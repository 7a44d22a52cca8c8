//go:build linux

package lab

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509/pkix"
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
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/hint"
)

//go:embed manifests
var manifests embed.FS

// deployment is one that the lab waits for before it calls itself ready. The scaler is none:
// what needs it waits for it (examples/objective).
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
	if err := l.applyAll(ctx, files.crds); err != nil {
		return err
	}
	if err := l.awaitKinds(ctx); err != nil {
		return err
	}
	if err := l.applyAll(ctx, files.rest); err != nil {
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

// files are the arguments of 'kubectl apply' for each manifest.
type files struct{ crds, rest [][]string }

// writeManifests leaves in the lab's directory what is applied, to be looked at.
func (l *Lab) writeManifests() (files, error) {
	var f files
	ports, err := l.webhookPorts()
	if err != nil {
		return f, err
	}
	own, err := l.writeFlyball()
	if err != nil {
		return f, fmt.Errorf("writing Flyball's manifests: %w", err)
	}
	f.rest = [][]string{{"-k", own}}
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

// writeFlyball leaves the kustomization that installs Flyball, and returns its folder.
func (l *Lab) writeFlyball() (string, error) {
	whole := l.path("install", "flyball")
	if err := os.CopyFS(whole, l.cfg.Install); err != nil {
		return "", err
	}
	certificates, err := l.certificates()
	if err != nil {
		return "", err
	}
	text, err := manifests.ReadFile("manifests/flyball.yaml")
	if err != nil {
		return "", err
	}
	credentials, err := manifests.ReadFile("manifests/prometheus.yaml")
	if err != nil {
		return "", err
	}
	own := filepath.Join(whole, "lab")
	if err := os.Mkdir(own, 0o700); err != nil {
		return "", err
	}
	for name, content := range map[string][]byte{
		"prometheus.yaml":    []byte(strings.NewReplacer("${USERNAME}", prometheusUser, "${PASSWORD}", l.secret).Replace(string(credentials))),
		"certificates.yaml":  certificates,
		"kustomization.yaml": []byte(strings.NewReplacer("${CA}", l.caBundle(), "${VERSION}", cmp.Or(l.cfg.Version, "dev"), "${SCRAPE_INTERVAL}", l.cfg.ScrapeInterval.String()).Replace(string(text))),
	} {
		if err := os.WriteFile(filepath.Join(own, name), content, 0o600); err != nil {
			return "", err
		}
	}
	return own, nil
}

// certificates are those of Flyball's servers, as Secrets.
func (l *Lab) certificates() ([]byte, error) {
	var all []byte
	for _, c := range []config.CertificateSecret{config.ControllerSecret(config.Namespace), config.ScalerSecret(config.Namespace)} {
		issued, err := l.pki.ca.Issue(pkix.Name{CommonName: c.Name}, c.Hosts...)
		if err != nil {
			return nil, err
		}
		all = append(all, l.tlsSecret(c.Namespace, c.Name, issued)...)
	}
	return all, nil
}

// applyAll applies manifests side by side.
func (l *Lab) applyAll(ctx context.Context, manifests [][]string) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range manifests {
		group.Go(func() error {
			return l.kubectl(ctx, append([]string{"apply", "--server-side", "--force-conflicts", "--field-manager=flyball-lab"}, m...)...)
		})
	}
	return group.Wait()
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

// awaitKinds waits until discovery offers every custom resource, as kubectl needs it.
// 'kubectl wait' cannot: it fails where conditions are null, as they are in the first
// moments of a kind.
func (l *Lab) awaitKinds(ctx context.Context) error {
	kinds, err := l.kinds.ApiextensionsV1().CustomResourceDefinitions().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing kinds: %w", err)
	}
	var missing []string
	err = l.poll(ctx, func(ctx context.Context) bool {
		// What it does not offer is missed below, whatever the reason.
		_, offers, _ := l.client.Discovery().ServerGroupsAndResourcesWithContext(ctx)
		missing = missingKinds(kinds.Items, offers)
		return len(missing) == 0
	})
	if err != nil {
		return fmt.Errorf("waiting until the API server serves %s: %w", strings.Join(missing, ", "), err)
	}
	return nil
}

// missingKinds are the custom resources that discovery does not offer in a version that they have.
func missingKinds(kinds []apiextensionsv1.CustomResourceDefinition, offers []*metav1.APIResourceList) []string {
	offered := map[string]bool{}
	for _, o := range offers {
		for _, r := range o.APIResources {
			offered[o.GroupVersion+"/"+r.Name] = true
		}
	}
	var missing []string
	for _, kind := range kinds {
		for _, v := range kind.Spec.Versions {
			name := kind.Spec.Group + "/" + v.Name + "/" + kind.Spec.Names.Plural
			if v.Served && !offered[name] {
				missing = append(missing, name)
			}
		}
	}
	return missing
}

func (l *Lab) awaitDeployment(ctx context.Context, d deployment) error {
	err := l.poll(ctx, func(ctx context.Context) bool {
		got, err := l.client.AppsV1().Deployments(d.namespace).Get(ctx, d.name, metav1.GetOptions{})
		return err == nil && got.Status.ObservedGeneration >= got.Generation && got.Status.AvailableReplicas > 0
	})
	if err != nil {
		return fmt.Errorf("waiting for Deployment %s/%s: %w", d.namespace, d.name, err)
	}
	return nil
}

// poll asks until the answer is yes, a part of the lab has failed, or three minutes are over.
func (l *Lab) poll(ctx context.Context, ready func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !ready(ctx) {
		select {
		case err := <-l.failed:
			return err
		case <-ctx.Done():
			return hint.With(ctx.Err(), "see the logs in %s", l.path("logs"))
		case <-tick.C:
		}
	}
	return nil
}

const prometheusUser = "admin"

// platformManifest is the platform that the guide takes as given.
func (l *Lab) platformManifest() ([]byte, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(l.secret), bcrypt.MinCost)
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
		"${USERNAME}", prometheusUser, "${PASSWORD}", l.secret, "${PASSWORD_HASH}", string(hash),
		"${SCRAPE_INTERVAL}", l.cfg.ScrapeInterval.String(), "${RULES}", indent(string(rules)),
	).Replace(string(text))), nil
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ")
}
