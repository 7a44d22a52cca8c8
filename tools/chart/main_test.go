package main

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	valuesutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

var rewrite = flag.Bool("rewrite", false, "write the chart's template again")

const (
	config = "../../config/complete"
	chart  = "../../charts/flyball"
)

// render is what helm makes of a chart, by file.
func render(path, namespace string, values map[string]any) (map[string]string, error) {
	c, err := loader.Load(path)
	if err != nil {
		return nil, err
	}
	all, err := valuesutil.ToRenderValues(c, values, common.ReleaseOptions{Name: "flyball", Namespace: namespace}, nil)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// byName are the objects of YAML documents.
func byName(t *testing.T, text string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for doc := range strings.SplitSeq(text, "---\n") {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		if len(o) == 0 || o["kind"] == "Namespace" {
			continue
		}
		meta := o["metadata"].(map[string]any)
		all[o["kind"].(string)+" "+meta["name"].(string)] = o
	}
	return all
}

func TestTemplateIsWritten(t *testing.T) {
	if *rewrite {
		if err := rewriteTemplate(config, chart); err != nil {
			t.Fatal(err)
		}
	}
	want, err := write(config)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(chart, template))
	if err != nil || string(got) != want {
		t.Errorf("%s is not what config/complete says (make chart): %v", template, err)
	}
}

// What helm installs is what kustomize does, but for who manages it and the image.
func TestChartIsConfig(t *testing.T) {
	base, err := objects(config)
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := withOption(config)
	if err != nil {
		t.Fatal(err)
	}
	for value, text := range map[bool]string{false: base, true: overlay} {
		testChartIs(t, text, map[string]any{option: value})
	}
}

// testChartIs wants what kustomize makes from a chart with values.
func testChartIs(t *testing.T, text string, values map[string]any) {
	t.Helper()
	text = strings.NewReplacer("managed-by: kustomize", "managed-by: Helm", "image: flyball\n", "image: registry.example/flyball:v9\n").Replace(text)
	values["image"] = map[string]any{"repository": "registry.example/flyball", "tag": "v9"}
	got, err := render(chart, "flyball-system", values)
	if err != nil {
		t.Fatal(err)
	}
	want, have := byName(t, text), byName(t, got["flyball/"+template])
	if len(want) < 15 {
		t.Errorf("config/complete has %d objects, want them all", len(want))
	}
	for name, o := range want {
		if !reflect.DeepEqual(o, have[name]) {
			t.Errorf("%s: with %v helm has\n%v\nwant kustomize's\n%v", name, values, have[name], o)
		}
	}
	if len(have) != len(want) {
		t.Errorf("helm has %d objects, want kustomize's %d", len(have), len(want))
	}
}

func TestOtherNamespace(t *testing.T) {
	got, err := render(chart, "ops", nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got["flyball/"+template], "flyball-system") || !strings.Contains(got["flyball/templates/NOTES.txt"], "look for the controller in flyball-system") {
		t.Errorf("in another namespace: %s, want no other and a note", got["flyball/templates/NOTES.txt"])
	}
}

func TestSchema(t *testing.T) {
	for _, image := range []map[string]any{{"repository": ""}, {"repository": "a:b"}, {"tag": 7}, {"name": "x"}} {
		if _, err := render(chart, "ops", map[string]any{"image": image}); err == nil {
			t.Errorf("image %v: no error, want one", image)
		}
	}
	for _, values := range []map[string]any{{"images": "x"}, {option: "yes"}} {
		if _, err := render(chart, "ops", values); err == nil {
			t.Errorf("%v: no error, want one", values)
		}
	}
}

// The packed chart has its version, and the image's where none is given.
func TestPack(t *testing.T) {
	dist := t.TempDir()
	file, err := pack(chart, "v1.2.3", dist)
	if err != nil {
		t.Fatal(err)
	}
	got, err := render(file, "ops", nil)
	if err != nil || !strings.Contains(got["flyball/"+template], `image: "flyball:v1.2.3"`) {
		t.Errorf("packed: %v, want the image flyball:v1.2.3", err)
	}
	file, err = pack(chart, "8ebee50-dirty", dist) // between two releases
	if err != nil || filepath.Base(file) != "flyball-0.0.0-8ebee50-dirty.tgz" {
		t.Errorf("pack = %s, %v, want the commit in its name", file, err)
	}
}
