package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/flyball-dev/flyball/internal/hint"
)

// A File is text of one or more documents, YAML or JSON. The name is for errors.
type File struct {
	Name string
	Text []byte
}

// Read gives the documents of a file, those of a List one by one, empty ones left out.
// An error is what kubectl could not read either.
func Read(f File) ([]*Document, error) {
	var all []*Document
	decoder := yaml.NewDecoder(bytes.NewReader(f.Text))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, unreadable(f, err)
		case len(n.Content) == 0 || n.Content[0].Tag == "!!null":
			continue
		}
		var whole any
		if err := n.Decode(&whole); err != nil { // a key that is given twice, an alias of itself or of too much
			return nil, unreadable(f, err)
		}
		all = append(all, documentsIn(f.Name, n.Content[0], n.Content[0].Line)...)
	}
}

func unreadable(f File, err error) error {
	err = fmt.Errorf("reading %s: %s", f.Name, strings.TrimPrefix(err.Error(), "yaml: "))
	if bytes.Contains(f.Text, []byte("{{")) {
		return hint.With(err, "it looks like a template; render it first: helm template …, and give what that prints with -f -")
	}
	return hint.With(err, "it must be YAML or JSON as kubectl takes it")
}

// documentsIn is one object, or the items of a List.
func documentsIn(file string, n *yaml.Node, line int) []*Document {
	d := &Document{File: file, Line: line, root: resolve(n)}
	d.Kind, d.Namespace, d.Name = d.Get("kind").Text(), d.Get("metadata", "namespace").Text(), d.Get("metadata", "name").Text()
	if d.Name == "" {
		d.Name = d.Get("metadata", "generateName").Text()
	}
	version := d.Get("apiVersion").Text()
	if group, rest, ok := strings.Cut(version, "/"); ok {
		d.Group, d.Version = group, rest
	} else {
		d.Version = version
	}
	if d.Kind != "List" || d.Group != "" {
		return []*Document{d}
	}
	var all []*Document
	for _, item := range d.Get("items").Items() {
		if item.OK() && item.node.Kind == yaml.MappingNode {
			all = append(all, documentsIn(file, item.node, item.line)...)
		}
	}
	return all
}

// ReadAll reads files in their order.
func ReadAll(files []File) ([]*Document, error) {
	var all []*Document
	for _, f := range files {
		some, err := Read(f)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
