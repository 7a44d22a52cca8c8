package lint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/flyball-dev/flyball/internal/hint"
)

// An Object is one manifest. Of several in a list (kind List) each is its own.
type Object struct {
	File            string
	Line            int
	Kind            string
	Namespace, Name string
	root            field
	order           int // place among all that were read
}

// String is how the object is named in a finding.
func (o *Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

func (o *Object) get(keys ...string) field { return o.root.get(keys...) }

func (o *Object) annotation(name string) string {
	return o.get("metadata", "annotations", name).text()
}

// kinds are what rules look at, with the API group that makes the kind that one.
func kinds() map[string]string {
	return map[string]string{
		"InferenceService":        "serving.kserve.io",
		"ServingRuntime":          "serving.kserve.io",
		"ClusterServingRuntime":   "serving.kserve.io",
		"ScaledObject":            "keda.sh",
		"TriggerAuthentication":   "keda.sh",
		"HorizontalPodAutoscaler": "autoscaling",
		"Deployment":              "apps",
		"PrometheusRule":          "monitoring.coreos.com",
	}
}

// Read reads the manifests of one file, YAML or JSON, and leaves out the kinds
// that no rule looks at. The file's name is for findings and errors.
func Read(file string, text []byte) ([]*Object, error) {
	var all []*Object
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, explain(file, text, err)
		}
		if len(document.Content) > 0 {
			all = append(all, list(file, document.Content[0])...)
		}
	}
}

func explain(file string, text []byte, err error) error {
	err = fmt.Errorf("reading %s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	if bytes.Contains(text, []byte("{{")) {
		return hint.With(err, "it looks like a template; render it first: helm template … | flyball lint -f -")
	}
	return hint.With(err, "it must be YAML or JSON as kubectl takes it")
}

// list is what a document holds: one object, or the items of a List.
func list(file string, n *yaml.Node) []*Object {
	o := &Object{File: file, Line: n.Line}
	o.root = newField(o, n)
	if o.get("kind").text() != "List" {
		return slices.DeleteFunc([]*Object{object(file, n)}, isNil)
	}
	var all []*Object
	for _, item := range o.get("items").items() {
		if item.ok() {
			all = append(all, object(file, item.node))
		}
	}
	return slices.DeleteFunc(all, isNil)
}

func isNil(o *Object) bool { return o == nil }

// object is nil if no rule looks at the kind.
func object(file string, n *yaml.Node) *Object {
	o := &Object{File: file, Line: n.Line}
	o.root = newField(o, n)
	o.Kind = o.get("kind").text()
	group, _, _ := strings.Cut(o.get("apiVersion").text(), "/")
	if want, ok := kinds()[o.Kind]; !ok || group != want {
		return nil
	}
	o.Namespace = o.get("metadata", "namespace").text()
	o.Name = o.get("metadata", "name").textOr(o.get("metadata", "generateName").text())
	return o
}

// manifests are all that is looked at together.
type manifests struct {
	Options
	objects []*Object
	scalers []*scaler
}

func newManifests(objects []*Object, o Options) *manifests {
	m := &manifests{Options: o, objects: objects}
	for i, o := range objects {
		o.order = i
	}
	for _, o := range objects {
		m.scalers = append(m.scalers, m.scalersOf(o)...)
	}
	return m
}

func (m *manifests) of(kind string) []*Object {
	var all []*Object
	for _, o := range m.objects {
		if o.Kind == kind {
			all = append(all, o)
		}
	}
	return all
}

// find is the last object of the name: what an apply of all files leaves. An object
// without a namespace may be in any.
func (m *manifests) find(kind, namespace, name string) *Object {
	for _, o := range slices.Backward(m.objects) {
		if o.Kind == kind && o.Name == name && sameNamespace(o.Namespace, namespace) {
			return o
		}
	}
	return nil
}

func sameNamespace(a, b string) bool { return a == "" || b == "" || a == b }

// next is the next document that describes the same object, nil if o is the last.
func (m *manifests) next(o *Object) *Object {
	for _, other := range m.objects[o.order+1:] {
		if other.Kind == o.Kind && other.Name == o.Name && other.Namespace == o.Namespace {
			return other
		}
	}
	return nil
}
