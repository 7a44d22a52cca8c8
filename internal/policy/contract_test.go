package policy

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// Each field that Flyball reads of a custom resource, or applies, is in the schema that
// its maker ships (INV-2 of internal/kserve).
func TestFieldsAreOfTheSchemas(t *testing.T) {
	schemas := manifest.NewSchemas()
	for _, kind := range []struct {
		apiVersion, kind string
		of               reflect.Type
	}{
		{"serving.kserve.io/v1beta1", "InferenceService", reflect.TypeFor[kserve.InferenceService]()},
		{"serving.kserve.io/v1alpha1", "ServingRuntime", reflect.TypeFor[kserve.ServingRuntime]()},
		{"serving.kserve.io/v1alpha1", "ClusterServingRuntime", reflect.TypeFor[kserve.ServingRuntime]()},
		{"keda.sh/v1alpha1", "ScaledObject", reflect.TypeFor[kserve.ScaledObject]()},
	} {
		paths := fieldPaths(kind.of, nil)
		if len(paths) < 5 {
			t.Fatalf("%s: %d fields", kind.kind, len(paths))
		}
		for _, path := range paths {
			var value any
			for _, step := range slices.Backward(path) {
				if step == "[]" {
					value = []any{value}
				} else {
					value = map[string]any{step: value}
				}
			}
			object, _ := value.(map[string]any)
			object["apiVersion"], object["kind"] = kind.apiVersion, kind.kind
			text, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			docs, err := manifest.Read(manifest.File{Name: "f", Text: text})
			if err != nil {
				t.Fatal(err)
			}
			if unknown, _ := schemas.Check(docs[0]); len(unknown) > 0 {
				t.Errorf("%s: %v", kind.kind, unknown[0])
			}
		}
	}
}

// fieldPaths are the leaves of Flyball's own types: where Kubernetes' begin they end.
func fieldPaths(t reflect.Type, at []string) [][]string {
	switch {
	case t.Kind() == reflect.Pointer:
		return fieldPaths(t.Elem(), at)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return fieldPaths(t.Elem(), append(at, "[]"))
	case t.Kind() != reflect.Struct, strings.Contains(t.PkgPath(), "k8s.io"):
		return [][]string{at}
	}
	var all [][]string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inline := f.Anonymous && name == ""
		switch {
		case name == "metadata", inline && strings.Contains(f.Type.PkgPath(), "k8s.io"):
		case inline:
			all = append(all, fieldPaths(f.Type, at)...)
		default:
			all = append(all, fieldPaths(f.Type, append(slices.Clone(at), name))...)
		}
	}
	return all
}
