//go:build e2e

package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/memory"
)

// INV-7: the whole scaler as config/scaler, with config/native, runs it, on a real API server with all custom
// resources. Neither KServe nor KEDA nor Prometheus runs.
func TestScalerRights(t *testing.T) {
	a := kubetest.StartAPIServer(t)
	a.InstallCRDs(t, kubetest.KServe, kubetest.KEDA, "config/crd/flyball.dev_inferenceautoscalers.yaml")
	a.Namespace(t, "flyball-system")
	a.CreateFiles(t, "config/scaler/role.yaml", "config/scaler/service-account.yaml", "config/native/role.yaml")
	asked := &kubetest.Requests{}
	pods := dam{"/api/v1/pods", make(chan struct{})}
	report := startScaler(t, a, asked, pods)
	kubetest.Eventually(t, "Deployments are read, and pods are not", true, func() bool { return asked.Used("apps/deployments watch") })
	if asked.Used("coordination.k8s.io/leases create") {
		t.Error("it asks for the lease before it has read all")
	}
	close(pods.open)
	kubetest.Eventually(t, "this replica leads", true, func() bool { return asked.Used("coordination.k8s.io/leases update") })
	t.Run("who may and who may not", func(t *testing.T) { testOptIn(t, a) })
	t.Run("an InferenceAutoscaler", func(t *testing.T) { testKept(t, a) })
	t.Run("an InferenceAutoscaler without KEDA", func(t *testing.T) { testNative(t, a) })
	t.Run("one at zero that a gateway holds requests for", func(t *testing.T) { testWoken(t, a, report) })
	t.Run("a stranger reports", func(t *testing.T) {
		kubetest.Eventually(t, "POST", http.StatusUnauthorized, func() int { return report("stranger", demand.Report{Gateway: "stranger"}) })
	})
	t.Run("what has been learned", func(t *testing.T) { testRemembered(t, a, asked) })
	t.Run("uses exactly its rights", func(t *testing.T) { asked.NeedAll(t, "config/scaler/role.yaml", "config/native/role.yaml") })
}

// A dam keeps requests for a path back until it is open.
type dam struct {
	path string
	open chan struct{}
}

func (d dam) before(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == d.path {
			select {
			case <-d.open:
			case <-req.Context().Done():
				return nil, req.Context().Err()
			}
		}
		return next.RoundTrip(req)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// startScaler has the command's own parts run with the scaler's account behind a dam, and returns what
// a report with a token is answered with; 0 where nobody listens.
func startScaler(t *testing.T, a *kubetest.APIServer, asked *kubetest.Requests, behind dam) (report func(token string, r demand.Report) int) {
	t.Helper()
	folder, authority := kubetest.Serving(t)
	gateways := kubetest.FreeAddress(t)
	o, flags := &scalerOptions{}, pflag.NewFlagSet("scaler", pflag.ContinueOnError)
	o.register(flags)
	if err := flags.Parse([]string{
		"--health-probe-bind-address=0", "--tick=2s", "--prometheus=http://" + kubetest.FreeAddress(t),
		"--bind-address=" + kubetest.FreeAddress(t), "--certificates=" + folder, "--peer-bind-address=" + kubetest.FreeAddress(t),
		"--demand-bind-address=" + gateways, "--demand-certificates=" + folder,
	}); err != nil {
		t.Fatal(err)
	}
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	account := asked.Watch(a.As("flyball-scaler"))
	account.Wrap(behind.before)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- o.start(ctx, account, slog.NewTextHandler(t.Output(), nil))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("running the scaler: %v", err)
		}
	})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}
	t.Cleanup(transport.CloseIdleConnections)
	return func(token string, r demand.Report) int {
		body, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+gateways+inbox.Path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			return 0
		}
		defer res.Body.Close()
		return res.StatusCode
	}
}

