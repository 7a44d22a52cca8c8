package manifest

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/flyball-dev/flyball/internal/hint"
)

// A Document is one object of a file. What it does not say is "".
type Document struct {
	File                                  string
	Line                                  int // of its first field
	Group, Version, Kind, Namespace, Name string
	root                                  *yaml.Node
}

// String names the object as errors do.
func (d *Document) String() string {
	switch {
	case d.Kind == "":
		return "a document"
	case d.Namespace == "":
		return strings.TrimSpace(d.Kind + " " + d.Name)
	}
	return d.Kind + " " + d.Namespace + "/" + d.Name
}

// Field is the document's own, below which all others are.
func (d *Document) Field() Field { return Field{of: d, node: d.root, line: d.Line} }

// Get follows keys from the document's own field.
func (d *Document) Get(keys ...string) Field { return d.Field().Get(keys...) }

// At is the field of a path such as a.b[0].c or metadata.annotations[x/y.z].
func (d *Document) At(path string) Field {
	f := d.Field()
	for _, key := range steps(path) {
		f = f.step(key)
	}
	return f
}

// Into reads what of a document a struct has, as the API server does: a key whose letters
// have another case is another field.
func (d *Document) Into(to any) error {
	text, err := d.json()
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		return d.Fault("", "correct the value; kubectl explain shows what it may be", "%v", err)
	}
	return nil
}

// json is the document as it goes to the API server.
func (d *Document) json() ([]byte, error) {
	var whole any
	if err := d.root.Decode(&whole); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}

// A Fault is what is wrong at one field, and how to fix it.
type Fault struct {
	Document  *Document
	Path      string
	What, Fix string
}

// Fault is one about a field of the document.
func (d *Document) Fault(path, fix, what string, args ...any) error {
	f := &Fault{d, path, fmt.Sprintf(what, args...), fix}
	return hint.With(f, "%s", fix)
}

func (f *Fault) Error() string {
	at := f.Path
	if at != "" {
		at += ": "
	}
	return fmt.Sprintf("%s:%d: %s: %s%s", f.Document.File, f.Document.At(f.Path).Line(), f.Document, at, f.What)
}

// Namespace is the one that documents name; "" where there is none, or several.
func Namespace(docs []*Document) string {
	name := ""
	for _, d := range docs {
		if d.Namespace != "" && name != "" && d.Namespace != name {
			return ""
		}
		name = cmp.Or(d.Namespace, name)
	}
	return name
}
