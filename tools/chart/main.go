// Command chart writes the template of Flyball's Helm chart from config/complete, and from the
// component of config/ that a value adds to it, packs the chart, and pushes it to a registry with
// the credentials of helm or docker login.
//
//	chart -config config/complete -chart charts/flyball
//	chart -chart charts/flyball -version v1.2.3 -pack dist
//	chart -chart charts/flyball -version v1.2.3 -push oci://REGISTRY/charts
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/chart/v2/util"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// The template's place in the chart.
const template = "templates/flyball.yaml"

func main() {
	log.SetFlags(0)
	log.SetPrefix("chart: ")
	config := flag.String("config", "", "kustomization to write the template from")
	chart := flag.String("chart", "", "the chart's folder")
	version := flag.String("version", "", "version to pack it as")
	dist := flag.String("pack", "", "folder to pack it into")
	to := flag.String("push", "", "registry and folder to push it to, as oci://REGISTRY/charts")
	flag.Parse()
	var err error
	switch {
	case *chart == "" || *config == "" && *dist == "" && *to == "":
		err = errors.New("give -chart and one of -config, -pack and -push")
	case *to != "":
		err = send(*chart, *version, *to)
	case *dist != "":
		_, err = pack(*chart, *version, *dist)
	default:
		err = rewriteTemplate(*config, *chart)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func rewriteTemplate(config, chart string) error {
	text, err := write(config)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(chart, template), []byte(text), 0o644)
}

// objects are those of a kustomization, as YAML documents.
func objects(config string) (string, error) {
	all, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), config)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", config, err)
	}
	text, err := all.AsYaml()
	return string(text), err
}

// replaced are the words of config/complete that the chart leaves to who installs it. Each
// must be there, so that a change of config/ is not lost silently.
var replaced = [][2]string{
	{"namespace: flyball-system\n", "namespace: {{ .Release.Namespace }}\n"},
	{"app.kubernetes.io/managed-by: kustomize\n", "app.kubernetes.io/managed-by: {{ .Release.Service }}\n"},
	{"image: flyball\n", `image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"` + "\n"},
}

// option is the component beside the kustomization that is added by the value of its name.
const option = "native"

// withOption are the objects of a kustomization with that component: a user's overlay.
func withOption(config string) (string, error) {
	folder, err := os.MkdirTemp("", "chart-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	resource, err := filepath.Abs(config)
	if err == nil {
		folder, err = filepath.EvalSymlinks(folder)
	}
	if err == nil {
		resource, err = filepath.Rel(folder, resource)
	}
	if err != nil {
		return "", err
	}
	text := "resources: [" + resource + "]\ncomponents: [" + filepath.Join(filepath.Dir(resource), option) + "]\n"
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		return "", err
	}
	return objects(folder)
}

// added are the objects that the component adds. It changes none of the others, or a chart
// could not have it behind a value.
func added(config, base string) (string, error) {
	all, err := withOption(config)
	if err != nil {
		return "", err
	}
	known := strings.Split(base, "---\n")
	var b strings.Builder
	n := 0
	for doc := range strings.SplitSeq(all, "---\n") {
		if slices.Contains(known, doc) {
			n++
			continue
		}
		b.WriteString("---\n" + doc)
	}
	if n != len(known) {
		return "", fmt.Errorf("the component %s changes objects of %s: %d of %d are as they were", option, config, n, len(known))
	}
	return b.String(), nil
}

// write is the template: the objects of a kustomization but its Namespace, which a chart
// leaves to helm.
func write(config string) (string, error) {
	text, err := objects(config)
	if err != nil {
		return "", err
	}
	more, err := added(config, text)
	if err != nil {
		return "", err
	}
	if strings.Contains(text+more, "{{") {
		return "", fmt.Errorf("%s has {{, which Helm would read", config)
	}
	var b strings.Builder
	b.WriteString("{{- /* Written from config/complete and config/" + option + " by make chart; a test compares. Do not edit. */ -}}\n")
	for doc := range strings.SplitSeq(text, "---\n") {
		if strings.Contains(doc, "\nkind: Namespace\n") {
			continue
		}
		b.WriteString("---\n" + doc)
	}
	b.WriteString("{{- if .Values." + option + " }}\n" + more + "{{- end }}\n")
	out := b.String()
	for _, r := range replaced {
		if !strings.Contains(out, r[0]) {
			return "", fmt.Errorf("%s has no %q", config, r[0])
		}
		out = strings.ReplaceAll(out, r[0], r[1])
	}
	if i := strings.Index(out, "flyball-system"); i >= 0 {
		return "", fmt.Errorf("%s names the namespace where the chart does not replace it: %q", config, out[max(0, i-80):i+14])
	}
	return out, nil
}

// number is a chart's version, which has to be a number; a commit between two releases is none.
func number(version string) string {
	if n, ok := strings.CutPrefix(version, "v"); ok {
		return n
	}
	return "0.0.0-" + version
}

// pack writes NAME-VERSION.tgz, and returns its path.
func pack(chart, version, dist string) (string, error) {
	c, err := loader.LoadDir(chart)
	if err != nil {
		return "", err
	}
	c.Metadata.Version, c.Metadata.AppVersion = number(version), version
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return "", err
	}
	return util.Save(c, dist)
}
