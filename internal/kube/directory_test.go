//go:build e2e

package kube

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/directory"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A listener keeps what a Directory told last.
type listener struct {
	*directory.Directory
	mu    sync.Mutex
	last  []explain.Backend
	times int
}

// directory runs one with exactly the shipped rights of a gateway.
func (a *apiServer) directory(t *testing.T) (*listener, *kubetest.Requests) {
	t.Helper()
	a.Namespace(t, "flyball-system")
	a.CreateFiles(t, "config/gateway/service-account.yaml", "config/gateway/role.yaml")
	ctrl.SetLogger(testr.New(t))
	r := &kubetest.Requests{}
	d, err := directory.New(r.Watch(a.As(inbox.Account)), "flyball-system", testr.New(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{Directory: d}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, l.hear) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	return l, r
}

func (l *listener) hear(all []explain.Backend) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.times = all, l.times+1
}

// says what was told last, in one line.
func (l *listener) says() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times == 0 {
		return "nothing yet"
	}
	var all []string
	for _, b := range l.last {
		all = append(all, fmt.Sprintf("%s/%s %v%v%d %s", b.Namespace, b.Name, b.Models, b.Pods, b.Starting, b.Stuck))
	}
	return strings.Join(all, "\n")
}

func (l *listener) eventually(t *testing.T, want string) {
	t.Helper()
	kubetest.Eventually(t, "told", want, l.says)
}

func TestDirectory(t *testing.T) {
	a := startAPIServer(t)
	l, asked := a.directory(t)
	l.eventually(t, "nothing yet")
	a.InstallCRDs(t, kubetest.KServe)
	l.eventually(t, "")

	s := a.service(t, "demo", "minReplicas: 1", "minReplicas: 0")
	l.eventually(t, "demo/llama [][]0 ")
	d := a.deployment(t, s)
	l.eventually(t, "demo/llama [m][]0 at zero, and KEDA is not installed")
	a.InstallCRDs(t, kubetest.KEDA)
	l.eventually(t, "demo/llama [m][]0 ")
	so := s.kserves()
	so.SetAnnotations(map[string]string{"autoscaling.keda.sh/paused": "true"})
	a.Create(t, so)
	l.eventually(t, "demo/llama [m][]0 paused by the ScaledObject's annotation "+"autoscaling.keda.sh/paused"+"=true")
	s.patch(kserve.ScaledObjectKind.Kind, `{"metadata":{"annotations":null}}`)
	l.eventually(t, "demo/llama [m][]0 ")

	a.uninstallCRDs(t, "keda.sh")
	l.eventually(t, "demo/llama [m][]0 at zero, and KEDA is not installed")
	a.InstallCRDs(t, kubetest.KEDA)
	l.eventually(t, "demo/llama [m][]0 ")

	s.patch(kserve.InferenceServiceKind.Kind, `{"spec":{"predictor":{"autoScaling":null}}}`)
	l.eventually(t, unscaled)
	a.autoscaled(t, s, l)
	a.Create(t, s.promise())
	l.eventually(t, "demo/llama [m][]0 ")

	d.Spec.Replicas = new(int32(1))
	if err := a.Admin.Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	l.eventually(t, "demo/llama [m][]1 ")
	p := a.readyPod(t)
	l.eventually(t, "demo/llama [m][{llama-1 10.0.0.1:8000}]0 ")
	began := time.Now()
	if err := a.Admin.Delete(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	l.eventually(t, "demo/llama [m][]1 ")
	t.Logf("a pod that terminates was left out after %s", time.Since(began).Round(time.Millisecond)) // looked for every 50 ms
	a.controllers(t)
	kubetest.Eventually(t, "controllers", "10.0.0.8:9444 10.0.0.9:9444", func() string { return strings.Join(l.Controllers(), " ") })

	if err := a.Admin.Delete(t.Context(), s.inferenceServiceObject()); err != nil {
		t.Fatal(err)
	}
	l.eventually(t, "")
	asked.NeedAll(t, "config/gateway/role.yaml")
}

const unscaled = "demo/llama [m][]0 at zero, and Flyball does not scale it: it has no autoScaling.metrics, " +
	"no ScaledObject that states objectives, and no InferenceAutoscaler that Flyball accepts"

// autoscaled has an InferenceAutoscaler of the engine native come and go, whose kind is installed
// late, and is in the end uninstalled.
func (a *apiServer) autoscaled(t *testing.T, s *guided, l *listener) {
	t.Helper()
	a.InstallCRDs(t, "config/crd/flyball.dev_inferenceautoscalers.yaml")
	by := &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: s.key.Namespace, Name: "promise"}, Spec: v1alpha1.Spec{
		TargetRef: v1alpha1.TargetRef{APIVersion: "serving.kserve.io/v1beta1", Kind: kserve.InferenceServiceKind.Kind, Name: s.key.Name},
		Replicas:  v1alpha1.Replicas{Min: new(int32(0)), Max: 8}, Engine: v1alpha1.Native,
		Objectives: []v1alpha1.Objective{{Metric: v1alpha1.TTFT, Quantile: .9, Target: "3s"}},
	}}
	a.Create(t, by)
	say := func(status metav1.ConditionStatus, reason string) {
		t.Helper()
		meta.SetStatusCondition(&by.Status.Conditions, metav1.Condition{Type: v1alpha1.Ready, Status: status, Reason: reason})
		if err := a.Admin.Status().Update(t.Context(), by); err != nil {
			t.Fatal(err)
		}
	}
	say(metav1.ConditionTrue, "Following")
	l.eventually(t, "demo/llama [m][]0 ")
	say(metav1.ConditionFalse, "ScaleForbidden")
	l.eventually(t, unscaled)
	say(metav1.ConditionUnknown, "Waiting")
	l.eventually(t, "demo/llama [m][]0 ")
	target := func(name string) {
		t.Helper()
		by.Spec.TargetRef.Name = name
		if err := a.Admin.Update(t.Context(), by); err != nil {
			t.Fatal(err)
		}
	}
	target("another")
	l.eventually(t, unscaled)
	target(s.key.Name)
	l.eventually(t, "demo/llama [m][]0 ")
	a.uninstallCRDs(t, "flyball.dev")
	l.eventually(t, unscaled)
}

