package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// A ward is a healthy cluster; a test breaks one thing of it.
type ward struct {
	version  string
	apis     map[string][]string
	objects  []client.Object
	denied   []string // "verb resource", of everyone
	refused  []string // of the controller alone
	prom     func(w http.ResponseWriter, r *http.Request, query string)
	named    bool   // the user names Prometheus and its password
	limited  bool   // the controller names Prometheus
	tenants  string // what another ScaledObject names
	unserved error
}

func (w *ward) ServerVersion() (*version.Info, error) {
	return &version.Info{GitVersion: w.version}, w.unserved
}

func (w *ward) ServerResourcesForGroupVersion(gv string) (*metav1.APIResourceList, error) {
	names, ok := w.apis[gv]
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, gv)
	}
	list := &metav1.APIResourceList{}
	for _, n := range names {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: n})
	}
	return list, nil
}

func deployment(namespace, name, image string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Image: image}}
	d.Spec.Template.Spec.ServiceAccountName = name
	d.Status.ReadyReplicas = 1
	return d
}

func webhook(name, group, resource, service string, policy admissionv1.FailurePolicyType) *admissionv1.ValidatingWebhookConfiguration {
	namespace, service, _ := strings.Cut(service, "/")
	return &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name: name,
			ClientConfig: admissionv1.WebhookClientConfig{
				Service: &admissionv1.ServiceReference{Namespace: namespace, Name: service}, CABundle: []byte("ca"),
			},
			Rules: []admissionv1.RuleWithOperations{{
				Rule: admissionv1.Rule{APIGroups: []string{group}, Resources: []string{resource}},
			}},
			FailurePolicy: &policy,
		}},
	}
}

// drainWebhook is Flyball's own, with a caBundle.
func drainWebhook(bundle []byte) *admissionv1.MutatingWebhookConfiguration {
	v := webhook("flyball-drain", "", "pods", "flyball-system/flyball-drain-webhook", admissionv1.Ignore).Webhooks[0]
	v.ClientConfig.CABundle = bundle
	other := v.ClientConfig
	other.Service = &admissionv1.ServiceReference{Namespace: "istio-system", Name: "istiod"}
	return &admissionv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "pods"},
		Webhooks: []admissionv1.MutatingWebhook{
			{Name: "service.drain", ClientConfig: v.ClientConfig, Rules: v.Rules, FailurePolicy: v.FailurePolicy},
			{Name: "somebody else's", ClientConfig: other, Rules: v.Rules},
		},
	}
}

func hookService(namespace, name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": name}},
	}
}

func podBehind(namespace, service string, ready corev1.ConditionStatus) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: service, Labels: map[string]string{"app": service}},
		Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
	}
}

func externalMetricsAPI(service string, available apiregistrationv1.ConditionStatus) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: "v1beta1.external.metrics.k8s.io"},
		Spec:       apiregistrationv1.APIServiceSpec{Service: &apiregistrationv1.ServiceReference{Namespace: "keda", Name: service}},
		Status: apiregistrationv1.APIServiceStatus{Conditions: []apiregistrationv1.APIServiceCondition{{
			Type: apiregistrationv1.Available, Status: available, Reason: "FailedDiscoveryCheck", Message: "no route to host",
		}}},
	}
}

