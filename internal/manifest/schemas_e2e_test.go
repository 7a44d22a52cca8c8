//go:build e2e

package manifest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/manifest"
)

var rewrite = flag.Bool("rewrite", false, "write schemas/ anew")

// A crd is a custom resource, and the file of it in a module that the lab pins.
type crd struct{ lab, module, file string }

func crds() []crd {
	const kserve, keda = "github.com/kserve/kserve", "github.com/kedacore/keda/v2"
	return []crd{
		{"kserve", kserve, "config/crd/full/serving.kserve.io_inferenceservices.yaml"},
		{"kserve", kserve, "config/crd/full/serving.kserve.io_servingruntimes.yaml"},
		{"kserve", kserve, "config/crd/full/serving.kserve.io_clusterservingruntimes.yaml"},
		{"keda", keda, "config/crd/bases/keda.sh_scaledobjects.yaml"},
		{"keda", keda, "config/crd/bases/keda.sh_triggerauthentications.yaml"},
		{"keda", keda, "config/crd/bases/keda.sh_clustertriggerauthentications.yaml"},
	}
}

// TestShippedSchemas compares schemas/ with what the pinned modules ship; -rewrite (make
// schemas) writes it.
func TestShippedSchemas(t *testing.T) {
	for _, c := range crds() {
		list := exec.Command("go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", c.module)
		list.Dir = filepath.Join("..", "..", "lab", c.lab)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("finding %s: %v", c.module, err)
		}
		dir, version, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
		text, err := os.ReadFile(filepath.Join(dir, c.file))
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(text, &definition); err != nil {
			t.Fatal(err)
		}
		for _, v := range definition.Spec.Versions {
			name := fmt.Sprintf("schemas/%s_%s_%s.json.gz", definition.Spec.Group, v.Name, definition.Spec.Names.Kind)
			want := manifest.Shipped{Source: c.module + " " + version, Schema: bare(v.Schema.OpenAPIV3Schema)}
			for _, path := range refused() {
				open(want.Schema, strings.Split(path, ".")...)
			}
			if *rewrite {
				if err := os.WriteFile(name, pack(t, want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			compressed, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := manifest.Unpack(compressed)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v, -want +got (make schemas writes it)\n%s", name, err, diff)
			}
		}
	}
}

// refused are parts that are refused whole where they stand: five sixths of the schemas are
// theirs, so that what is in them is not kept.
func refused() []string {
	all := []string{"spec.explainer", "spec.transformer", "spec.predictor.workerSpec", "spec.workerSpec"}
	for _, old := range []string{"huggingface", "lightgbm", "onnx", "paddle", "pmml", "pytorch", "sklearn", "tensorflow", "triton", "xgboost"} {
		all = append(all, "spec.predictor."+old)
	}
	return all
}

// open lets a part have any fields.
func open(s *apiextensionsv1.JSONSchemaProps, path ...string) {
	below, ok := s.Properties[path[0]]
	switch {
	case !ok:
		return
	case len(path) == 1:
		below = apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: new(true)}
	default:
		open(&below, path[1:]...)
	}
	s.Properties[path[0]] = below
}

// bare leaves out what is for readers.
func bare(s *apiextensionsv1.JSONSchemaProps) *apiextensionsv1.JSONSchemaProps {
	if s == nil {
		return nil
	}
	s.Description = ""
	for name, p := range s.Properties {
		s.Properties[name] = *bare(&p)
	}
	if s.Items != nil {
		s.Items.Schema = bare(s.Items.Schema)
	}
	if s.AdditionalProperties != nil {
		s.AdditionalProperties.Schema = bare(s.AdditionalProperties.Schema)
	}
	for _, list := range [][]apiextensionsv1.JSONSchemaProps{s.AnyOf, s.AllOf, s.OneOf} {
		for i := range list {
			list[i] = *bare(&list[i])
		}
	}
	return s
}

func pack(t *testing.T, file manifest.Shipped) []byte {
	t.Helper()
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
