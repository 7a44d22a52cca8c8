//go:build e2e && linux

package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// perNamespace is how many services a namespace has at most.
const perNamespace = 100

// atOnce is how many objects are made at the same time.
const atOnce = 16

// startup is what a pod takes to become ready.
const startup = 10 * time.Second

// A world is an API server, with a source and whoever keeps its Deployments' pods.
type world struct {
	*kubetest.APIServer
	*source
	client client.WithWatch
	folder string // of the scaler's certificates
	keda   string // of KEDA's
	config string // file

	mu      sync.Mutex
	scaled  map[types.NamespacedName][]scaled
	running map[types.NamespacedName][]string    // pods, the oldest first
	begins  map[types.NamespacedName][]time.Time // when pods began to run
	serves  map[types.NamespacedName][]time.Time // when they became ready
	made    int

	addresses atomic.Int32 // that pods have been given
}

// scaled is when a Deployment was given another number of replicas.
type scaled struct {
	at       time.Time
	replicas int
}

func newWorld(t *testing.T, every time.Duration) *world {
	t.Helper()
	log.SetLogger(logr.Discard())
	w := &world{
		APIServer: kubetest.StartAPIServer(t), source: newSource(t, every),
		scaled: map[types.NamespacedName][]scaled{}, running: map[types.NamespacedName][]string{},
		begins: map[types.NamespacedName][]time.Time{}, serves: map[types.NamespacedName][]time.Time{},
	}
	w.InstallCRDs(t, kubetest.KServe, kubetest.KEDA, "config/crd/flyball.dev_inferenceautoscalers.yaml")
	w.Namespace(t, config.Namespace)
	scheme, err := cluster.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	if w.client, err = client.NewWithWatch(w.Config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	w.config = w.Kubeconfig(t)
	w.folder, w.keda = certificates(t)
	return w
}

// names are those of so many services.
func names(n int) []types.NamespacedName {
	all := make([]types.NamespacedName, n)
	for i := range all {
		all[i] = types.NamespacedName{Namespace: fmt.Sprintf("team-%03d", i/perNamespace), Name: fmt.Sprintf("llama-%05d", i)}
	}
	return all
}

// make has services with one ready pod each, of which each is asked for by an object of its own.
func (w *world) make(t *testing.T, all []types.NamespacedName, rate func(i int) func(time.Time) float64, asks func(types.NamespacedName) client.Object) {
	t.Helper()
	began := time.Now()
	namespaces := map[string]bool{}
	for _, key := range all {
		if !namespaces[key.Namespace] {
			namespaces[key.Namespace] = true
			w.Create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: key.Namespace, Labels: map[string]string{autoscaler.OptIn: autoscaler.Enabled}}})
		}
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(atOnce)
	for i, key := range all {
		w.load(key, rate(i))
		group.Go(func() error {
			d := deployment(key)
			if err := w.client.Create(ctx, d); err != nil {
				return err
			}
			if err := w.start(ctx, key, key.Name+"-0"); err != nil {
				return err
			}
			if err := w.ready(ctx, key, key.Name+"-0"); err != nil {
				return err
			}
			d.Status = appsv1.DeploymentStatus{Replicas: 1, ReadyReplicas: 1}
			if err := w.client.Status().Update(ctx, d); err != nil {
				return err
			}
			return w.client.Create(ctx, asks(key))
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatalf("making %d services: %v", len(all), err)
	}
	t.Logf("%d services made in %.0f s", len(all), time.Since(began).Seconds())
}

func deployment(key types.NamespacedName) *appsv1.Deployment {
	labels := map[string]string{"app": key.Name}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, Labels: labels}}
	d.Spec = appsv1.DeploymentSpec{Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: labels}}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = container(0)
	return d
}

// container is an engine's, at a port if it is not 0.
func container(port int) []corev1.Container {
	c := corev1.Container{Name: "kserve-container", Image: "vllm"}
	if port > 0 {
		c.Ports = []corev1.ContainerPort{{ContainerPort: int32(port)}}
	}
	return []corev1.Container{c}
}

const objectives = "ttft:p90:3s, tpot:p90:100ms"

// trigger is what KEDA asks with.
func trigger() map[string]string {
	return map[string]string{"scalerAddress": config.Scaler + "." + config.Namespace + ":9443", "objectives": objectives}
}

// scaledObject states objectives for KEDA.
func scaledObject(t *testing.T) func(types.NamespacedName) client.Object {
	return func(key types.NamespacedName) client.Object {
		so := kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
		so.Spec.ScaleTargetRef.Name = key.Name
		so.Spec.MinReplicaCount, so.Spec.MaxReplicaCount = new(int32(1)), new(int32(8))
		so.Spec.Triggers = []kserve.Trigger{{Type: "external-push", Metadata: trigger()}}
		return kubetest.Untyped(t, kserve.ScaledObjectKind, so)
	}
}

