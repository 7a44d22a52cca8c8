//go:build e2e

package kubetest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// The files of what KServe and KEDA ship.
const (
	KServe = "bin/lab/manifests/kserve.yaml"
	KEDA   = "bin/lab/manifests/keda.yaml"
)

// Patience is for what an API server, and who follows it, take a while for.
const Patience = time.Minute

// An APIServer is a real one with etcd, from bin/lab; nothing else runs beside it.
type APIServer struct {
	Config *rest.Config
	Admin  client.Client

	env *envtest.Environment
}

// StartAPIServer has it end with the test.
func StartAPIServer(t *testing.T) *APIServer {
	t.Helper()
	env := &envtest.Environment{
		BinaryAssetsDirectory: Path(t, "bin/lab"), ControlPlaneStartTimeout: 2 * time.Minute, ControlPlaneStopTimeout: time.Minute,
	}
	config, err := env.Start()
	if err != nil {
		t.Fatalf("starting bin/lab/etcd and bin/lab/kube-apiserver: %v (build them with 'make lab')", err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Errorf("stopping the API server: %v", err)
		}
	})
	config.QPS = -1
	admin, err := cluster.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return &APIServer{config, admin, env}
}

// Path is that of a file of the repository.
func Path(t *testing.T, name string) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return filepath.Join(folder, name)
		}
		above := filepath.Dir(folder)
		if above == folder {
			t.Fatalf("looking for %s: no folder above has a go.mod", name)
		}
		folder = above
	}
}

// Objects reads a file of YAML documents of the repository.
func Objects(t *testing.T, name string) []*unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatalf("%v (build it with 'make lab')", err)
	}
	var all []*unstructured.Unstructured
	for d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096); ; {
		o := &unstructured.Unstructured{}
		switch err := d.Decode(&o.Object); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatalf("reading %s: %v", name, err)
		case len(o.Object) > 0:
			all = append(all, o)
		}
	}
}

// InstallCRDs takes those of files.
func (a *APIServer) InstallCRDs(t *testing.T, names ...string) {
	t.Helper()
	var crds []*apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		for _, o := range Objects(t, name) {
			if o.GetKind() != "CustomResourceDefinition" {
				continue
			}
			crd := &apiextensionsv1.CustomResourceDefinition{}
			if err := kserve.Decode(o, crd); err != nil {
				t.Fatal(err)
			}
			crds = append(crds, crd)
		}
	}
	if _, err := envtest.InstallCRDs(a.Config, envtest.CRDInstallOptions{CRDs: crds, MaxTime: Patience}); err != nil {
		t.Fatalf("installing %d CRDs of %v: %v", len(crds), names, err)
	}
}

// Create is as the administrator.
func (a *APIServer) Create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := a.Admin.Create(t.Context(), o); err != nil {
			t.Fatalf("creating %s: %v", o.GetName(), err)
		}
	}
}

// CreateFiles has all objects of files made.
func (a *APIServer) CreateFiles(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		for _, o := range Objects(t, name) {
			a.Create(t, o)
		}
	}
}

// Namespace makes one.
func (a *APIServer) Namespace(t *testing.T, name string) {
	t.Helper()
	a.Create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// As is a configuration for one of Flyball's ServiceAccounts.
func (a *APIServer) As(account string) *rest.Config {
	config := rest.CopyConfig(a.Config)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:flyball-system:" + account,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:flyball-system", "system:authenticated"},
	}
	return config
}

// FreeAddress is one of loopback where nobody listens.
func FreeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Kubeconfig is a file with the administrator's.
func (a *APIServer) Kubeconfig(t *testing.T) string {
	t.Helper()
	user, err := a.env.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Kubectl is what a user sees.
func (a *APIServer) Kubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	arguments = append([]string{"--kubeconfig", a.Kubeconfig(t)}, arguments...)
	out, err := exec.CommandContext(t.Context(), Path(t, "bin/lab/kubectl"), arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %v: %v, %s", arguments, err, out)
	}
	t.Logf("$ kubectl %s\n%s", strings.Join(arguments[2:], " "), out)
	return string(out)
}

// Eventually fails the test unless got comes to want.
func Eventually[T comparable](t *testing.T, what string, want T, got func() T) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		now := got()
		if now == want {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s = %v after %s, want %v", what, now, Patience, want)
		case <-tick.C:
		}
	}
}
