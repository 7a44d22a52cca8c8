//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// A runtime is a ClusterServingRuntime as it is read and written again.
type runtime struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       map[string]any `json:"spec"`
}

// runtimes are those that are made of the shipped one, as one manifest.
func runtimes() (string, error) {
	all := ""
	for name, change := range map[string]func(container map[string]any, args []any){
		plain: func(map[string]any, []any) {},
		// KServe then asks whether the port accepts connections.
		hung:  func(c map[string]any, _ []any) { delete(c, "readinessProbe") },
		crash: func(c map[string]any, args []any) { c["args"] = append(args, "--max-num-seqs=none") },
	} {
		text, err := undrained(name, change)
		if err != nil {
			return "", err
		}
		all += text + "---\n"
	}
	return all, nil
}

// undrained is the shipped runtime without its preStop hook and --shutdown-timeout, changed.
func undrained(name string, change func(container map[string]any, args []any)) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "examples", "lossless", "runtime.yaml"))
	if err != nil {
		return "", err
	}
	var o runtime
	if err := yaml.UnmarshalStrict(text, &o); err != nil {
		return "", fmt.Errorf("reading the shipped runtime: %w", err)
	}
	o.Metadata["name"] = name
	containers, _ := o.Spec["containers"].([]any)
	left := 0
	for _, c := range containers {
		c, _ := c.(map[string]any)
		args, _ := c["args"].([]any)
		kept := slices.DeleteFunc(slices.Clone(args), func(a any) bool { return strings.HasPrefix(fmt.Sprint(a), "--shutdown-timeout") })
		if c["lifecycle"] != nil && len(kept) < len(args) {
			left++
		}
		c["args"] = kept
		delete(c, "lifecycle")
		change(c, kept)
	}
	if left == 0 {
		return "", errors.New("the shipped runtime has no container with a preStop hook and --shutdown-timeout")
	}
	out, err := yaml.Marshal(o)
	return string(out), err
}
