//go:build e2e

package kube

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
)

const (
	root     = "../.."
	patience = 30 * time.Second
)

// apiServer is a real one with etcd, from bin/lab; nothing else runs beside it.
type apiServer struct {
	config *rest.Config
	admin  client.Client
}

func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	assets, err := filepath.Abs(root + "/bin/lab")
	if err != nil {
		t.Fatal(err)
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory: assets, ControlPlaneStartTimeout: 2 * time.Minute, ControlPlaneStopTimeout: time.Minute,
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
	return &apiServer{config, admin}
}

// objects reads a file of YAML documents.
func objects(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile(path)
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
			t.Fatalf("reading %s: %v", path, err)
		case len(o.Object) > 0:
			all = append(all, o)
		}
	}
}

// installCRDs takes those of the manifests that KServe or KEDA ship.
func (a *apiServer) installCRDs(t *testing.T, name string) {
	t.Helper()
	var crds []*apiextensionsv1.CustomResourceDefinition
	for _, o := range objects(t, root+"/bin/lab/manifests/"+name+".yaml") {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := kserve.Decode(o, crd); err != nil {
			t.Fatal(err)
		}
		crds = append(crds, crd)
	}
	if _, err := envtest.InstallCRDs(a.config, envtest.CRDInstallOptions{CRDs: crds, MaxTime: patience}); err != nil {
		t.Fatalf("installing %d CRDs of %s: %v", len(crds), name, err)
	}
}

// uninstallCRDs waits until the group is not served.
func (a *apiServer) uninstallCRDs(t *testing.T, group string) {
	t.Helper()
	kind := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	list := cluster.NewList(kind)
	if err := a.admin.List(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	crds := list.Items
	for i := range crds {
		if !strings.HasSuffix(crds[i].GetName(), "."+group) {
			continue
		}
		if err := a.admin.Delete(t.Context(), &crds[i]); err != nil {
			t.Fatal(err)
		}
		eventually(t, crds[i].GetName()+" is gone", true, func() bool {
			return apierrors.IsNotFound(a.admin.Get(t.Context(), client.ObjectKeyFromObject(&crds[i]), cluster.NewObject(kind)))
		})
	}
}

func (a *apiServer) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := a.admin.Create(t.Context(), o); err != nil {
			t.Fatalf("creating %s: %v", o.GetName(), err)
		}
	}
}

func (a *apiServer) namespace(t *testing.T, name string) {
	t.Helper()
	a.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// rights are the files of roles that the controller gets, and that its test checks.
func rights() []string {
	return []string{"rbac/role", "rbac/leader-role", "gateway/controller-role"}
}

// controller runs Flyball with exactly the shipped rights, as config/ starts it, and
// returns what it asked the API server for.
func (a *apiServer) controller(t *testing.T) *requests {
	t.Helper()
	return a.controllerWith(t, Settings{})
}

// controllerWith does more, which asks for more of config's files.
func (a *apiServer) controllerWith(t *testing.T, settings Settings, files ...string) *requests {
	t.Helper()
	a.namespace(t, "flyball-system")
	for _, name := range slices.Concat(rights(), files, []string{"rbac/service-account", "gateway/service-account"}) {
		for _, o := range objects(t, root+"/config/"+name+".yaml") {
			a.create(t, o)
		}
	}
	r := newRequests(t, settings)
	a.startController(t, r)
	t.Cleanup(func() { r.stop() })
	return r
}

// startController lets r.stop end it.
func (a *apiServer) startController(t *testing.T, r *requests) {
	t.Helper()
	config := a.as("flyball-controller")
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return spy{r, next} })
	a.startControllerAs(t, r, config, "flyball-system")
}

// startControllerAs does so with other rights, in another namespace.
func (a *apiServer) startControllerAs(t *testing.T, r *requests, config *rest.Config, namespace string) {
	t.Helper()
	options, err := Options(namespace)
	if err != nil {
		t.Fatal(err)
	}
	options.LeaderElectionReleaseOnCancel = !r.killed
	options.Logger = testr.New(t)
	ctrl.SetLogger(options.Logger)
	options.Metrics = server.Options{BindAddress: "0"}
	options.HealthProbeBindAddress = r.health
	options.Controller.SkipNameValidation = new(true) // a restart is in the same process here
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil { // as the command does
		t.Fatal(err)
	}
	settings := r.settings
	settings.Registry, settings.Namespace = prometheus.NewRegistry(), namespace
	if err := Setup(mgr, settings); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("running the controller: %v", err)
		}
	}
}

// as is a configuration for one of Flyball's ServiceAccounts.
func (a *apiServer) as(account string) *rest.Config {
	config := rest.CopyConfig(a.config)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:flyball-system:" + account,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:flyball-system", "system:authenticated"},
	}
	return config
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// requests are those that one user made, as RBAC sees them.
type requests struct {
	health, demand string // addresses
	authority      []byte // of what serves at demand
	settings       Settings
	killed         bool // it ends as one does that is killed: its lease stays
	stop           func()

	mu        sync.Mutex
	used      map[string]bool // "group/resource verb"
	forbidden []string
}

// newRequests is for a controller that listens to gateways.
func newRequests(t *testing.T, settings Settings) *requests {
	t.Helper()
	folder, authority := servingCertificate(t)
	r := &requests{used: map[string]bool{}, health: freeAddress(t), demand: freeAddress(t), authority: authority, settings: settings}
	r.settings.Demand = inbox.Settings{Address: r.demand, Certificates: folder}
	return r
}

// readyz is what the kubelet would see.
func (r *requests) readyz(t *testing.T) string {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.health+"/readyz?verbose=1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

type spy struct {
	r    *requests
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
	s.r.used[what+" "+verb] = true
	switch {
	case res.StatusCode == http.StatusForbidden:
		return res, s.r.refused(what+" "+verb, res)
	case verb == "watch" && req.URL.Query().Get("sendInitialEvents") != "":
		s.r.used[what+" list"] = true // what a server without streaming lists is asked instead
	case verb == "patch" && res.StatusCode == http.StatusCreated:
		s.r.used[what+" create"] = true // the API server asks for both
	}
	return res, nil
}

// refused keeps the API server's words. While a kind is being uninstalled it forbids
// to create one, which is no matter of rights.
func (r *requests) refused(act string, res *http.Response) error {
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
	return group + "/" + parts[0], verb
}

// eventually fails the test unless got comes to want.
func eventually[T comparable](t *testing.T, what string, want T, got func() T) {
	t.Helper()
	deadline := time.NewTimer(patience)
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
			t.Fatalf("%s = %v after %s, want %v", what, now, patience, want)
		case <-tick.C:
		}
	}
}
