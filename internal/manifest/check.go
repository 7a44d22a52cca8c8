package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/flyball-dev/flyball/internal/hint"
)

// check refuses a field that the struct does not have, with its line: an API server
// drops it with no more than a warning, and it would be as if it had never been
// written. A value of another type is refused where the API server does.
func (d *Document) check(into any) error {
	return d.checkNode(d.node, reflect.TypeOf(into), "")
}

func (d *Document) checkNode(n *yaml.Node, t reflect.Type, path string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	n = unalias(n)
	if n.Tag == "!!null" || t.Kind() == reflect.Interface || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil // what reads itself says what it does not like
	}
	want, ok := yamlKind(n, t)
	if !ok {
		mend := "write " + want
		if want == "text" {
			mend = fmt.Sprintf("quote it: '%s'", n.Value)
		}
		return d.Fault(path, mend, "%s is not %s", inWords(n), want)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.checkMapping(n, t, path)
	case yaml.SequenceNode:
		for i, c := range n.Content {
			if err := d.checkNode(c, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	default: // a scalar of the right kind
	}
	return nil
}

func (d *Document) checkMapping(n *yaml.Node, t reflect.Type, path string) error {
	fields := map[string]reflect.Type{}
	if t.Kind() == reflect.Struct {
		fieldsOf(t, fields)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			sources := []*yaml.Node{unalias(value)}
			if sources[0].Kind == yaml.SequenceNode {
				sources = sources[0].Content
			}
			for _, s := range sources {
				if err := d.checkNode(s, t, path); err != nil {
					return err
				}
			}
			continue
		}
		below, of := strings.TrimPrefix(path+"."+key.Value, "."), fields[key.Value]
		if t.Kind() == reflect.Map {
			below, of = path+"["+key.Value+"]", t.Elem()
		}
		if of == nil {
			return d.Fault(below, Nearest(key.Value, slices.Sorted(maps.Keys(fields))), "there is no such field, or none that can be simulated")
		}
		if err := d.checkNode(value, of, below); err != nil {
			return err
		}
	}
	return nil
}

// fieldsOf are a struct's fields by their names in JSON, with those it takes in.
func fieldsOf(t reflect.Type, into map[string]reflect.Type) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			fieldsOf(f.Type, into)
		case name != "" && name != "-":
			into[name] = f.Type
		}
	}
}

// yamlKind says what a Go type is written as, and whether the node is that.
func yamlKind(n *yaml.Node, t reflect.Type) (string, bool) {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "a mapping of fields", n.Kind == yaml.MappingNode
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() != reflect.Uint8 {
			return "a list", n.Kind == yaml.SequenceNode
		}
	default: // a scalar
	}
	var words string
	var tags []string
	switch t.Kind() {
	case reflect.Slice, reflect.String: // bytes are text in base64
		words, tags = "text", []string{"!!str", "!!timestamp", "!!binary"}
	case reflect.Bool:
		words, tags = "true or false", []string{"!!bool"}
	case reflect.Float32, reflect.Float64:
		words, tags = "a number", []string{"!!int", "!!float"}
	default:
		words, tags = "a whole number", []string{"!!int"}
	}
	return words, n.Kind == yaml.ScalarNode && slices.Contains(tags, n.Tag)
}

func inWords(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}

// Nearest names the field that was meant, if one is written much like it.
func Nearest(given string, names []string) string {
	best, least := "", 3
	for _, name := range names {
		if d := hint.Distance(strings.ToLower(given), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return "check how it is spelled and where it stands, or remove it"
	}
	return "did you mean " + best + "?"
}
