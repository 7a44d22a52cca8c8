package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// INV-3: the checkout's own modules name every pin, and each program that is
// built is a tool of its module, so that go.sum covers it.
func TestThePinsOfThisCheckout(t *testing.T) {
	root, err := FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	p, err := readPins(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range artifacts(p) {
		text, err := os.ReadFile(filepath.Join(root, "lab", a.module, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		if a.pkg != "" && a.pkg != "." && !strings.Contains(string(text), a.pkg+"\n") {
			t.Errorf("lab/%s/go.mod has no tool line for %s", a.module, a.pkg)
		}
		if a.ships != "" && requiredVersion(string(text), a.ships) == "" {
			t.Errorf("lab/%s/go.mod requires no %s", a.module, a.ships)
		}
	}
}

func TestStampedVersions(t *testing.T) {
	for _, a := range artifacts(pins{kubernetes: "v1.36.3", keda: "v2.21.0", prometheus: "v0.316.0"}) {
		want := map[string]string{
			"kube-apiserver": "k8s.io/component-base/version.gitVersion=v1.36.3",
			"kubectl":        "k8s.io/component-base/version.gitMinor=36",
			"keda-adapter":   "github.com/kedacore/keda/v2/version.Version=2.21.0",
			"promtool":       "github.com/prometheus/common/version.Version=3.16.0",
		}[a.name()]
		if !strings.Contains(a.ldflags, want) {
			t.Errorf("%s is stamped with %q, want %q", a.name(), a.ldflags, want)
		}
	}
}

func TestPrometheusRelease(t *testing.T) {
	for module, want := range map[string]string{
		"v0.316.0": "3.16.0", "v0.305.1": "3.5.1", "v0.300.0": "3.0.0", "v0.55.1": "v0.55.1",
	} {
		if got := prometheusRelease(module); got != want {
			t.Errorf("prometheusRelease(%q) = %q, want %q", module, got, want)
		}
	}
}

func TestRequiredVersion(t *testing.T) {
	const gomod = "require example.com/one v1.2.3\n\nrequire (\n\texample.com/two v0.1.0 // indirect\n)\n\nreplace example.com/three => example.com/three v9.0.0\n"
	for module, want := range map[string]string{
		"example.com/one": "v1.2.3", "example.com/two": "v0.1.0", "example.com/three": "", "example.com": "",
	} {
		if got := requiredVersion(gomod, module); got != want {
			t.Errorf("requiredVersion(%q) = %q, want %q", module, got, want)
		}
	}
}
