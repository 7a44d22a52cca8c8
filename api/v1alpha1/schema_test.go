package v1alpha1

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/config"
)

// customResource is the one that is installed.
func customResource(t *testing.T) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	text, err := config.Files.ReadFile("crd/flyball.dev_inferenceautoscalers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, crd); err != nil {
		t.Fatal(err)
	}
	return crd
}

// INV-1. That it is what controller-gen makes of them is tools/crd's test.
func TestFields(t *testing.T) {
	crd := customResource(t)
	if crd.Spec.Group != Kind.Group || crd.Spec.Names.Kind != Kind.Kind || len(crd.Spec.Versions) != 1 || crd.Spec.Versions[0].Name != Kind.Version {
		t.Fatalf("the custom resource is %s %s, want %v", crd.Spec.Group, crd.Spec.Names.Kind, Kind)
	}
	properties := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties
	for name, of := range map[string]reflect.Type{"spec": reflect.TypeFor[Spec](), "status": reflect.TypeFor[Status]()} {
		described(t, name, of, properties[name])
	}
}

// described compares a type with its schema, and all below it.
func described(t *testing.T, path string, of reflect.Type, schema apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	if schema.Description == "" {
		t.Errorf("%s is not described", path)
	}
	switch of.Kind() {
	case reflect.Pointer:
		described(t, path, of.Elem(), schema)
	case reflect.Slice:
		described(t, path+"[]", of.Elem(), *schema.Items.Schema)
	case reflect.Struct:
		if of == reflect.TypeFor[metav1.Condition]() || of == reflect.TypeFor[metav1.Time]() { // whose fields are not ours
			return
		}
		var fields []string
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, name)
			described(t, path+"."+name, field.Type, schema.Properties[name])
		}
		slices.Sort(fields)
		if diff := cmp.Diff(fields, slices.Sorted(maps.Keys(schema.Properties))); diff != "" {
			t.Errorf("%s: -type +custom resource\n%s", path, diff)
		}
	default:
	}
}
