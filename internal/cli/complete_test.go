package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The shell completes namespaces and services by what the cluster has, and nothing, without
// a word, where it refuses or does not answer.
func TestCompleteNames(t *testing.T) {
	t.Parallel() // one case waits for the timeout
	list := func(names ...string) string {
		items := ""
		for i, name := range names {
			if i > 0 {
				items += ","
			}
			items += fmt.Sprintf(`{"metadata":{"name":%q}}`, name)
		}
		return `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","items":[` + items + `]}`
	}
	const services = "/apis/serving.kserve.io/v1beta1/namespaces/%s/inferenceservices"
	answers := map[string]string{
		"/api/v1/namespaces":            list("default", "demo"),
		fmt.Sprintf(services, "demo"):   list("llama", "qwen"),
		fmt.Sprintf(services, "search"): list("rank"),
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch answer, ok := answers[r.URL.Path]; {
		case ok:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, answer)
		case r.URL.Path == fmt.Sprintf(services, "slow"):
			<-r.Context().Done() // until the caller gives up
		default:
			http.Error(w, "forbidden", http.StatusForbidden)
		}
	}))
	defer api.Close()
	config := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u, namespace: demo}}]
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {token: t}}]
`, api.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const nothing = ":4\n" // no file either
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"-n", ""}, "default\ndemo\n" + nothing},
		{[]string{""}, "llama\nqwen\n" + nothing},
		{[]string{"-n", "search", ""}, "rank\n" + nothing},
		{[]string{"llama", ""}, nothing},
		{[]string{"-A", ""}, nothing},
		{[]string{"-n", "forbidden", ""}, nothing},
		{[]string{"-n", "slow", ""}, nothing},
	} {
		began := time.Now()
		code, out, errOut := runs(append([]string{"__complete", "status", "--kubeconfig", config}, c.words...)...)
		if code != 0 || out != c.want || errOut != "Completion ended with directive: ShellCompDirectiveNoFileComp\n" { // cobra's; a shell drops it
			t.Errorf("completing %q: exit %d, %q, want %q; stderr %q", c.words, code, out, c.want, errOut)
		}
		if took := time.Since(began); took > 2*completionTimeout {
			t.Errorf("completing %q took %v", c.words, took)
		}
	}
}
