//go:build e2e

package kubetest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
)

// Requests are those that one user made, as RBAC sees them. The zero value is none.
type Requests struct {
	mu        sync.Mutex
	used      map[string]bool // "group/resource verb"
	forbidden []string
}

// Watch notes all that is asked with a configuration.
func (r *Requests) Watch(config *rest.Config) *rest.Config {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return spy{r, next} })
	return config
}

// Used tells whether all acts, as "apps/deployments list", were asked for.
func (r *Requests) Used(acts ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(acts, func(act string) bool { return !r.used[act] })
}

// Forbidden are the acts that the API server refused, each with its words.
func (r *Requests) Forbidden() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.forbidden)
}

// NeedAll is what makes each rule of the roles in files necessary: take one away and a request
// is forbidden, add one and nothing uses it.
func (r *Requests) NeedAll(t *testing.T, names ...string) {
	t.Helper()
	granted := map[string]bool{}
	for _, name := range names {
		for _, o := range Objects(t, name) {
			rules, _ := o.Object["rules"].([]any) // none in a binding
			for _, rule := range rules {
				for _, act := range actsOf(t, rule) {
					granted[act] = true
				}
			}
		}
	}
	Eventually(t, "rights granted (-) and used (+)", "", func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return cmp.Diff(slices.Sorted(maps.Keys(granted)), slices.Sorted(maps.Keys(r.used)))
	})
	if refused := r.Forbidden(); len(refused) > 0 {
		t.Errorf("forbidden: %q", refused)
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

type spy struct {
	r    *Requests
	next http.RoundTripper
}

func (s spy) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := s.next.RoundTrip(req)
	what, verb := asked(req)
	if err != nil || what == "" {
		return res, err
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if s.r.used == nil {
		s.r.used = map[string]bool{}
	}
	s.r.used[what+" "+verb] = true
	switch {
	case res.StatusCode == http.StatusForbidden:
		return res, s.r.refusedLocked(what+" "+verb, res)
	case verb == "watch" && req.URL.Query().Get("sendInitialEvents") != "":
		s.r.used[what+" list"] = true // what a server without streaming lists is asked instead
	case verb == "patch" && res.StatusCode == http.StatusCreated:
		s.r.used[what+" create"] = true // the API server asks for both
	}
	return res, nil
}

// refusedLocked keeps the API server's words. While a kind is being uninstalled it forbids
// to create one, which is no matter of rights.
func (r *Requests) refusedLocked(act string, res *http.Response) error {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if !bytes.Contains(body, []byte("create not allowed while custom resource definition is terminating")) {
		r.forbidden = append(r.forbidden, act+": "+string(body))
	}
	return nil
}

// asked is "group/resource" and the verb of a request, "" of one that is not for a resource.
func asked(req *http.Request) (what, verb string) {
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	group := ""
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		group, parts = parts[1], parts[3:]
	default:
		return "", ""
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	verb = map[string]string{
		http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
	}[req.Method]
	switch {
	case verb != "":
	case req.URL.Query().Get("watch") != "":
		verb = "watch"
	case len(parts) > 1:
		verb = "get"
	default:
		verb = "list"
	}
	if len(parts) > 2 { // a part of the object, as its status
		parts[0] += "/" + parts[2]
	}
	return group + "/" + parts[0], verb
}