// promise is a ScaledObject of another name that states objectives.
func (s *guided) promise() client.Object {
	o := cluster.NewObject(kserve.ScaledObjectKind)
	o.SetNamespace(s.key.Namespace)
	o.SetName("promise")
	o.Object["spec"] = map[string]any{
		"scaleTargetRef": map[string]any{"name": "llama-predictor"},
		"triggers": []any{map[string]any{"type": objective.Push, "metadata": map[string]any{
			objective.AddressKey: "flyball-scaler.flyball-system:9443", objective.Key: "ttft:p90:3s",
		}}},
	}
	return o
}

func (s *guided) inferenceServiceObject() client.Object {
	o := cluster.NewObject(kserve.InferenceServiceKind)
	o.SetNamespace(s.key.Namespace)
	o.SetName(s.key.Name)
	return o
}

// deployment is what KServe makes, at zero.
func (a *apiServer) deployment(t *testing.T, s *guided) *appsv1.Deployment {
	t.Helper()
	labels := map[string]string{"app": "isvc.llama-predictor", kserve.ServiceLabel: "llama", kserve.ComponentLabel: "predictor"}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "llama-predictor", Namespace: s.key.Namespace, Labels: labels}}
	d.Spec.Replicas = new(int32(0))
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": labels["app"]}}
	d.Spec.Template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: serverSpec()}
	a.Create(t, d)
	return d
}

func serverSpec() corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{
		Name: vllm.ServingContainer, Image: "vllm", Args: []string{"--model", "m"}, Ports: []corev1.ContainerPort{{ContainerPort: 8000}},
	}}}
}

// readyPod stays while it terminates, because of its finalizer: no kubelet runs.
func (a *apiServer) readyPod(t *testing.T) *corev1.Pod {
	t.Helper()
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: "llama-1", Namespace: "demo", Finalizers: []string{"flyball.dev/test"},
		Labels: map[string]string{kserve.ServiceLabel: "llama", kserve.ComponentLabel: "predictor"},
	}, Spec: serverSpec()}
	p.Spec.AutomountServiceAccountToken = new(false)
	a.Create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: "demo"}}, p)
	p.Status.Phase, p.Status.PodIP = corev1.PodRunning, "10.0.0.1"
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	p.Status.PodIPs = []corev1.PodIP{{IP: "10.0.0.1"}}
	if err := a.Admin.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// controllers are two replicas, none of them ready, and a pod that is no controller.
func (a *apiServer) controllers(t *testing.T) {
	t.Helper()
	for name, ip := range map[string]string{"x": "10.0.0.9", "y": "10.0.0.8", "gateway": "10.0.0.7"} {
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "flyball-system", Labels: map[string]string{"app": config.Controller}},
			Spec: corev1.PodSpec{
				ServiceAccountName: inbox.Account, AutomountServiceAccountToken: new(false),
				Containers: []corev1.Container{{Name: "controller", Image: "flyball", Ports: []corev1.ContainerPort{
					{Name: directory.DemandPort, ContainerPort: 9444}, {Name: "metrics", ContainerPort: 8080},
				}}},
			},
		}
		if name == "gateway" {
			p.Labels["app"] = "flyball-gateway"
		}
		a.Create(t, p)
		p.Status.PodIP, p.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
		if err := a.Admin.Status().Update(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}
