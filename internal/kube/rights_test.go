//go:build e2e

package kube

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testRights is what makes each shipped rule necessary: take one away and a request
// is forbidden, add one and nothing uses it.
func testRights(t *testing.T, r *requests, files ...string) {
	granted := map[string]bool{}
	for _, name := range files {
		for _, o := range objects(t, root+"/config/"+name+".yaml") {
			rules, ok := o.Object["rules"].([]any)
			if !ok {
				continue // a binding
			}
			for _, rule := range rules {
				for _, act := range actsOf(t, rule) {
					granted[act] = true
				}
			}
		}
	}
	eventually(t, "rights granted (-) and used (+)", "", func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return cmp.Diff(slices.Sorted(maps.Keys(granted)), slices.Sorted(maps.Keys(r.used)))
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.forbidden) > 0 {
		t.Errorf("forbidden: %q", r.forbidden)
	}
}

func actsOf(t *testing.T, rule any) []string {
	t.Helper()
	m, ok := rule.(map[string]any)
	if !ok {
		t.Fatalf("rule %v is no mapping", rule)
	}
	words := func(key string) []any {
		list, ok := m[key].([]any)
		if !ok {
			t.Fatalf("rule %v has no %s", rule, key)
		}
		return list
	}
	var acts []string
	for _, group := range words("apiGroups") {
		for _, resource := range words("resources") {
			for _, verb := range words("verbs") {
				if resource == "secrets" || resource == "*" || verb == "*" || group == "*" {
					t.Errorf("rule %v: no Secret and no wildcard is ever needed", rule)
				}
				acts = append(acts, fmt.Sprintf("%v/%v %v", group, resource, verb))
			}
		}
	}
	return acts
}