func healthy() *ward {
	return &ward{
		version: "v1.36.3",
		apis: map[string][]string{
			"serving.kserve.io/v1beta1": {"inferenceservices"},
			"keda.sh/v1alpha1":          {"scaledobjects", "triggerauthentications"},
			"autoscaling/v2":            {"horizontalpodautoscalers"},
		},
		objects: []client.Object{
			deployment("kserve", "kserve-controller-manager", "kserve/kserve-controller:v0.19.0"),
			deployment("keda", "keda-operator", "ghcr.io/kedacore/keda:2.21.0"),
			deployment("keda", "keda-metrics-apiserver", "ghcr.io/kedacore/keda-metrics-apiserver:2.21.0@sha256:0"),
			deployment("flyball-system", "flyball-controller", "flyball"),
			externalMetricsAPI("keda-metrics-apiserver", apiregistrationv1.ConditionTrue),
			webhook("keda-admission", "keda.sh", "scaledobjects", "keda/keda-admission-webhooks", admissionv1.Ignore),
			webhook("kserve", "serving.kserve.io", "inferenceservices", "kserve/kserve-webhook", admissionv1.Fail),
			hookService("keda", "keda-admission-webhooks"), podBehind("keda", "keda-admission-webhooks", corev1.ConditionTrue),
			hookService("kserve", "kserve-webhook"), podBehind("kserve", "kserve-webhook", corev1.ConditionTrue),
			drainWebhook([]byte("ca")),
			hookService("flyball-system", "flyball-drain-webhook"), podBehind("flyball-system", "flyball-drain-webhook", corev1.ConditionTrue),
		},
		named: true, limited: true,
		prom: func(w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 3) },
	}
}

