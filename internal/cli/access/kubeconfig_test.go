package access

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

const kubeconfigOf = `apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u, namespace: %[1]s}}]
clusters: [{name: c, cluster: {server: "https://%[1]s.example:6443"}}]
users: [{name: u, user: {token: t}}]
`

func TestFindClusterOrder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	file := func(name, owner string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, fmt.Appendf(nil, kubeconfigOf, owner), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	expect := func(path, owner string) {
		t.Helper()
		c, err := Named{Kubeconfig: path}.Find()
		if err != nil || c.Namespace != owner || c.Config.Host != "https://"+owner+".example:6443" {
			t.Errorf("Named{%q}.Find() = %q in %q, %v, want the cluster of %s", path, c.Config.Host, c.Namespace, err, owner)
		}
	}
	t.Setenv("KUBECONFIG", "")
	file(".flyball/kubeconfig", "lab")
	expect("", "lab")
	t.Setenv("KUBECONFIG", file("env", "env"))
	expect("", "env")
	expect(file("flag", "flag"), "flag")
}
