package build

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// pins are the upstream versions that the lab's modules name.
type pins struct {
	kubernetes string // v1.36.3
	keda       string // v2.21.0
	kserve     string // v0.19.0
	prometheus string // v0.316.0, which is Prometheus 3.16.0
}

func readPins(root string) (pins, error) {
	var p pins
	for _, want := range []struct {
		version          *string
		module, required string
	}{
		{&p.kubernetes, "kube", "k8s.io/kubernetes"},
		{&p.keda, "keda", "github.com/kedacore/keda/v2"},
		{&p.kserve, "kserve", "github.com/kserve/kserve"},
		{&p.prometheus, "prometheus", "github.com/prometheus/prometheus"},
	} {
		file := filepath.Join(root, "lab", want.module, "go.mod")
		text, err := os.ReadFile(file)
		if err != nil {
			return pins{}, fmt.Errorf("reading pins: %w", err)
		}
		if *want.version = requiredVersion(string(text), want.required); *want.version == "" {
			return pins{}, fmt.Errorf("reading pins: %s requires no %s", file, want.required)
		}
	}
	return p, nil
}

// requiredVersion is the version at which a go.mod requires module, or "".
func requiredVersion(gomod, module string) string {
	line := regexp.MustCompile(`(?m)^(?:require)?\s+` + regexp.QuoteMeta(module) + ` (v\S+)`)
	if m := line.FindStringSubmatch(gomod); m != nil {
		return m[1]
	}
	return ""
}

// prometheusRelease turns the Go module's version into the release that it is:
// v0.316.0 is 3.16.0 (major and two-digit minor share the module's minor).
func prometheusRelease(module string) string {
	part := strings.SplitN(strings.TrimPrefix(module, "v0."), ".", 2)
	if len(part) != 2 || len(part[0]) < 3 {
		return module
	}
	cut := len(part[0]) - 2
	minor := strings.TrimPrefix(part[0][cut:], "0") // 05 is minor 5, 00 is minor 0
	return part[0][:cut] + "." + minor + "." + part[1]
}