func answer(w http.ResponseWriter, count int) {
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"%d"]}]}}`, count)
}

// replace puts an object in the place of the one of the same kind and name.
func (w *ward) replace(o client.Object) {
	w.remove(o)
	w.objects = append(w.objects, o)
}

func (w *ward) remove(o client.Object) {
	w.objects = slices.DeleteFunc(w.objects, func(x client.Object) bool {
		return x.GetName() == o.GetName() && fmt.Sprintf("%T", x) == fmt.Sprintf("%T", o)
	})
}

// examine runs the doctor; a ScaledObject names the Prometheus of the ward.
func (w *ward) examine(t *testing.T) []Check {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.prom(rw, r, r.FormValue("query"))
	}))
	t.Cleanup(server.Close)
	so := &kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "llama-predictor"}}
	so.Spec.Triggers = []kserve.Trigger{{Type: "prometheus", Metadata: map[string]string{"serverAddress": server.URL + "/"}}}
	theirs := &kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "theirs-predictor"}}
	theirs.Spec.Triggers = []kserve.Trigger{{Type: "prometheus", Metadata: map[string]string{"serverAddress": w.tenants}}}
	for _, o := range w.objects {
		if d, ok := o.(*appsv1.Deployment); ok && d.Name == "flyball-controller" && w.limited {
			d.Spec.Template.Spec.Containers[0].Args = []string{"controller", "--metric-servers=" + server.URL}
		}
	}
	allowed := func(a *authorizationv1.ResourceAttributes, more ...string) bool {
		return a.Resource != "secrets" && !slices.Contains(append(more, w.denied...), a.Verb+" "+a.Resource)
	}
	d := Doctor{
		Served: w, HTTP: server.Client(), Shipped: os.DirFS("../../../config"),
		Cluster: interceptor.NewClient(kubetest.Client(t, append(w.objects, kubetest.Untyped(t, kserve.ScaledObjectKind, so), kubetest.Untyped(t, kserve.ScaledObjectKind, theirs))...), interceptor.Funcs{
			Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) error {
				switch r := o.(type) {
				case *authorizationv1.SubjectAccessReview:
					if !slices.Contains([]string{"system:serviceaccount:flyball-system:flyball-controller", "system:serviceaccount:flyball-system:flyball-scaler"}, r.Spec.User) {
						return fmt.Errorf("asked for %s", r.Spec.User)
					}
					r.Status.Allowed = allowed(r.Spec.ResourceAttributes, w.refused...)
				case *authorizationv1.SelfSubjectAccessReview:
					r.Status.Allowed = allowed(r.Spec.ResourceAttributes)
				default:
					return fmt.Errorf("the doctor created a %T", o)
				}
				return nil
			},
		}),
	}
	if w.named {
		d.Prometheus = Prometheus{server.URL, "admin", "secret"}
	}
	checks, err := d.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range checks {
		checks[i].Found = strings.ReplaceAll(checks[i].Found, server.URL, "URL")
		checks[i].Fix = strings.ReplaceAll(checks[i].Fix, server.URL, "URL")
	}
	return checks
}

// INV-1.
func TestDoctorOnHealthyCluster(t *testing.T) {
	want := []Check{
		{OK, "kubernetes", "v1.36.3", ""},
		{OK, "kserve", "v0.19.0, 1 of 1 ready in namespace kserve", ""},
		{OK, "keda", "2.21.0, 1 of 1 ready in namespace keda", ""},
		{OK, "keda adapter", "2.21.0, 1 of 1 ready in namespace keda", ""},
		{OK, "flyball", "version unknown, 1 of 1 ready in namespace flyball-system", ""},
		{OK, "api inferenceservices", "serving.kserve.io/v1beta1", ""},
		{OK, "api scaledobjects", "keda.sh/v1alpha1", ""},
		{OK, "api triggerauthentications", "keda.sh/v1alpha1", ""},
		{OK, "api horizontalpodautoscalers", "autoscaling/v2", ""},
		{OK, "external metrics", "served by keda/keda-metrics-apiserver", ""},
		{OK, "webhook scaledobjects", "keda-admission by keda/keda-admission-webhooks", ""},
		{OK, "webhook inferenceservices", "kserve by kserve/kserve-webhook", ""},
		{OK, "webhook pods", "service.drain by flyball-system/flyball-drain-webhook", ""},
		{OK, "rights of flyball", "", ""},
		{OK, "your rights", "you may see all that flyball status -A shows", ""},
		{OK, "metric servers", "only URL may be asked", ""},
		{OK, "prometheus", "URL answers", ""},
		{OK, "vLLM series", "isvc_name and namespace on all 3", ""},
	}
	got := healthy().examine(t)
	for i, c := range got {
		if c.Name == "rights of flyball" {
			got[i].Found = "" // it counts the rules of config/
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Examine: -want +got\n%s", diff)
	}
}

// An illness is one thing wrong with a cluster, and what the doctor says of it.
type illness struct {
	name  string
	ill   func(*ward)
	check string
	want  Result
	found string // part of it
}

// INV-2 and INV-3.
func TestDoctorFinds(t *testing.T) {
	for _, c := range slices.Concat(clusterIlls(t), prometheusIlls(t), objectiveIlls(t)) {
		t.Run(c.name, func(t *testing.T) {
			w := healthy()
			c.ill(w)
			checks := w.examine(t)
			if !slices.ContainsFunc(checks, func(got Check) bool { return got.Name == c.check }) {
				t.Errorf("no check %q", c.check)
			}
			for _, got := range checks {
				switch {
				case got.Name == c.check && (got.Result != c.want || !strings.Contains(got.Found, c.found)):
					t.Errorf("%s = %s: %s, want %s: …%s…", got.Name, got.Result, got.Found, c.want, c.found)
				case got.Result != OK && got.Fix == "":
					t.Errorf("%s = %s: %s, without a fix", got.Name, got.Result, got.Found)
				}
			}
		})
	}
}

func clusterIlls(t *testing.T) []illness {
	t.Helper()
	return []illness{
		{"an old Kubernetes", func(w *ward) { w.version = "v1.34.9+k3s1" }, "kubernetes", Warn, "tolerance"},
		{"a Kubernetes built from source", func(w *ward) { w.version = "v0.0.0-master+$Format:%H$" }, "kubernetes", OK, "master"},
		{"no KServe", func(w *ward) { w.remove(deployment("", "kserve-controller-manager", "")) }, "kserve", Fail, "no Deployment"},
		{"an old KEDA", func(w *ward) { w.replace(deployment("keda", "keda-operator", "ghcr.io/kedacore/keda:2.17.2")) }, "keda", Warn, "need 2.18"},
		{"two KEDAs", func(w *ward) { w.objects = append(w.objects, deployment("other", "keda-operator", "keda:2.21.0")) }, "keda", Fail, "keda/keda-operator, other/keda-operator"},
		{"Flyball down", func(w *ward) {
			d := deployment("flyball-system", "flyball-controller", "flyball:v1")
			d.Status.ReadyReplicas = 0
			w.replace(d)
		}, "flyball", Fail, "v1, 0 of 1 ready"},
		{"no CRDs of KEDA", func(w *ward) { delete(w.apis, "keda.sh/v1alpha1") }, "api scaledobjects", Fail, "is not served"},
		{"half of the CRDs", func(w *ward) { w.apis["keda.sh/v1alpha1"] = []string{"scaledobjects"} }, "api triggerauthentications", Fail, "is not served"},
		{"nobody serves external metrics", func(w *ward) { w.remove(externalMetricsAPI("", "")) }, "external metrics", Fail, "no APIService"},
		{"another adapter", func(w *ward) { w.replace(externalMetricsAPI("datadog", apiregistrationv1.ConditionTrue)) }, "external metrics", Fail, "owned by keda/datadog"},
		{"an adapter that is away", func(w *ward) {
			w.replace(externalMetricsAPI("keda-metrics-apiserver", apiregistrationv1.ConditionFalse))
		}, "external metrics", Fail, "FailedDiscoveryCheck: no route to host"},
		{"no webhook", func(w *ward) { w.remove(webhook("keda-admission", "", "", "", "")) }, "webhook scaledobjects", Warn, "none: KEDA refuses no second"},
		{"a webhook that is away and skipped", func(w *ward) { w.replace(podBehind("keda", "keda-admission-webhooks", corev1.ConditionFalse)) }, "webhook scaledobjects", Warn, "no pod is ready"},
		{"a webhook that is away and refuses", func(w *ward) { w.replace(podBehind("kserve", "kserve-webhook", corev1.ConditionFalse)) }, "webhook inferenceservices", Fail, "no pod is ready"},
		{"a webhook without its Service", func(w *ward) { w.remove(hookService("", "kserve-webhook")) }, "webhook inferenceservices", Fail, "kserve/kserve-webhook does not exist"},
		{"a webhook that is not trusted", func(w *ward) {
			h := webhook("kserve", "serving.kserve.io", "inferenceservices", "kserve/kserve-webhook", admissionv1.Fail)
			h.Webhooks[0].ClientConfig.CABundle = nil
			w.replace(h)
		}, "webhook inferenceservices", Fail, "no caBundle"},
		{"a controller that is not asked about new pods", func(w *ward) {
			w.replace(podBehind("flyball-system", "flyball-drain-webhook", corev1.ConditionFalse))
		}, "webhook pods", Warn, "no pod is ready"},
		{"a webhook whose authority has expired", func(w *ward) { w.replace(drainWebhook(kubetest.Certificate(t, time.Now().Add(-time.Hour)))) }, "webhook pods", Warn, "its caBundle has expired at"},
		{"a missing right", func(w *ward) { w.refused = []string{"patch scaledobjects"} }, "rights of flyball", Fail, "may not patch scaledobjects.keda.sh"},
		{"a reader without rights", func(w *ward) { w.denied = []string{"list pods"} }, "your rights", Warn, "list pods"},
	}
}

func prometheusIlls(t *testing.T) []illness {
	return []illness{
		{"a wrong password", func(w *ward) {
			w.prom = func(rw http.ResponseWriter, r *http.Request, _ string) {
				if user, password, _ := r.BasicAuth(); user+password == "adminsecret" {
					rw.WriteHeader(http.StatusUnauthorized)
				}
			}
		}, "prometheus", Fail, "refuses the credentials"},
		{"no password", func(w *ward) {
			w.named = false
			w.prom = func(rw http.ResponseWriter, r *http.Request, _ string) {
				if _, _, sent := r.BasicAuth(); sent {
					t.Error("a password went to an address that the user has not named")
				}
				rw.WriteHeader(http.StatusUnauthorized)
			}
		}, "prometheus", Warn, "asks for credentials"},
		{"a redirect", func(w *ward) {
			w.prom = func(rw http.ResponseWriter, r *http.Request, _ string) {
				http.Redirect(rw, r, unasked(t), http.StatusFound)
			}
		}, "prometheus", Fail, "HTTP 302"},
		{"a redirect that keeps the method", func(w *ward) {
			w.prom = func(rw http.ResponseWriter, r *http.Request, _ string) {
				http.Redirect(rw, r, unasked(t), http.StatusTemporaryRedirect)
			}
		}, "prometheus", Fail, "HTTP 307"},
		{"no server named for the controller", func(w *ward) { w.limited = false }, "metric servers", Warn, "any: whoever writes an InferenceService"},
		{"a server named for the controller only", func(w *ward) { w.named = false }, "prometheus", OK, "URL answers"},
		{"no Prometheus", func(w *ward) {
			w.prom = func(rw http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(rw, "<html>") }
		}, "prometheus", Fail, "not Prometheus' JSON"},
		{"no series", func(w *ward) {
			w.prom = func(rw http.ResponseWriter, _ *http.Request, _ string) {
				fmt.Fprint(rw, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
			}
		}, "vLLM series", Warn, "no model pod is up"},
		{"null for a number", func(w *ward) {
			w.prom = func(rw http.ResponseWriter, _ *http.Request, _ string) {
				fmt.Fprint(rw, `{"status":"success","data":{"resultType":"vector","result":[null]}}`)
			}
		}, "prometheus", Fail, "no number"},
		{"no labels", func(w *ward) {
			w.prom = func(rw http.ResponseWriter, _ *http.Request, query string) {
				answer(rw, map[bool]int{true: 1, false: 4}[strings.Contains(query, `isvc_name!=""`)])
			}
		}, "vLLM series", Fail, "3 of 4 vLLM series lack isvc_name or namespace"},
	}
}

// unasked is a server that must not be asked.
func unasked(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	t.Cleanup(s.Close)
	return s.URL
}

// INV-4: this machine may reach what a tenant's pods do not.
func TestDoctorAsksNoTenantsServer(t *testing.T) {
	w := healthy()
	w.tenants = unasked(t) + "/x;id"
	i := slices.IndexFunc(w.examine(t), func(c Check) bool { return strings.Contains(c.Found, "is not asked from this machine") })
	got := w.examine(t)[max(i, 0)]
	want := Check{Warn, "prometheus", w.tenants + " is not asked from this machine: ScaledObject demo/theirs-predictor names it, and no administrator",
		"if you trust it: flyball doctor --prometheus '" + w.tenants + "'"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("of a tenant's server: -want +got\n%s", diff)
	}
	w = healthy()
	w.limited, w.named, w.prom = false, false, func(http.ResponseWriter, *http.Request, string) { t.Error("it was asked") }
	if !slices.ContainsFunc(w.examine(t), func(c Check) bool { return strings.HasPrefix(c.Found, "URL/ is not asked") }) {
		t.Error("of a server that nobody names: no word")
	}
}

func TestDoctorWithoutCluster(t *testing.T) {
	refused := errors.New("connection refused")
	if _, err := (Doctor{Served: &ward{unserved: refused}}).Examine(t.Context()); !errors.Is(err, refused) {
		t.Errorf("Examine = %v, want %v", err, refused)
	}
}

// TestStrangeNameIsNoFailure: names of Services mean something in the cluster only.
func TestStrangeNameIsNoFailure(t *testing.T) {
	d := Doctor{HTTP: &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "prometheus-operated.cpaas-system.svc"}}
		},
	}}}
	c := d.ask(t.Context(), "http://prometheus-operated.cpaas-system.svc:9090")
	if len(c) != 1 || c[0].Result != Warn || !strings.Contains(c[0].Fix, "--prometheus") {
		t.Errorf("ask = %v, want one warning", c)
	}
}