// native has Flyball scale by itself.
func native(key types.NamespacedName) client.Object {
	return &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}, Spec: v1alpha1.Spec{
		TargetRef: v1alpha1.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: key.Name}, Replicas: v1alpha1.Replicas{Min: new(int32(1)), Max: 40},
		Objectives: []v1alpha1.Objective{{Metric: v1alpha1.TTFT, Quantile: .9, Target: "3s"}, {Metric: v1alpha1.TPOT, Quantile: .9, Target: "100ms"}},
		Engine:     v1alpha1.Native,
	}}
}

// start has a pod's container run.
func (w *world) start(ctx context.Context, key types.NamespacedName, name string) error {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: name, Labels: map[string]string{"app": key.Name}}}
	p.Spec = corev1.PodSpec{NodeName: "node", Containers: container(w.port)}
	if err := w.client.Create(ctx, p); err != nil {
		return err
	}
	now, ip := metav1.Now(), address(int(w.addresses.Add(1)))
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}, StartTime: &now, Conditions: []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: now},
		{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: now},
	}, ContainerStatuses: []corev1.ContainerStatus{{Name: "kserve-container", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}}}}
	if err := w.client.Status().Update(ctx, p); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begins[key] = append(w.begins[key], time.Now())
	return nil
}

// ready has one serve.
func (w *world) ready(ctx context.Context, key types.NamespacedName, name string) error {
	p := &corev1.Pod{}
	if err := w.client.Get(ctx, types.NamespacedName{Namespace: key.Namespace, Name: name}, p); err != nil {
		return err
	}
	p.Status.Conditions[1].Status, p.Status.Conditions[1].LastTransitionTime = corev1.ConditionTrue, metav1.Now()
	if err := w.client.Status().Update(ctx, p); err != nil {
		return err
	}
	if err := w.join(key, name, p.Status.PodIP); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serves[key] = append(w.serves[key], time.Now())
	if !slices.Contains(w.running[key], name) {
		w.running[key] = append(w.running[key], name)
	}
	return nil
}

// keep has as many pods of each Deployment as it asks for, until the test ends.
func (w *world) keep(t *testing.T) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	watched, err := w.client.Watch(ctx, &appsv1.DeploymentList{})
	if err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	group.Go(func() error {
		for e := range watched.ResultChan() {
			d, ok := e.Object.(*appsv1.Deployment)
			if !ok || !w.another(d) {
				continue
			}
			group.Go(func() error { return w.scale(ctx, client.ObjectKeyFromObject(d), int(*d.Spec.Replicas)) })
		}
		return nil
	})
	t.Cleanup(func() {
		cancel()
		watched.Stop()
		if err := group.Wait(); err != nil && ctx.Err() == nil {
			t.Errorf("keeping pods: %v", err)
		}
	})
}

// another notes a number of replicas that is not the last.
func (w *world) another(d *appsv1.Deployment) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, n := client.ObjectKeyFromObject(d), int(*d.Spec.Replicas)
	if last := w.scaled[key]; len(last) > 0 && last[len(last)-1].replicas == n {
		return false
	}
	w.scaled[key] = append(w.scaled[key], scaled{time.Now(), n})
	return true
}

// scale makes and removes pods, the newest first.
func (w *world) scale(ctx context.Context, key types.NamespacedName, n int) error {
	w.mu.Lock()
	var more, fewer []string
	for len(w.running[key]) < n {
		w.made++
		name := fmt.Sprintf("%s-%d", key.Name, w.made)
		w.running[key], more = append(w.running[key], name), append(more, name)
	}
	w.running[key], fewer = w.running[key][:n], slices.Clone(w.running[key][n:])
	w.mu.Unlock()
	for _, name := range fewer {
		w.leave(key, name)
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: name}}
		if err := w.client.Delete(ctx, p, client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	for _, name := range more {
		if err := w.start(ctx, key, name); err != nil {
			return err
		}
	}
	if err := w.count(ctx, key); err != nil || len(more) == 0 {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(startup):
	}
	for _, name := range more {
		if err := w.ready(ctx, key, name); client.IgnoreNotFound(err) != nil { // it may have been too many
			return err
		}
	}
	return w.count(ctx, key)
}

// count writes a Deployment's status.
func (w *world) count(ctx context.Context, key types.NamespacedName) error {
	w.mu.Lock()
	all := int32(len(w.running[key]))
	w.mu.Unlock()
	w.source.mu.RLock()
	ready := int32(len(w.services[key].pods))
	w.source.mu.RUnlock()
	status := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"status":{"replicas":%d,"readyReplicas":%d}}`, all, min(ready, all)))
	return w.client.Status().Patch(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}, status)
}