// testOptIn has a ScaledObject refused, accepted and refused once more, which is the same Event
// counted, and leaves it accepted, so that its pods are read.
func testOptIn(t *testing.T, a *kubetest.APIServer) {
	demo := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "demo"}}
	so := kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "stated"}}
	so.Spec.ScaleTargetRef.Name = "stated"
	so.Spec.MinReplicaCount = new(int32(1))
	so.Spec.Triggers = []kserve.Trigger{{Type: "external-push", Metadata: stated}}
	a.Create(t, demo, deployment("stated"), kubetest.Untyped(t, kserve.ScaledObjectKind, so))
	said := func(reason string, times int32) func() bool {
		return func() bool { return times == counted(t, a, reason) }
	}
	kubetest.Eventually(t, "refused", true, said("NamespaceNotEnabled", 1))
	for _, step := range []struct {
		label, reason string
		times         int32
	}{{autoscaler.Enabled, "ObjectivesAccepted", 1}, {"", "NamespaceNotEnabled", 2}, {autoscaler.Enabled, "ObjectivesAccepted", 2}} {
		demo.Labels = map[string]string{autoscaler.OptIn: step.label}
		if err := a.Admin.Update(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		kubetest.Eventually(t, step.reason, true, said(step.reason, step.times))
	}
}

// counted is how often something was said of the ScaledObject.
func counted(t *testing.T, a *kubetest.APIServer, reason string) int32 {
	t.Helper()
	var list corev1.EventList
	if err := a.Admin.List(t.Context(), &list, client.InNamespace("demo")); err != nil {
		t.Fatal(err)
	}
	for _, e := range list.Items {
		switch {
		case e.Reason != reason || e.InvolvedObject.Name != "stated":
		case e.Series != nil:
			return e.Series.Count
		default:
			return 1
		}
	}
	return 0
}

