package manifest

import (
	"cmp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Field is a place in a document. One that is not there has the line of what it would
// be in, where its absence is reported.
type Field struct {
	of   *Document
	node *yaml.Node // nil if it is not there
	line int
	path string
}

// OK tells whether the field is there and is not null.
func (f Field) OK() bool { return f.node != nil }

// Document is the one that the field is in.
func (f Field) Document() *Document { return f.of }

// Line is where the field stands: the line of its key.
func (f Field) Line() int { return f.line }

// Path is the field's, such as a.b[0].c or metadata.annotations[x/y.z].
func (f Field) Path() string { return f.path }

// Get follows keys. A key that is missing on the way gives an absent field.
func (f Field) Get(keys ...string) Field {
	for _, key := range keys {
		f = f.step(key)
	}
	return f
}

// step is the value of a mapping's key, or of a list's place.
func (f Field) step(key string) Field {
	path := join(f.path, key)
	if !f.OK() {
		return Field{f.of, nil, f.line, path}
	}
	switch f.node.Kind {
	case yaml.MappingNode:
		if k, v := lookup(f.node, key, map[*yaml.Node]bool{}); v != nil {
			return f.below(v, k.Line, path)
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(f.node.Content) {
			return f.below(f.node.Content[i], f.node.Content[i].Line, path)
		}
	default: // nothing is below a scalar
	}
	return Field{f.of, nil, f.line, path}
}

func (f Field) below(n *yaml.Node, line int, path string) Field {
	n = resolve(n)
	if n.Tag == "!!null" {
		n = nil
	}
	return Field{f.of, n, line, path}
}

// join adds a step to a path: a place of a list and a key with dots stand in brackets.
func join(path, key string) string {
	switch _, err := strconv.Atoi(key); {
	case err == nil, strings.ContainsAny(key, "./["):
		return path + "[" + key + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// steps are the keys and places of a path.
func steps(path string) []string {
	var all []string
	for path != "" {
		var key string
		if rest, ok := strings.CutPrefix(path, "["); ok {
			key, path, _ = strings.Cut(rest, "]")
		} else {
			end := cmp.Or(strings.IndexAny(path, ".[")+1, len(path)+1) - 1
			key, path = path[:end], path[end:]
		}
		path = strings.TrimPrefix(path, ".")
		all = append(all, key)
	}
	return all
}

// lookup finds a key of a mapping, its own keys before those that it merges (<<).
// A mapping that merges itself is seen once.
func lookup(mapping *yaml.Node, name string, seen map[*yaml.Node]bool) (key, value *yaml.Node) {
	if seen[mapping] || mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	seen[mapping] = true
	var merged []*yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		switch k := mapping.Content[i]; {
		case k.Tag == "!!merge":
			merged = append(merged, sources(mapping.Content[i+1])...)
		case k.Value == name:
			return k, mapping.Content[i+1]
		}
	}
	for _, m := range merged {
		if k, v := lookup(m, name, seen); v != nil {
			return k, v
		}
	}
	return nil, nil
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

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// Text is a scalar as it is written, "" for anything else.
func (f Field) Text() string {
	if !f.OK() || f.node.Kind != yaml.ScalarNode {
		return ""
	}
	return strings.TrimSpace(f.node.Value)
}

// TextOr is the text, or another where there is none.
func (f Field) TextOr(otherwise string) string { return cmp.Or(f.Text(), otherwise) }

// Set writes another text in place of a scalar's, and tells whether there was one. It is
// taken for a number or a text as the one before was, if that was quoted.
func (f Field) Set(text string) bool {
	if !f.OK() || f.node.Kind != yaml.ScalarNode {
		return false
	}
	f.node.Value = text
	if f.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		f.node.Tag = ""
	}
	return true
}

// Whole is a whole number, if it is one.
func (f Field) Whole() (int, bool) {
	n, err := strconv.Atoi(f.Text())
	return n, err == nil
}

// WholeOr is the whole number, or another where there is none.
func (f Field) WholeOr(otherwise int) int {
	if n, ok := f.Whole(); ok {
		return n
	}
	return otherwise
}

// Type is what YAML takes a scalar for: str, int, float, bool.
func (f Field) Type() string {
	if !f.OK() {
		return ""
	}
	return strings.TrimPrefix(f.node.ShortTag(), "!!")
}

// Items are the elements of a list, none for anything else.
func (f Field) Items() []Field {
	if !f.OK() || f.node.Kind != yaml.SequenceNode {
		return nil
	}
	all := make([]Field, len(f.node.Content))
	for i, c := range f.node.Content {
		all[i] = f.below(c, c.Line, join(f.path, strconv.Itoa(i)))
	}
	return all
}

// Keys are a mapping's own keys, each a field whose text is the key.
func (f Field) Keys() []Field {
	if !f.OK() || f.node.Kind != yaml.MappingNode {
		return nil
	}
	var all []Field
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		if k := f.node.Content[i]; k.Kind == yaml.ScalarNode && k.Tag != "!!merge" {
			all = append(all, Field{f.of, k, k.Line, join(f.path, k.Value)})
		}
	}
	return all
}

// Scalars calls visit for each text below f, but for what an alias repeats.
func (f Field) Scalars(visit func(Field)) {
	if !f.OK() {
		return
	}
	switch f.node.Kind {
	case yaml.ScalarNode:
		visit(f)
	case yaml.MappingNode:
		for i := 0; i+1 < len(f.node.Content); i += 2 {
			k, v := f.node.Content[i], f.node.Content[i+1]
			if v.Kind != yaml.AliasNode {
				f.below(v, k.Line, join(f.path, k.Value)).Scalars(visit)
			}
		}
	case yaml.SequenceNode:
		for i, c := range f.node.Content {
			if c.Kind != yaml.AliasNode {
				f.below(c, c.Line, join(f.path, strconv.Itoa(i))).Scalars(visit)
			}
		}
	default: // a document or an alias is not below a field
	}
}
