//go:build e2e

package autoscalers

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	settings "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/native"
	"github.com/flyball-dev/flyball/internal/kube/promised"
)

// run starts both reconcilers with exactly the rights that the scaler is shipped with.
func run(t *testing.T, a *kubetest.APIServer, decided func(promised.Service) *autoscaler.Decision) *kubetest.Requests {
	t.Helper()
	a.Namespace(t, "flyball-system")
	a.CreateFiles(t, "config/scaler/role.yaml", "config/scaler/service-account.yaml")
	asked := &kubetest.Requests{}
	scheme, err := cluster.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	ctrl.SetLogger(testr.New(t))
	mgr, err := ctrl.NewManager(asked.Watch(a.As("flyball-scaler")), ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"}, Logger: testr.New(t),
		Client: client.Options{Cache: &client.CacheOptions{Unstructured: true}}, Cache: promised.Cached(false),
		Controller: settings.Controller{SkipNameValidation: new(true)}, // each test has its own
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
		KServe: func() bool { return kinds.Served(kserve.InferenceServiceKind) }, Services: services, Decided: decided, Now: time.Now, Reading: cluster.NewReading(),
		Scales: native.New(mgr.GetClient(), mgr.GetEventRecorder(kserve.Manager), decided, func() <-chan struct{} { return nil }, time.Second),
	}
	if err := r.Scales.Setup(mgr); err != nil {
		t.Fatal(err)
	}
	for _, one := range []manager.Runnable{
		kinds, manager.RunnableFunc(func(ctx context.Context) error { return services.Setup(ctx, mgr, kinds) }),
		manager.RunnableFunc(func(ctx context.Context) error { return r.Follow(ctx, mgr, kinds) }),
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
	return asked
}

// advised wants the ScaledObject gone, and nothing else changed, once an object only advises,
// and made again when it is handed over.
func advised(t *testing.T, a *kubetest.APIServer, ready func() string) {
	t.Helper()
	there := func() string {
		err := a.Admin.Get(t.Context(), key("first"), cluster.NewObject(kserve.ScaledObjectKind))
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
	if err := a.Admin.Delete(t.Context(), second); err != nil { // the target would be its
		t.Fatal(err)
	}
	before := &appsv1.Deployment{}
	if err := a.Admin.Get(t.Context(), key("llama"), before); err != nil {
		t.Fatal(err)
	}
	a.Kubectl(t, "patch", "ias", "first", "-n", "demo", "--type=merge", "-p", `{"spec":{"engine":"advise"}}`)
	kubetest.Eventually(t, "first", "True Advising", ready)
	kubetest.Eventually(t, "its ScaledObject", "NotFound", there)
	a.Create(t, hpa)
	o := &v1alpha1.InferenceAutoscaler{}
	if err := a.Admin.Get(t.Context(), key("first"), o); err != nil {
		t.Fatal(err)
	}
	a.Kubectl(t, "get", "inferenceautoscaler", "-A")
	a.Kubectl(t, "describe", "ias", "first", "-n", "demo")
	arguments := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(autoscaler.HandOver(o), "kubectl "), "'", ""))
	a.Kubectl(t, arguments...)
	kubetest.Eventually(t, "first", "False AnotherAutoscaler", ready)
	if err := a.Admin.Delete(t.Context(), hpa); err != nil {
		t.Fatal(err)
	}
	kubetest.Eventually(t, "its ScaledObject", "there", there)
	after := &appsv1.Deployment{}
	if err := a.Admin.Get(t.Context(), key("llama"), after); err != nil || after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the Deployment was written: %v, %s, before %s", err, after.ResourceVersion, before.ResourceVersion)
	}
}

// From the object to its status on a real API server, with exactly the shipped rights, and
// what kubectl shows of it. INV-1 and INV-2.
func TestShipped(t *testing.T) {
	a := kubetest.StartAPIServer(t)
	a.InstallCRDs(t, kubetest.KEDA, "config/crd/flyball.dev_inferenceautoscalers.yaml")
	a.Create(t, demo())
	asked := run(t, a, func(promised.Service) *autoscaler.Decision {
		return &autoscaler.Decision{Replicas: 3, Pods: 2, Read: 2}
	})
	first, second := stated("first", 0), stated("second", 0)
	first.UID, second.UID = "", ""
	a.Create(t, whole(), first)
	ready := func(name string) func() string { return isReady(t, a, name) }
	kubetest.Eventually(t, "first", "Unknown WaitingForKEDA", ready("first"))
	a.Create(t, second)
	kubetest.Eventually(t, "second", "False TargetTaken", ready("second"))

	raw := cluster.NewObject(kserve.ScaledObjectKind)
	if err := a.Admin.Get(t.Context(), key("first"), raw); err != nil {
		t.Fatal(err)
	}
	raw.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}} // KEDA's word
	if err := a.Admin.Status().Update(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	kubetest.Eventually(t, "first", "True Following", ready("first"))
	for arguments, want := range map[string]string{
		"explain inferenceautoscaler.spec.objectives": "nine of ten",
		"get inferenceautoscaler -A":                  "TargetTaken",
		"describe ias second -n demo":                 "kubectl delete inferenceautoscaler second -n demo",
	} {
		if out := a.Kubectl(t, strings.Fields(arguments)...); !strings.Contains(out, want) {
			t.Errorf("kubectl %s: no %q", arguments, want)
		}
	}
	a.Kubectl(t, "describe", "ias", "first", "-n", "demo")
	advised(t, a, ready("first"))
	// No garbage collector runs: what it would follow.
	if owner := raw.GetOwnerReferences(); len(owner) != 1 || owner[0].Kind != v1alpha1.Kind.Kind || owner[0].Name != "first" {
		t.Errorf("the ScaledObject's owners are %v", owner)
	}
	if refused := asked.Forbidden(); len(refused) > 0 {
		t.Errorf("forbidden: %q", refused)
	}
}

