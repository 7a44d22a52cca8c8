//go:build linux

package node

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// sources are what a container's environment and downward files can refer to.
type sources struct {
	secret    func(name string) (map[string]string, error)
	configMap func(name string) (map[string]string, error)
	field     func(path string) (string, error)
	resource  func(*corev1.ResourceFieldSelector) (string, error)
	missing   func(error) bool // the object does not exist, which "optional" forgives
}

// environ is an environment; names keeps the order of first appearance.
type environ struct {
	names  []string
	values map[string]string
}

func (e *environ) set(name, value string) {
	if e.values == nil {
		e.values = map[string]string{}
	}
	if _, ok := e.values[name]; !ok {
		e.names = append(e.names, name)
	}
	e.values[name] = value
}

func (e *environ) lookup(name string) (string, bool) {
	v, ok := e.values[name]
	return v, ok
}

func (e *environ) list() []string {
	list := make([]string, 0, len(e.names))
	for _, n := range e.names {
		list = append(list, n+"="+e.values[n])
	}
	return list
}

// addContainer adds what the container's spec says, in the kubelet's order: envFrom, then env,
// each value expanded with what stands before it.
func (e *environ) addContainer(c *corev1.Container, src sources, rewrite func(string) string) error {
	for _, from := range c.EnvFrom {
		values, err := fromWhole(from, src)
		if err != nil {
			return err
		}
		for _, k := range slices.Sorted(maps.Keys(values)) {
			e.set(from.Prefix+k, rewrite(values[k]))
		}
	}
	for _, v := range c.Env {
		value, ok, err := valueOf(v, src, e.lookup)
		if err != nil {
			return fmt.Errorf("environment variable %s: %w", v.Name, err)
		}
		if ok {
			e.set(v.Name, rewrite(value))
		}
	}
	return nil
}

func fromWhole(from corev1.EnvFromSource, src sources) (map[string]string, error) {
	var values map[string]string
	var err error
	var optional *bool
	switch {
	case from.SecretRef != nil:
		values, err = src.secret(from.SecretRef.Name)
		optional = from.SecretRef.Optional
	case from.ConfigMapRef != nil:
		values, err = src.configMap(from.ConfigMapRef.Name)
		optional = from.ConfigMapRef.Optional
	}
	if err != nil && isTrue(optional) && src.missing(err) {
		return nil, nil
	}
	return values, err
}

func valueOf(v corev1.EnvVar, src sources, lookup func(string) (string, bool)) (value string, ok bool, err error) {
	from := v.ValueFrom
	switch {
	case from == nil:
		return expand(v.Value, lookup), true, nil
	case from.FieldRef != nil:
		value, err = src.field(from.FieldRef.FieldPath)
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err = src.resource(from.ResourceFieldRef)
		return value, true, err
	case from.SecretKeyRef != nil:
		r := from.SecretKeyRef
		return keyRef{"Secret", r.Name, r.Key, isTrue(r.Optional)}.value(src.secret, src.missing)
	case from.ConfigMapKeyRef != nil:
		r := from.ConfigMapKeyRef
		return keyRef{"ConfigMap", r.Name, r.Key, isTrue(r.Optional)}.value(src.configMap, src.missing)
	}
	return "", false, fmt.Errorf("this kind of valueFrom is not supported by the lab")
}

// keyRef is a reference to one key of a Secret or ConfigMap.
type keyRef struct {
	kind, object, key string
	optional          bool
}

func (r keyRef) value(get func(string) (map[string]string, error), missing func(error) bool) (value string, ok bool, err error) {
	values, err := get(r.object)
	if err != nil {
		if r.optional && missing(err) {
			return "", false, nil
		}
		return "", false, err
	}
	value, ok = values[r.key]
	if !ok && !r.optional {
		return "", false, fmt.Errorf("%s %q has no key %q", r.kind, r.object, r.key)
	}
	return value, ok, nil
}

// expand replaces $(NAME) by its value; $$ stands for $, and an unknown name stays as written.
func expand(s string, lookup func(string) (string, bool)) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "$")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		switch {
		case strings.HasPrefix(rest, "$"):
			out.WriteByte('$')
			s = rest[1:]
			continue
		case strings.HasPrefix(rest, "("):
			if name, after, closed := strings.Cut(rest[1:], ")"); closed {
				if value, known := lookup(name); known {
					out.WriteString(value)
				} else {
					out.WriteString("$(" + name + ")")
				}
				s = after
				continue
			}
		}
		out.WriteByte('$')
		s = rest
	}
}

func isTrue(b *bool) bool { return b != nil && *b }
