package build

import (
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// An artifact is one file under bin/lab: a program built from pkg, or, when pkg
// is empty, the config/default that a module ships, rendered by kubectl.
type artifact struct {
	path   string // below bin/lab
	module string // folder below lab/ whose go.mod pins it
	about  time.Duration

	pkg     string
	tags    string
	ldflags string

	ships string // module path whose manifests these are
	image string // tag of its images, which the source has as "main" or "latest"
}

func (a artifact) name() string { return filepath.Base(a.path) }

// args are what go (a program) or kubectl (a manifest, moduleDir known) is called
// with; they are part of the stamp.
func (a artifact) args(out, moduleDir string) []string {
	if a.pkg == "" {
		return []string{"kustomize", filepath.Join(moduleDir, "config", "default")}
	}
	args := []string{"build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", a.ldflags}
	if a.tags != "" {
		args = append(args, "-tags", a.tags)
	}
	return append(args, "-o", out, a.pkg)
}

const kubectl = "kubectl"

// artifacts lists everything in the order in which it is built. The times are a
// clean build's on 2 cores with an empty build cache and warm module cache; later programs
// share what earlier ones compiled.
func artifacts(p pins) []artifact {
	k8s, keda := kubernetesFlags(p.kubernetes), kedaFlags(p.keda)
	prom := ldflags(xValue("github.com/prometheus/common/version.Version", prometheusRelease(p.prometheus)))
	// Only Kubernetes discovery: the other ones double the build.
	const promTags = "remove_all_sd,enable_kubernetes_sd"
	kubernetes := func(name string, about time.Duration) artifact {
		return artifact{path: name, module: "kube", about: about, pkg: "k8s.io/kubernetes/cmd/" + name, ldflags: k8s}
	}
	kedas := func(name, command string, about time.Duration) artifact {
		return artifact{path: name, module: "keda", about: about, pkg: "github.com/kedacore/keda/v2/cmd/" + command, ldflags: keda}
	}
	return []artifact{
		{path: "etcd", module: "etcd", about: 2 * time.Minute, pkg: ".", ldflags: ldflags()},
		kubernetes("kube-apiserver", 7*time.Minute),
		kubernetes("kube-controller-manager", 2*time.Minute),
		kubernetes("kube-scheduler", 30*time.Second),
		kubernetes(kubectl, time.Minute),
		kedas("keda-operator", "operator", 9*time.Minute),
		kedas("keda-adapter", "adapter", 30*time.Second),
		kedas("keda-webhooks", "webhooks", 10*time.Second),
		{path: "kserve-manager", module: "kserve", about: 5 * time.Minute,
			pkg: "github.com/kserve/kserve/cmd/manager", ldflags: ldflags()},
		{path: "prometheus", module: "prometheus", about: 4 * time.Minute,
			pkg: "github.com/prometheus/prometheus/cmd/prometheus", tags: promTags, ldflags: prom},
		{path: "promtool", module: "prometheus", about: 30 * time.Second,
			pkg: "github.com/prometheus/prometheus/cmd/promtool", tags: promTags, ldflags: prom},
		{path: "manifests/keda.yaml", module: "keda", about: 5 * time.Second, ships: "github.com/kedacore/keda/v2",
			image: strings.TrimPrefix(p.keda, "v")},
		{path: "manifests/kserve.yaml", module: "kserve", about: 5 * time.Second, ships: "github.com/kserve/kserve",
			image: p.kserve},
	}
}

// kubernetesFlags stamp the pin into Kubernetes and into the client-go that names
// it; unstamped, kubectl version and KEDA's version check print a parse error.
// The commit is emptied: the module does not carry it.
func kubernetesFlags(version string) string {
	part := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	const component = "k8s.io/component-base/version."
	const client = "k8s.io/client-go/pkg/version."
	flags := []string{
		xValue(component+"gitVersion", version), xValue(component+"gitCommit", ""), xValue(component+"gitTreeState", "clean"),
		xValue(client+"gitVersion", version), xValue(client+"gitCommit", ""),
	}
	if len(part) == 3 {
		flags = append(flags, xValue(component+"gitMajor", part[0]), xValue(component+"gitMinor", part[1]))
	}
	return ldflags(flags...)
}

func kedaFlags(version string) string {
	return ldflags(xValue("github.com/kedacore/keda/v2/version.Version", strings.TrimPrefix(version, "v")))
}

// tagged gives the images of a rendered manifest the pinned version, as the
// upstream projects do when they release.
func (a artifact) tagged(manifest []byte) []byte {
	return regexp.MustCompile(`(?m)^(\s*(?:- )?image: \S+):(?:main|latest)$`).ReplaceAll(manifest, []byte("${1}:"+a.image))
}

// ldflags drops the symbol table and DWARF, which more than halves link time and
// size of programs that nobody debugs here.
func ldflags(more ...string) string {
	return strings.Join(append([]string{"-s -w"}, more...), " ")
}

func xValue(variable, value string) string { return "-X " + variable + "=" + value }
