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
		some, err := documentsIn(f.Name, n.Content[0], n.Content[0].Line)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
}

// noObject is about a document, or an item of a List, that has no fields.
func noObject(file string, n *yaml.Node, line int) error {
	what := "a value"
	if resolve(n).Kind == yaml.SequenceNode {
		what = "a list"
	}
	return hint.With(fmt.Errorf("reading %s: line %d: %s, where an object is expected", file, line, what),
		"a manifest is an object with apiVersion, kind and metadata; put --- between several, or make them the items of a kind: List")
}

func unreadable(f File, err error) error {
	err = fmt.Errorf("reading %s: %s", f.Name, strings.TrimPrefix(err.Error(), "yaml: "))
	if bytes.Contains(f.Text, []byte("{{")) {
		return hint.With(err, "it looks like a template; render it first: helm template …, and give what that prints with -f -")
	}
	return hint.With(err, "it must be YAML or JSON as kubectl takes it")
}

// documentsIn is one object, or the items of a List.
func documentsIn(file string, n *yaml.Node, line int) ([]*Document, error) {
	if resolve(n).Kind != yaml.MappingNode {
		return nil, noObject(file, n, line)
	}
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
		return []*Document{d}, nil
	}
	var all []*Document
	for _, item := range d.Get("items").Items() {
		if !item.OK() {
			continue
		}
		some, err := documentsIn(file, item.node, item.line)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
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