// testKept waits for the status and the ScaledObject, and has that go again.
func testKept(t *testing.T, a *kubetest.APIServer) {
	kept := &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "kept"}, Spec: v1alpha1.Spec{
		TargetRef: v1alpha1.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "kept"}, Replicas: v1alpha1.Replicas{Min: new(int32(1)), Max: 8},
		Objectives: []v1alpha1.Objective{{Metric: v1alpha1.TTFT, Quantile: .9, Target: "3s"}}, Engine: v1alpha1.KEDA,
	}}
	a.Create(t, deployment("kept"), kept)
	kubetest.Eventually(t, "its status and its ScaledObject", true, func() bool {
		so := cluster.NewObject(kserve.ScaledObjectKind)
		if a.Admin.Get(t.Context(), client.ObjectKeyFromObject(kept), kept) != nil || a.Admin.Get(t.Context(), client.ObjectKeyFromObject(kept), so) != nil {
			return false
		}
		return len(kept.Status.Conditions) > 0
	})
	advise := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"engine":"advise"}}`))
	if err := a.Admin.Patch(t.Context(), kept, advise); err != nil {
		t.Fatal(err)
	}
	kubetest.Eventually(t, "its ScaledObject is gone", true, func() bool {
		return apierrors.IsNotFound(a.Admin.Get(t.Context(), client.ObjectKeyFromObject(kept), cluster.NewObject(kserve.ScaledObjectKind)))
	})
}

// testNative waits for the minimum to be written to the scales of both kinds, of which nothing is
// measured.
func testNative(t *testing.T, a *kubetest.APIServer) {
	d := deployment("native")
	set := &appsv1.StatefulSet{ObjectMeta: d.ObjectMeta, Spec: appsv1.StatefulSetSpec{Selector: d.Spec.Selector, Template: d.Spec.Template}}
	a.Create(t, d, set)
	for _, kind := range []string{"Deployment", "StatefulSet"} {
		a.Create(t, &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: strings.ToLower(kind)}, Spec: v1alpha1.Spec{
			TargetRef: v1alpha1.TargetRef{APIVersion: "apps/v1", Kind: kind, Name: "native"}, Replicas: v1alpha1.Replicas{Min: new(int32(2)), Max: 8},
			Objectives: []v1alpha1.Objective{{Metric: v1alpha1.TTFT, Quantile: .9, Target: "3s"}}, Engine: v1alpha1.Native,
		}})
	}
	kubetest.Eventually(t, "both have 2 replicas", true, func() bool {
		if a.Admin.Get(t.Context(), client.ObjectKeyFromObject(d), d) != nil || a.Admin.Get(t.Context(), client.ObjectKeyFromObject(set), set) != nil {
			return false
		}
		return *d.Spec.Replicas == 2 && *set.Spec.Replicas == 2
	})
}

// testWoken has an InferenceService at zero stay there until a gateway reports that it holds a
// request for it.
func testWoken(t *testing.T, a *kubetest.APIServer, report func(token string, r demand.Report) int) {
	a.CreateFiles(t, "config/gateway/service-account.yaml")
	d := deployment("asleep-predictor")
	d.Labels = map[string]string{kserve.ServiceLabel: "asleep"}
	d.Spec.Replicas = new(int32(0))
	service := kubetest.Service(t)
	service.Name, service.Spec.Predictor.AutoScaling = "asleep", nil
	by := &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "asleep"}, Spec: v1alpha1.Spec{
		TargetRef:  v1alpha1.TargetRef{APIVersion: "serving.kserve.io/v1beta1", Kind: kserve.InferenceServiceKind.Kind, Name: "asleep"},
		Replicas:   v1alpha1.Replicas{Min: new(int32(0)), Max: 8},
		Objectives: []v1alpha1.Objective{{Metric: v1alpha1.TTFT, Quantile: .9, Target: "3s"}}, Engine: v1alpha1.Native,
	}}
	a.Create(t, kubetest.Untyped(t, kserve.InferenceServiceKind, service), d, by)
	kubetest.Eventually(t, "it is decided on, and gateways hold requests for it", true, func() bool {
		return a.Admin.Get(t.Context(), client.ObjectKeyFromObject(by), by) == nil && autoscaler.Wakes(by) && by.Status.DesiredReplicas != nil
	})
	if err := a.Admin.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil || *d.Spec.Replicas != 0 || *by.Status.DesiredReplicas != 0 {
		t.Fatalf("%d replicas of %d desired, error %v, want 0", *d.Spec.Replicas, *by.Status.DesiredReplicas, err)
	}
	token, held := gatewayToken(t, a, "gateway"), demand.Item{Namespace: "demo", Name: "asleep", Work: demand.Work{Held: 1}}
	began := time.Now()
	if got := report(token, demand.Report{Gateway: "gateway", Services: []demand.Item{held}}); got != http.StatusNoContent {
		t.Fatalf("POST = %d, want 204", got)
	}
	kubetest.Eventually(t, "it is woken", true, func() bool {
		return a.Admin.Get(t.Context(), client.ObjectKeyFromObject(d), d) == nil && *d.Spec.Replicas == 1
	})
	t.Logf("1 replica was written %s after the report", time.Since(began).Round(time.Millisecond)) // looked for every 50 ms
}

// gatewayToken is that of a gateway's pod.
func gatewayToken(t *testing.T, a *kubetest.APIServer, pod string) string {
	t.Helper()
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "flyball-system", Name: pod}, Spec: corev1.PodSpec{
		ServiceAccountName: inbox.Account, AutomountServiceAccountToken: new(false), Containers: []corev1.Container{{Name: pod, Image: "flyball"}},
	}}
	a.Create(t, p)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences: []string{inbox.Audience}, BoundObjectRef: &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod, UID: p.UID},
	}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: inbox.Account}}
	if err := a.Admin.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// testRemembered: what a scaler writes at its end, the next one writes again, and what it
// writes when nothing is left.
func testRemembered(t *testing.T, a *kubetest.APIServer, asked *kubetest.Requests) {
	c, err := cluster.NewClient(asked.Watch(a.As("flyball-scaler")))
	if err != nil {
		t.Fatal(err)
	}
	store := memory.Store{Reader: c, Writer: c, Namespace: "flyball-system"}
	one := []memory.Kept{{Namespace: "demo", Name: "stated", UID: "u", State: []byte("{}")}}
	for _, all := range [][]memory.Kept{one, one, nil} {
		if err := store.Write(t.Context(), 1, all); err != nil {
			t.Fatal(err)
		}
	}
}

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name}, Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}}}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "vllm", Image: "vllm"}}
	return d
}
