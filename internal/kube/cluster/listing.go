package cluster

import (
	"context"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Listing is for one reading without a cache: it lists each kind once, when it is
// first asked for, and finds objects as a cache with AddIndexes does. It is for one
// goroutine, and what it gives must not be changed.
type Listing struct {
	api       client.Reader
	namespace string // all where it is empty
	parts     []part
	read      map[int]*found // by the place in parts
}

// found is every object of a kind.
type found struct {
	err   error
	all   []runtime.Object
	named map[types.NamespacedName]client.Object
	by    map[fieldValue][]runtime.Object
}

type fieldValue struct{ namespace, field, value string }

// NewListing is of one namespace, or of all where it is empty.
func NewListing(api client.Reader, namespace string) *Listing {
	return &Listing{api: api, namespace: namespace, parts: parts(), read: map[int]*found{}}
}

// Any also finds what is of no InferenceService.
func (l *Listing) Any() *Listing {
	for i := range l.parts {
		l.parts[i].asked = nil
	}
	return l
}

// Get is one half of client.Reader.
func (l *Listing) Get(ctx context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	for i, k := range l.parts {
		if !sameKind(k.object, into) {
			continue
		}
		f := l.find(ctx, i)
		if f.err != nil {
			return f.err
		}
		o, ok := f.named[key]
		if !ok {
			return apierrors.NewNotFound(schema.GroupResource{Resource: fmt.Sprintf("%T", into)}, key.Name)
		}
		reflect.ValueOf(into).Elem().Set(reflect.ValueOf(o).Elem())
		return nil
	}
	return fmt.Errorf("%T is no part of a snapshot", into)
}

// List is the other half. It knows no options but a namespace and one field.
func (l *Listing) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	var o client.ListOptions
	o.ApplyOptions(opts)
	for i, k := range l.parts {
		if !sameKind(k.list(), into) {
			continue
		}
		f := l.find(ctx, i)
		if f.err != nil {
			return f.err
		}
		if o.FieldSelector == nil {
			return meta.SetList(into, f.all)
		}
		r := o.FieldSelector.Requirements()[0]
		return meta.SetList(into, f.by[fieldValue{o.Namespace, r.Field, r.Value}])
	}
	return fmt.Errorf("%T is no part of a snapshot", into)
}

// find asks for a kind, once.
func (l *Listing) find(ctx context.Context, i int) *found {
	if l.read[i] != nil {
		return l.read[i]
	}
	f := &found{named: map[types.NamespacedName]client.Object{}, by: map[fieldValue][]runtime.Object{}}
	l.read[i] = f
	k := l.parts[i]
	asked := k.asked
	if len(asked) == 0 {
		asked = []client.ListOption{&client.ListOptions{}}
	}
	for _, a := range asked {
		list := k.list()
		if f.err = l.api.List(ctx, list, client.InNamespace(l.namespace), a); f.err != nil {
			return f
		}
		f.err = meta.EachListItem(list, func(item runtime.Object) error { f.add(item, k); return nil })
	}
	return f
}

func (f *found) add(item runtime.Object, k part) {
	o, ok := item.(client.Object)
	if !ok {
		return
	}
	f.all = append(f.all, item)
	f.named[client.ObjectKeyFromObject(o)] = o
	for field, values := range k.fields {
		for _, v := range values(o) {
			at := fieldValue{o.GetNamespace(), field, v}
			f.by[at] = append(f.by[at], item)
		}
	}
}
