//go:build e2e

package autoscalers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/promised"
)

const (
	root     = "../../.."
	patience = 60 * time.Second
)

// A real API server and etcd, with KEDA's and Flyball's custom resources; no KEDA runs.
type apiServer struct {
	env    *envtest.Environment
	config *rest.Config
	client.Client
}

func start(t *testing.T) *apiServer {
	t.Helper()
	assets, err := filepath.Abs(root + "/bin/lab")
	if err != nil {
		t.Fatal(err)
	}
	var crds []*apiextensionsv1.CustomResourceDefinition
	for _, path := range []string{"bin/lab/manifests/keda.yaml", "config/crd/flyball.dev_inferenceautoscalers.yaml"} {
		for _, o := range documents(t, path) {
			if o.GetKind() == "CustomResourceDefinition" {
				crd := &apiextensionsv1.CustomResourceDefinition{}
				if err := kserve.Decode(o, crd); err != nil {
					t.Fatal(err)
				}
				crds = append(crds, crd)
			}
		}
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory: assets, ControlPlaneStartTimeout: 2 * time.Minute, ControlPlaneStopTimeout: time.Minute,
		CRDInstallOptions: envtest.CRDInstallOptions{CRDs: crds, MaxTime: patience},
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
	c, err := cluster.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return &apiServer{env, config, c}
}

func documents(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
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

func (a *apiServer) make(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := a.Create(t.Context(), o); err != nil {
			t.Fatalf("creating %s: %v", o.GetName(), err)
		}
	}
}

// A refusals notes what the API server forbids.
type refusals struct {
	next http.RoundTripper
	mu   sync.Mutex
	all  []string
}

func (r *refusals) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := r.next.RoundTrip(req)
	if err == nil && res.StatusCode == http.StatusForbidden {
		r.mu.Lock()
		r.all = append(r.all, req.Method+" "+req.URL.Path)
		r.mu.Unlock()
	}
	return res, err
}

// run starts both reconcilers with exactly the rights that the scaler is shipped with.
func (a *apiServer) run(t *testing.T, decided func(promised.Service) *autoscaler.Decision) *refusals {
	t.Helper()
	a.make(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "flyball-system"}})
	for _, path := range []string{"config/scaler/role.yaml", "config/scaler/service-account.yaml"} {
		for _, o := range documents(t, path) {
			a.make(t, o)
		}
	}
	config := rest.CopyConfig(a.config)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:flyball-system:flyball-scaler",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:flyball-system", "system:authenticated"},
	}
	refused := &refusals{}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { refused.next = next; return refused })
	scheme, err := cluster.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	ctrl.SetLogger(testr.New(t))
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"}, Logger: testr.New(t),
		Client: client.Options{Cache: &client.CacheOptions{Unstructured: true}}, Cache: promised.Cached(),
	})
	if err != nil {
		t.Fatal(err)
	}
	from, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		t.Fatal(err)
	}
	kinds := cluster.NewKinds(from, mgr.GetLogger(), kserve.InferenceServiceKind, kserve.ScaledObjectKind, v1alpha1.Kind)
	services := promised.New(promised.Settings{Most: 9}, mgr.GetClient(), mgr.GetEventRecorder(kserve.Manager), func() bool { return true },
		func() bool { return kinds.Served(kserve.InferenceServiceKind) })
	r := &Reconciler{
		Settings: Settings{Address: "flyball-scaler.flyball-system:9443"}, Client: mgr.GetClient(), Live: mgr.GetAPIReader(),
		Events: mgr.GetEventRecorder(kserve.Manager), KEDA: func() bool { return services.Follows() && kinds.Served(kserve.ScaledObjectKind) },
		KServe: func() bool { return kinds.Served(kserve.InferenceServiceKind) }, Services: services, Decided: decided, Now: time.Now,
	}
	for _, one := range []manager.Runnable{
		kinds, manager.RunnableFunc(func(ctx context.Context) error { return services.Setup(ctx, mgr, kinds) }),
		manager.RunnableFunc(func(ctx context.Context) error { return r.Setup(ctx, mgr, kinds) }),
	} {
		if err := mgr.Add(one); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("running the scaler: %v", err)
		}
	})
	return refused
}

// eventually fails the test unless it comes to be.
func eventually(t *testing.T, want string, got func() string) {
	t.Helper()
	deadline, tick := time.NewTimer(patience), time.NewTicker(100*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		now := got()
		if now == want {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%q after %v, want %q", now, patience, want)
		case <-tick.C:
		}
	}
}

