package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

const home = "https://github.com/flyball-dev/flyball"

// Under the name kubectl-flyball, which krew links it as, the program is kubectl's.
var krewManifest = template.Must(template.New("krew").Parse(`apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: flyball
spec:
  version: {{.Version}}
  homepage: {{.Home}}
  shortDescription: Explain and simulate how LLM services scale
  description: |
    Flyball scales the LLM inference services of KServe by KEDA and the HPA. This
    plugin says why a service has the replicas it has (status), what a cluster lacks
    (doctor), what will go wrong when a manifest scales (lint), and what it will do,
    in GPUs and latency, before it is applied (simulate).
  platforms:
{{- range .Archives}}
  - selector:
      matchLabels: {os: {{.OS}}, arch: {{.Arch}}}
    uri: {{$.Home}}/releases/download/{{$.Tag}}/{{.Name}}
    sha256: {{.Sum}}
    bin: flyball
{{- end}}
`))

// krew writes the manifest with which 'kubectl krew install' finds the archives of a
// version. A plugin's version is a number, which a commit between two releases is not.
func krew(dist, tag string, archives []archive) error {
	type row struct {
		archive
		Sum string
	}
	var rows []row
	for _, a := range archives {
		data, err := os.ReadFile(filepath.Join(dist, a.Name))
		if err != nil {
			return err
		}
		rows = append(rows, row{a, fmt.Sprintf("%x", sha256.Sum256(data))})
	}
	version := tag
	if !strings.HasPrefix(tag, "v") {
		version = "v0.0.0-" + tag
	}
	var b bytes.Buffer
	if err := krewManifest.Execute(&b, map[string]any{"Version": version, "Tag": tag, "Home": home, "Archives": rows}); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dist, "flyball-krew.yaml"), b.Bytes(), 0o644)
}
