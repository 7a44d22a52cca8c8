package manifest

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/config"
)

// The schemas of the custom resources in use, as KServe and KEDA ship them, without
// descriptions and without the fields of parts that are refused whole (a transformer, the
// old forms of a model): GROUP_VERSION_KIND.json.gz, written by make schemas from the
// modules that the lab pins. A test compares them.
//
//go:embed schemas
var shipped embed.FS

// A Shipped is one of these files, with the module that it is of.
type Shipped struct {
	Source string                           `json:"source"` // module and version
	Schema *apiextensionsv1.JSONSchemaProps `json:"schema"`
}

// Schemas knows the custom resources that are shipped. It reads each when it is first
// asked for; it is for one goroutine.
type Schemas struct{ known map[string]*shape }

// A shape is a schema in the two forms that its checks need.
type shape struct {
	structural *schema.Structural
	openapi    *spec.Schema
}

// NewSchemas knows all that are shipped, by KServe, by KEDA and with Flyball.
func NewSchemas() *Schemas { return &Schemas{map[string]*shape{}} }

// fileOf is the file of a kind.
func fileOf(group, version, kind string) string {
	return fmt.Sprintf("schemas/%s_%s_%s.json.gz", group, version, kind)
}

// of is the schema of a document's kind, nil if there is none.
func (s *Schemas) of(d *Document) (*shape, error) {
	name := fileOf(d.Group, d.Version, d.Kind)
	if known, ok := s.known[name]; ok {
		return known, nil
	}
	if strings.ContainsAny(d.Kind+d.Version+d.Group, "/\\") {
		return nil, nil
	}
	props, err := props(d, name)
	if errors.Is(err, fs.ErrNotExist) {
		s.known[name] = nil
		return nil, nil
	}
	var structural *schema.Structural
	if err == nil {
		structural, err = structuralOf(props)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	s.known[name] = &shape{structural, structural.ToKubeOpenAPI()}
	return s.known[name], nil
}

// Structural is the schema of a document's kind, nil if there is none.
func (s *Schemas) Structural(d *Document) *schema.Structural {
	known, err := s.of(d)
	if err != nil || known == nil {
		return nil // a test reads each file
	}
	return known.structural
}

// props is the schema of a file of schemas/, or of Flyball's own custom resource.
func props(d *Document, name string) (*apiextensionsv1.JSONSchemaProps, error) {
	compressed, err := shipped.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return own(d)
	case err != nil:
		return nil, err
	}
	file, err := Unpack(compressed)
	return file.Schema, err
}

func own(d *Document) (*apiextensionsv1.JSONSchemaProps, error) {
	text, err := config.Files.ReadFile("crd/" + d.Group + "_" + strings.ToLower(d.Kind) + "s.yaml")
	if err != nil {
		return nil, err
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return nil, err
	}
	for _, v := range crd.Spec.Versions {
		if v.Name == d.Version {
			return v.Schema.OpenAPIV3Schema, nil
		}
	}
	return nil, fs.ErrNotExist
}

func structuralOf(props *apiextensionsv1.JSONSchemaProps) (*schema.Structural, error) {
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, internal, nil); err != nil {
		return nil, err
	}
	return schema.NewStructural(internal)
}

// Unpack reads a file of schemas/.
func Unpack(compressed []byte) (Shipped, error) {
	var file Shipped
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return file, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return file, err
	}
	return file, json.Unmarshal(text, &file)
}
