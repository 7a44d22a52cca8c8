package lint

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A field is a place in a manifest. One that is not there has no node and the
// line of what it would be in, where its absence is reported.
type field struct {
	of   *Object
	node *yaml.Node
	line int
}

// get follows keys. A key that is missing on the way gives an absent field.
func (f field) get(keys ...string) field {
	for _, key := range keys {
		f = f.child(key)
	}
	return f
}

func (f field) child(key string) field {
	if f.ok() && f.node.Kind == yaml.MappingNode {
		if value := lookup(f.node, key, map[*yaml.Node]bool{}); value != nil {
			return newField(f.of, value)
		}
	}
	return field{f.of, nil, f.line}
}

// lookup finds a key of a mapping, its own keys before those that it merges (<<).
// A mapping that merges itself is seen once.
func lookup(mapping *yaml.Node, key string, seen map[*yaml.Node]bool) *yaml.Node {
	if seen[mapping] || mapping.Kind != yaml.MappingNode {
		return nil
	}
	seen[mapping] = true
	var merged []*yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		switch k := mapping.Content[i]; {
		case k.Tag == "!!merge":
			merged = append(merged, sources(mapping.Content[i+1])...)
		case k.Value == key:
			return mapping.Content[i+1]
		}
	}
	for _, m := range merged {
		if value := lookup(m, key, seen); value != nil {
			return value
		}
	}
	return nil
}

// sources are the mappings that a merge key names: one, or a list of them.
func sources(n *yaml.Node) []*yaml.Node {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	all := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		all[i] = resolve(c)
	}
	return all
}

func newField(of *Object, n *yaml.Node) field {
	f := field{of, resolve(n), n.Line} // an alias is reported where it is used
	if f.node.Tag == "!!null" {
		f.node = nil
	}
	return f
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func (f field) ok() bool { return f.node != nil }

// text is a scalar as it is written, "" for anything else.
func (f field) text() string {
	if !f.ok() || f.node.Kind != yaml.ScalarNode {
		return ""
	}
	return strings.TrimSpace(f.node.Value)
}

// whole is a whole number, if it is one.
func (f field) whole() (int, bool) {
	n, err := strconv.Atoi(f.text())
	return n, err == nil
}

func (f field) wholeOr(otherwise int) int {
	if n, ok := f.whole(); ok {
		return n
	}
	return otherwise
}

func (f field) textOr(otherwise string) string {
	if s := f.text(); s != "" {
		return s
	}
	return otherwise
}

// items are the elements of a list, none for anything else.
func (f field) items() []field {
	if !f.ok() || f.node.Kind != yaml.SequenceNode {
		return nil
	}
	all := make([]field, len(f.node.Content))
	for i, c := range f.node.Content {
		all[i] = newField(f.of, c)
	}
	return all
}

// keys are a mapping's own keys, as fields of their own.
func (f field) keys() []field {
	if !f.ok() || f.node.Kind != yaml.MappingNode {
		return nil
	}
	var all []field
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		if k := f.node.Content[i]; k.Kind == yaml.ScalarNode && k.Tag != "!!merge" {
			all = append(all, field{f.of, k, k.Line})
		}
	}
	return all
}

// words are the elements of a list of texts, cut at spaces: the arguments of a
// program, also where a shell is given one line.
func (f field) words() []string {
	var all []string
	for _, item := range f.items() {
		all = append(all, strings.Fields(item.text())...)
	}
	return all
}

// scalars calls visit for each text below f, but for what an alias repeats.
func (f field) scalars(visit func(field)) {
	if !f.ok() {
		return
	}
	if f.node.Kind == yaml.ScalarNode {
		visit(f)
		return
	}
	for _, c := range f.node.Content {
		if c.Kind != yaml.AliasNode {
			newField(f.of, c).scalars(visit)
		}
	}
}
