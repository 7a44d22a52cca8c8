// Command crd writes the custom resource and the deep copies of api/, with controller-gen as
// this module pins it, and makes the resource's descriptions read as kubectl explain shows
// them: controller-gen keeps the line ends of Go's comments.
//
//	crd -root .
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("crd: ")
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := generate(context.Background(), *root, "config/crd", "api/v1alpha1"); err != nil {
		log.Fatal(err)
	}
}

// generate writes the custom resource to one folder and the deep copies to another, both
// relative to the repository unless they are absolute.
func generate(ctx context.Context, root, crds, copies string) error {
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile=tools/crd/go.mod", "controller-gen", "object", "crd:allowDangerousTypes=true",
		"paths=./api/...", "output:crd:dir="+crds, "output:object:dir="+copies)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running controller-gen: %w, %s", err, text)
	}
	if !filepath.IsAbs(crds) {
		crds = filepath.Join(root, crds)
	}
	path := filepath.Join(crds, "flyball.dev_inferenceautoscalers.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if text, err = joined(text); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return os.WriteFile(path, text, 0o644)
}

// joined is a custom resource with each paragraph of its descriptions on one line.
func joined(text []byte) ([]byte, error) {
	var crd map[string]any
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return nil, err
	}
	describe(crd)
	text, err := yaml.Marshal(crd)
	return append([]byte("---\n"), text...), err
}

func describe(node any) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if text, ok := value.(string); ok && key == "description" {
				node[key] = paragraphs(text)
			}
			describe(value)
		}
	case []any:
		for _, value := range node {
			describe(value)
		}
	}
}

// apart is a line that is not joined with the one before it: an item of a list, or indented.
var apart = regexp.MustCompile(`^([-*] |[0-9]+[.)] |[ \t])`)

// paragraphs joins the lines of each paragraph, and keeps what lies between them.
func paragraphs(text string) string {
	var out strings.Builder
	before := ""
	for i, line := range strings.Split(text, "\n") {
		switch {
		case i == 0:
		case line == "" || before == "" || apart.MatchString(line):
			out.WriteByte('\n')
		default:
			out.WriteByte(' ')
		}
		out.WriteString(line)
		before = line
	}
	return out.String()
}
