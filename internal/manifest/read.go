package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/flyball-dev/flyball/internal/hint"
)

// A File is text of one or more documents, YAML or JSON. The name is for errors.
type File struct {
	Name string
	Text []byte
}

// A Document is one object of a manifest.
type Document struct {
	File                                  string
	Group, Version, Kind, Namespace, Name string
	node                                  *yaml.Node
}

// String names the object as errors do.
func (d *Document) String() string {
	if d.Namespace == "" {
		return d.Kind + " " + d.Name
	}
	return d.Kind + " " + d.Namespace + "/" + d.Name
}

// Fault is an error about a field: where, what, and the mend as its hint.
func (d *Document) Fault(path, mend, what string, args ...any) error {
	at := path
	if at != "" {
		at += ": "
	}
	return hint.With(fmt.Errorf("%s:%d: %s: %s%s", d.File, d.Line(path), d, at, fmt.Sprintf(what, args...)), "%s", mend)
}

// Line is where a path such as a.b[0].c or metadata.annotations[x/y.z] is, or the
// nearest that there is above it.
func (d *Document) Line(path string) int {
	n, line := unalias(d.node), d.node.Line
	for path != "" && n != nil {
		var key string
		if rest, ok := strings.CutPrefix(path, "["); ok {
			key, path, _ = strings.Cut(rest, "]")
		} else {
			end := cmp.Or(strings.IndexAny(path, ".[")+1, len(path)+1) - 1
			key, path = path[:end], path[end:]
		}
		path = strings.TrimPrefix(path, ".")
		k, v := below(n, key)
		if v == nil {
			return line
		}
		n, line = v, k.Line
	}
	return line
}

// below is the value of a mapping's key or of a list's place, and the node whose line
// stands for it.
func below(n *yaml.Node, key string) (at, value *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i], unalias(n.Content[i+1])
			}
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			if fmt.Sprint(i) == key {
				return c, unalias(c)
			}
		}
	default: // nothing is below a scalar
	}
	return nil, nil
}

func unalias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// Read gives the objects of a manifest, those of a List one by one.
func Read(m File) ([]*Document, error) {
	var all []*Document
	decoder := yaml.NewDecoder(bytes.NewReader(m.Text))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, explainYAML(m, err)
		case len(n.Content) == 0 || n.Content[0].Tag == "!!null":
			continue
		}
		var whole any
		if err := n.Decode(&whole); err != nil { // a key that is given twice, an alias of itself
			return nil, explainYAML(m, err)
		}
		some, err := objectsIn(m.Name, n.Content[0])
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
}

func explainYAML(m File, err error) error {
	err = fmt.Errorf("reading %s: %s", m.Name, strings.TrimPrefix(err.Error(), "yaml: "))
	if bytes.Contains(m.Text, []byte("{{")) {
		return hint.With(err, "it looks like a template; render it first: helm template … | flyball simulate -f -")
	}
	return hint.With(err, "it must be YAML or JSON as kubectl takes it")
}

func objectsIn(file string, n *yaml.Node) ([]*Document, error) {
	d := &Document{File: file, node: unalias(n)}
	d.Kind, d.Namespace, d.Name = d.scalar("kind"), d.scalar("metadata", "namespace"), d.scalar("metadata", "name")
	apiVersion := d.scalar("apiVersion")
	if before, after, ok := strings.Cut(apiVersion, "/"); ok {
		d.Group, d.Version = before, after
	} else {
		d.Version = apiVersion
	}
	if d.Kind == "List" && d.Group == "" {
		return itemsOf(file, d)
	}
	switch {
	case d.Kind == "" || apiVersion == "":
		return nil, d.Fault("", "it must be an object as kubectl takes it", "no apiVersion or no kind")
	case d.Name == "":
		return nil, d.Fault("metadata.name", "give it a name; generateName does for none that is scaled", "it is missing")
	case d.Namespace == "" && !clusterWide(d.Kind):
		d.Namespace = "default"
	}
	return []*Document{d}, nil
}

// scalar is the text at the end of some keys.
func (d *Document) scalar(keys ...string) string {
	at := d.node
	for _, k := range keys {
		if _, at = below(at, k); at == nil {
			return ""
		}
	}
	if at.Kind != yaml.ScalarNode || at.Tag == "!!null" {
		return ""
	}
	return at.Value
}

func itemsOf(file string, list *Document) ([]*Document, error) {
	_, items := below(list.node, "items")
	if items == nil {
		return nil, nil
	}
	var all []*Document
	for _, item := range items.Content {
		some, err := objectsIn(file, item)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func clusterWide(kind string) bool {
	return strings.HasPrefix(kind, "Cluster") || slices.Contains([]string{
		"Namespace", "PersistentVolume", "StorageClass", "PriorityClass", "CustomResourceDefinition", "GatewayClass",
	}, kind)
}

// Decode reads a document into a struct that has every field that it may have.
func Decode[T any](d *Document) (*T, error) {
	into := new(T)
	if err := d.check(into); err != nil {
		return nil, err
	}
	return into, d.Into(into)
}

// Into reads what of a document the struct has.
func (d *Document) Into(to any) error {
	var whole any
	if err := d.node.Decode(&whole); err != nil {
		return d.Fault("", "it must be YAML or JSON as kubectl takes it", "%v", err)
	}
	text, err := json.Marshal(whole)
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		return d.Fault("", "correct the value; kubectl explain shows what it may be", "%v", err)
	}
	return nil
}
