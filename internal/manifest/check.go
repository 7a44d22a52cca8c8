package manifest

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/util/json"
	openapi "k8s.io/kube-openapi/pkg/validation/errors"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	kjson "sigs.k8s.io/json"

	"github.com/flyball-dev/flyball/internal/hint"
)

// Check is what a custom resource's own schema has against a document: fields that it
// does not have, which an API server drops with no more than a warning, and values that
// it refuses. There is nothing against a kind whose schema is not shipped.
func (s *Schemas) Check(d *Document) (unknown, refused []*Fault) {
	known, err := s.of(d)
	if err != nil || known == nil {
		return nil, nil // a test reads each file
	}
	text, err := d.json()
	var object map[string]any
	if err == nil {
		err = json.Unmarshal(text, &object)
	}
	if err != nil {
		return nil, []*Fault{{d, "", err.Error(), "it must be an object as kubectl takes it"}}
	}
	result := validate.NewSchemaValidator(known.openapi, nil, "", strfmt.Default).Validate(object)
	for _, e := range result.Errors {
		refused = append(refused, d.refusal(e))
	}
	paths := pruning.PruneWithOptions(object, known.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range paths {
		unknown = append(unknown, d.unknown(path, structuralFields(known.structural, path)))
	}
	return sorted(unknown), sorted(refused)
}

// sorted is by place, so that the first is the first in the file.
func sorted(faults []*Fault) []*Fault {
	slices.SortStableFunc(faults, func(a, b *Fault) int {
		if n := a.Document.At(a.Path).Line() - b.Document.At(b.Path).Line(); n != 0 {
			return n
		}
		return strings.Compare(a.Path, b.Path)
	})
	return faults
}

// unknown is a field that a schema, or a type, does not have.
func (d *Document) unknown(path string, names []string) *Fault {
	all := steps(path)
	fix := "check its spelling and its place, or remove it"
	if near := hint.Nearest(all[len(all)-1], names); near != "" {
		fix = "did you mean " + near + "?"
	}
	return &Fault{d, path, "there is no such field", fix}
}

// refusal is an error of the schema's, in this project's words where it is of a type.
func (d *Document) refusal(err error) *Fault {
	v, ok := errors.AsType[*openapi.Validation](err)
	if !ok {
		return &Fault{d, "", err.Error(), "correct it"}
	}
	path := strings.TrimPrefix(v.Name, ".")
	text := strings.TrimPrefix(v.Error(), v.Name+" in "+v.In+" ")
	if _, typeName, ok := strings.Cut(text, "must be of type "); ok {
		typeName, _, _ = strings.Cut(typeName, ":")
		return d.wrongType(path, typeName)
	}
	fix := "correct it"
	if _, choice, ok := strings.Cut(text, "should be one of "); ok {
		choice = strings.ReplaceAll(strings.Trim(choice, "[]"), " ", ", ")
		return &Fault{d, path, fmt.Sprintf("%q is none of %s", d.At(path).Text(), choice), "use one of these"}
	}
	if strings.HasSuffix(text, "is required") {
		fix = "give it"
	}
	return &Fault{d, path, strings.TrimPrefix(text, "in body "), fix}
}

func (d *Document) wrongType(path, typeName string) *Fault {
	f := d.At(path)
	want := map[string]string{
		"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text",
		"object": "a mapping of fields", "array": "a list",
	}[typeName]
	if want == "" {
		want = "of type " + typeName
	}
	fix := "write " + want
	if want == "text" && f.Text() != "" {
		fix = fmt.Sprintf("quote it: '%s'", f.Text())
	}
	given := "a mapping"
	switch {
	case f.Items() != nil:
		given = "a list"
	case f.Keys() == nil:
		given = fmt.Sprintf("%q", f.Text())
	}
	return &Fault{d, path, fmt.Sprintf("%s is not %s", given, want), fix}
}

// structuralFields are the names beside which a path is wrong.
func structuralFields(s *schema.Structural, path string) []string {
	all := steps(path)
	for _, key := range all[:len(all)-1] {
		switch {
		case s == nil:
			return nil
		case s.Items != nil:
			s = s.Items
		default:
			below, ok := s.Properties[key]
			if !ok {
				return nil
			}
			s = &below
		}
	}
	return slices.Sorted(maps.Keys(s.Properties))
}

// Strict reads a document of a kind that Kubernetes itself has into its type, and says
// what the API server would: fields that the type does not have, and values that it does
// not take.
func Strict[T any](d *Document) (to *T, unknown, refused []*Fault) {
	to = new(T)
	text, err := d.json()
	var fields []error
	if err == nil {
		fields, err = kjson.UnmarshalStrict(text, to)
	}
	if err != nil {
		return to, nil, []*Fault{d.undecodable(err)}
	}
	for _, f := range fields {
		if field, ok := errors.AsType[kjson.FieldError](f); ok {
			unknown = append(unknown, d.unknown(field.FieldPath(), typeFields(reflect.TypeFor[T](), field.FieldPath())))
		}
	}
	return to, sorted(unknown), nil
}

// undecodable finds the place of a value that is of another type than the field's: the
// error has the field's names, but not the places of lists between them.
func (d *Document) undecodable(err error) *Fault {
	_, text, ok := strings.Cut(err.Error(), "into Go struct field ")
	field, goType, typed := strings.Cut(text, " of type ")
	if !ok || !typed {
		return &Fault{d, "", err.Error(), "correct the value; kubectl explain shows what it may be"}
	}
	_, field, _ = strings.Cut(field, ".")
	typeName := jsonType(goType)
	places := []Field{d.Field()}
	for key := range strings.SplitSeq(field, ".") {
		var next []Field
		for _, p := range places {
			for _, item := range append(p.Items(), p) {
				if below := item.Get(key); below.OK() {
					next = append(next, below)
				}
			}
		}
		places = next
	}
	for _, p := range places {
		if !p.is(typeName) {
			return d.wrongType(p.Path(), typeName)
		}
	}
	return d.wrongType(field, typeName)
}

// jsonType is what a Go type is in JSON.
func jsonType(goType string) string {
	switch {
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "integer"
	case strings.HasPrefix(goType, "float"):
		return "number"
	case goType == "bool":
		return "boolean"
	case strings.HasPrefix(goType, "[]") && goType != "[]uint8":
		return "array"
	case strings.HasPrefix(goType, "map"), strings.Contains(goType, ".") && !strings.HasSuffix(goType, "Type") && !strings.HasSuffix(goType, "Policy"):
		return "object"
	}
	return "string"
}

// is tells whether a value is of a type of JSON.
func (f Field) is(typeName string) bool {
	switch typeName {
	case "array":
		return f.Items() != nil
	case "object":
		return f.Keys() != nil
	case "integer":
		return f.Type() == "int"
	case "number":
		return f.Type() == "int" || f.Type() == "float"
	case "boolean":
		return f.Type() == "bool"
	}
	return slices.Contains([]string{"str", "timestamp", "binary"}, f.Type())
}

// typeFields are the names beside which a path is wrong in a Go type.
func typeFields(t reflect.Type, path string) []string {
	all := steps(path)
	for _, key := range all[:len(all)-1] {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Slice, reflect.Map:
			t = t.Elem()
		case reflect.Struct:
			below, ok := fieldsOf(t)[key]
			if !ok {
				return nil
			}
			t = below
		default:
			return nil
		}
	}
	return slices.Sorted(maps.Keys(fieldsOf(t)))
}

// fieldsOf are a struct's fields by their names in JSON, with those it takes in.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return all
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			maps.Copy(all, fieldsOf(f.Type))
		case name != "" && name != "-":
			all[name] = f.Type
		}
	}
	return all
}