// Where KEDA is not installed one that only advises does, and another one waits for KEDA.
func TestAdvisesWithoutKEDA(t *testing.T) {
	a := kubetest.StartAPIServer(t)
	a.InstallCRDs(t, "config/crd/flyball.dev_inferenceautoscalers.yaml")
	a.Create(t, demo())
	asked := run(t, a, func(promised.Service) *autoscaler.Decision {
		return &autoscaler.Decision{Replicas: 3, Pods: 2, Read: 2}
	})
	advises, scales := stated("advises", 0), stated("scales", 0)
	advises.Spec.Engine, advises.UID, scales.UID = v1alpha1.Advise, "", ""
	a.Create(t, whole(), advises, scales)
	kubetest.Eventually(t, "advises", "True Advising", isReady(t, a, "advises"))
	kubetest.Eventually(t, "scales", "False KEDAMissing", isReady(t, a, "scales"))
	if refused := asked.Forbidden(); len(refused) > 0 {
		t.Errorf("forbidden: %q", refused)
	}
}

// INV-5 on a real API server, without KEDA: what the shipped role forbids is said, and once the
// one of config/native is added the replicas are written, until an HPA comes.
func TestNativeShipped(t *testing.T) {
	a := kubetest.StartAPIServer(t)
	a.InstallCRDs(t, "config/crd/flyball.dev_inferenceautoscalers.yaml")
	a.Create(t, demo())
	run(t, a, func(promised.Service) *autoscaler.Decision {
		return &autoscaler.Decision{Was: 1, Replicas: 3, Pods: 2, Read: 2}
	})
	chat := scaled()
	chat.UID = ""
	a.Create(t, whole(), chat)
	ready := isReady(t, a, "chat")
	replicas := func() int32 {
		d := &appsv1.Deployment{}
		if err := a.Admin.Get(t.Context(), key("llama"), d); err != nil {
			t.Fatal(err)
		}
		return *d.Spec.Replicas
	}
	kubetest.Eventually(t, "chat", "False ScaleForbidden", ready)
	a.CreateFiles(t, "config/native/role.yaml")
	kubetest.Eventually(t, "the Deployment's replicas", 3, replicas)
	kubetest.Eventually(t, "chat", "True Following", ready)
	for arguments, want := range map[string]string{
		"describe ias chat -n demo": "Deployment llama goes from 1 to 3 replicas.",
		"get ias -A":                "native",
	} {
		kubetest.Eventually(t, want, true, func() bool { return strings.Contains(a.Kubectl(t, strings.Fields(arguments)...), want) })
	}
	hpa := hpaOn("mine", "")
	hpa.Spec.MaxReplicas = 3
	a.Create(t, hpa)
	kubetest.Eventually(t, "beside an HPA chat", "False AnotherAutoscaler", ready)
	a.Kubectl(t, "scale", "deployment", "llama", "-n", "demo", "--replicas=1") // which would be raised again
	a.Kubectl(t, "delete", "ias", "chat", "-n", "demo")
	if got := replicas(); got != 1 {
		t.Errorf("%d replicas, want the 1 that was set by hand", got)
	}
}

// whole is the Deployment as an API server takes it.
func whole() *appsv1.Deployment {
	d := deployment()
	d.UID, d.Spec.Template.Labels = "", d.Spec.Selector.MatchLabels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "vllm", Image: "vllm"}}
	return d
}

// isReady is what Ready says.
func isReady(t *testing.T, a *kubetest.APIServer, name string) func() string {
	return func() string {
		o := &v1alpha1.InferenceAutoscaler{}
		if err := a.Admin.Get(t.Context(), key(name), o); err != nil {
			return err.Error()
		}
		return reason(o)
	}
}
