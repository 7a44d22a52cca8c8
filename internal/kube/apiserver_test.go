//go:build e2e

package kube

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr/testr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// apiServer is one on which the controller runs.
type apiServer struct{ *kubetest.APIServer }

func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	return &apiServer{kubetest.StartAPIServer(t)}
}

// uninstallCRDs waits until the group is not served.
func (a *apiServer) uninstallCRDs(t *testing.T, group string) {
	t.Helper()
	kind := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	list := cluster.NewList(kind)
	if err := a.Admin.List(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	crds := list.Items
	for i := range crds {
		if !strings.HasSuffix(crds[i].GetName(), "."+group) {
			continue
		}
		if err := a.Admin.Delete(t.Context(), &crds[i]); err != nil {
			t.Fatal(err)
		}
		kubetest.Eventually(t, crds[i].GetName()+" is gone", true, func() bool {
			return apierrors.IsNotFound(a.Admin.Get(t.Context(), client.ObjectKeyFromObject(&crds[i]), cluster.NewObject(kind)))
		})
	}
}

// rights are the files of roles that the controller gets, and that its test checks.
func rights() []string {
	return []string{"config/rbac/role.yaml", "config/rbac/leader-role.yaml", "config/gateway/controller-role.yaml"}
}

// controller runs Flyball with exactly the shipped rights, as config/ starts it, and
// returns what it asked the API server for.
func (a *apiServer) controller(t *testing.T) *requests {
	t.Helper()
	return a.controllerWith(t, Settings{})
}

// controllerWith does more, which asks for more files.
func (a *apiServer) controllerWith(t *testing.T, settings Settings, files ...string) *requests {
	t.Helper()
	a.Namespace(t, "flyball-system")
	a.CreateFiles(t, slices.Concat(rights(), files, []string{"config/rbac/service-account.yaml", "config/gateway/service-account.yaml"})...)
	r := newRequests(t, settings)
	a.startController(t, r)
	t.Cleanup(func() { r.stop() })
	return r
}

// startController lets r.stop end it.
func (a *apiServer) startController(t *testing.T, r *requests) {
	t.Helper()
	a.startControllerAs(t, r, r.Watch(a.As("flyball-controller")), "flyball-system")
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
	go func() {
		ended <- mgr.Start(ctx)
		close(ended) // stop may be called again
	}()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("running the controller: %v", err)
		}
	}
}

// requests are those that one controller made.
type requests struct {
	kubetest.Requests

	health, demand string // addresses
	authority      []byte // of what serves at demand
	settings       Settings
	killed         bool // it ends as one does that is killed: its lease stays
	stop           func()
}

// newRequests is for a controller that listens to gateways.
func newRequests(t *testing.T, settings Settings) *requests {
	t.Helper()
	folder, authority := kubetest.Serving(t)
	r := &requests{health: kubetest.FreeAddress(t), demand: kubetest.FreeAddress(t), authority: authority, settings: settings}
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