// kubectl is what a user sees.
func (a *apiServer) kubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	user, err := a.env.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), root+"/bin/lab/kubectl", append([]string{"--kubeconfig", path}, arguments...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %v: %v, %s", arguments, err, out)
	}
	t.Logf("$ kubectl %s\n%s", strings.Join(arguments, " "), out)
	return string(out)
}

// advised wants the ScaledObject gone, and nothing else changed, once an object only advises,
// and made again when it is handed over.
func (a *apiServer) advised(t *testing.T, ready func() string) {
	t.Helper()
	there := func() string {
		err := a.Get(t.Context(), key("first"), cluster.NewObject(kserve.ScaledObjectKind))
		if err == nil {
			return "there"
		}
		return string(apierrors.ReasonForError(err))
	}
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "theirs", Namespace: "demo"}}
	hpa.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "llama"}
	hpa.Spec.MaxReplicas = 3
	second := stated("second", 0)
	second.UID = ""
	if err := a.Delete(t.Context(), second); err != nil { // the target would be its
		t.Fatal(err)
	}
	before := &appsv1.Deployment{}
	if err := a.Get(t.Context(), key("llama"), before); err != nil {
		t.Fatal(err)
	}
	a.kubectl(t, "patch", "ias", "first", "-n", "demo", "--type=merge", "-p", `{"spec":{"engine":"advise"}}`)
	eventually(t, "True Advising", ready)
	eventually(t, "NotFound", there)
	a.make(t, hpa)
	o := &v1alpha1.InferenceAutoscaler{}
	if err := a.Get(t.Context(), key("first"), o); err != nil {
		t.Fatal(err)
	}
	a.kubectl(t, "get", "inferenceautoscaler", "-A")
	a.kubectl(t, "describe", "ias", "first", "-n", "demo")
	arguments := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(autoscaler.HandOver(o), "kubectl "), "'", ""))
	a.kubectl(t, arguments...)
	eventually(t, "False AnotherAutoscaler", ready)
	if err := a.Delete(t.Context(), hpa); err != nil {
		t.Fatal(err)
	}
	eventually(t, "there", there)
	after := &appsv1.Deployment{}
	if err := a.Get(t.Context(), key("llama"), after); err != nil || after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the Deployment was written: %v, %s, before %s", err, after.ResourceVersion, before.ResourceVersion)
	}
}

// From the object to its status on a real API server, with exactly the shipped rights, and
// what kubectl shows of it. INV-1 and INV-2.
func TestShipped(t *testing.T) {
	a := start(t)
	n := demo()
	a.make(t, n)
	refused := a.run(t, func(promised.Service) *autoscaler.Decision {
		return &autoscaler.Decision{Replicas: 3, Pods: 2, Read: 2}
	})
	d := deployment()
	d.UID, d.Spec.Template.Labels = "", d.Spec.Selector.MatchLabels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "vllm", Image: "vllm"}}
	first, second := stated("first", 0), stated("second", 0)
	first.UID, second.UID = "", ""
	a.make(t, d, first)
	ready := func(name string) func() string {
		return func() string {
			o := &v1alpha1.InferenceAutoscaler{}
			if err := a.Get(t.Context(), key(name), o); err != nil {
				return err.Error()
			}
			return reason(o)
		}
	}
	eventually(t, "Unknown WaitingForKEDA", ready("first"))
	a.make(t, second)
	eventually(t, "False TargetTaken", ready("second"))

	raw := cluster.NewObject(kserve.ScaledObjectKind)
	if err := a.Get(t.Context(), key("first"), raw); err != nil {
		t.Fatal(err)
	}
	raw.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}} // KEDA's word
	if err := a.Status().Update(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	eventually(t, "True Following", ready("first"))
	for arguments, want := range map[string]string{
		"explain inferenceautoscaler.spec.objectives": "nine of ten",
		"get inferenceautoscaler -A":                  "TargetTaken",
		"describe ias second -n demo":                 "kubectl delete inferenceautoscaler second -n demo",
	} {
		if out := a.kubectl(t, strings.Fields(arguments)...); !strings.Contains(out, want) {
			t.Errorf("kubectl %s: no %q", arguments, want)
		}
	}
	a.kubectl(t, "describe", "ias", "first", "-n", "demo")
	a.advised(t, ready("first"))
	// No garbage collector runs: what it would follow.
	if owner := raw.GetOwnerReferences(); len(owner) != 1 || owner[0].Kind != v1alpha1.Kind.Kind || owner[0].Name != "first" {
		t.Errorf("the ScaledObject's owners are %v", owner)
	}
	refused.mu.Lock()
	defer refused.mu.Unlock()
	if len(refused.all) > 0 {
		t.Errorf("forbidden: %q", refused.all)
	}
}
