package doctor

import (
	"crypto/x509/pkix"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/authority"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// promise adds to a ward all that objective mode consists of.
func (w *ward) promise(t *testing.T) {
	t.Helper()
	w.objects = append(w.objects, deployment("flyball-system", "flyball-scaler", "flyball:v1"), shippedCRD(t), authentication(), enabled(autoscaler.Enabled), inDemo(v1alpha1.KEDA))
	w.sign(t, time.Now().Add(400*24*time.Hour), config.ScalerSecret("flyball-system"), config.KEDASecret("keda"))
}

// sign has one authority sign the certificates of Secrets.
func (w *ward) sign(t *testing.T, until time.Time, all ...config.CertificateSecret) {
	t.Helper()
	a, err := authority.New("flyball-scaler", until)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		p, err := a.Issue(pkix.Name{CommonName: s.Name}, s.Hosts...)
		if err != nil {
			t.Fatal(err)
		}
		w.replace(&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name},
			Data:       map[string][]byte{"tls.crt": p.Certificate, "tls.key": p.Key, "ca.crt": a.PEM},
		})
	}
}

func shippedCRD(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile("../../../config/crd/flyball.dev_inferenceautoscalers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	u := cluster.NewObject(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	if err := yaml.Unmarshal(text, &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

func authentication() *unstructured.Unstructured {
	u := cluster.NewObject(kserve.ScaledObjectKind.GroupVersion().WithKind("ClusterTriggerAuthentication"))
	u.SetName("flyball")
	return u
}

func enabled(label string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "demo", Labels: map[string]string{autoscaler.OptIn: label}}}
}

func inDemo(e v1alpha1.Engine) *v1alpha1.InferenceAutoscaler {
	a := &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "chat"}}
	a.Spec.Engine = e
	return a
}

// INV-5: of the Secrets what is told are names and ends.
func TestDoctorOnObjectives(t *testing.T) {
	w := healthy()
	w.promise(t)
	w.replace(inDemo(v1alpha1.Native))
	var got []Check
	for _, c := range w.examine(t) {
		if strings.Contains(c.Name, "certificate") || slices.Contains([]string{"scaler", "api inferenceautoscalers", "rights of the scaler", "engine native", "keda authentication", "objectives"}, c.Name) {
			c.Found, _, _ = strings.Cut(c.Found, ", until ")
			got = append(got, c)
		}
	}
	want := []Check{
		{OK, "scaler", "v1, 1 of 1 ready in namespace flyball-system", ""},
		{OK, "api inferenceautoscalers", "flyball.dev/v1alpha1", ""},
		{OK, "rights of the scaler", got[min(2, len(got)-1)].Found, ""}, // it counts the rules of config/
		{OK, "engine native", "ServiceAccount flyball-system/flyball-scaler has all 4 that config/ grants", ""},
		{OK, "scaler certificate", "Secret flyball-system/flyball-scaler-tls", ""},
		{OK, "keda certificate", "Secret keda/flyball-keda-tls", ""},
		{OK, "keda authentication", "ClusterTriggerAuthentication flyball", ""},
		{OK, "objectives", "enabled in all 1 namespaces that state any", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Examine: -want +got\n%s", diff)
	}
}

func objectiveIlls(t *testing.T) []illness {
	t.Helper()
	secret := func(name string) *corev1.Secret { return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}} }
	scaler, keda := config.ScalerSecret("flyball-system"), config.KEDASecret("keda")
	elsewhere := config.ScalerSecret("other")
	elsewhere.Namespace = "flyball-system"
	all := []illness{
		{"no scaler", func(w *ward) { w.remove(deployment("", "flyball-scaler", "")) }, "scaler", Fail, "no Deployment flyball-scaler in any namespace, and InferenceAutoscaler demo/chat states objectives"},
		{"a scaler that is down", func(w *ward) {
			d := deployment("flyball-system", "flyball-scaler", "flyball:v1")
			d.Status.ReadyReplicas = 0
			w.replace(d)
		}, "scaler", Fail, "0 of 1 ready"},
		{"no custom resource", func(w *ward) { w.remove(shippedCRD(t)) }, "api inferenceautoscalers", Fail, "no CustomResourceDefinition"},
		{"an older custom resource", func(w *ward) {
			crd := shippedCRD(t)
			versions := crd.Object["spec"].(map[string]any)["versions"].([]any)
			unstructured.RemoveNestedField(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "spec", "properties", "schedules")
			w.replace(crd)
		}, "api inferenceautoscalers", Warn, "differ from those of this flyball"},
		{"a scaler without rights", func(w *ward) { w.refused = []string{"list namespaces"} }, "rights of the scaler", Fail, "ServiceAccount flyball-system/flyball-scaler may not list namespaces"},
		{"native without the right", func(w *ward) {
			w.replace(inDemo(v1alpha1.Native))
			w.refused = []string{"update deployments/scale"}
		}, "engine native", Fail, "may not update deployments/scale.apps, which InferenceAutoscaler demo/chat needs"},
		{"no certificate", func(w *ward) { w.remove(secret(config.ScalerCertificate)) }, "scaler certificate", Fail, "no Secret flyball-system/flyball-scaler-tls"},
		{"an empty Secret", func(w *ward) {
			w.replace(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "keda", Name: config.KEDACertificate}})
		},
			"keda certificate", Fail, "lacks a certificate"},
		{"an expired certificate", func(w *ward) { w.sign(t, time.Now().Add(-time.Hour), scaler, keda) }, "scaler certificate", Fail, "has expired at"},
		{"one that nobody renews", func(w *ward) { w.sign(t, time.Now().Add(24*time.Hour), scaler, keda) }, "keda certificate", Warn, "expires at"},
		{"one of another namespace", func(w *ward) { w.sign(t, time.Now().Add(400*24*time.Hour), elsewhere, keda) },
			"scaler certificate", Fail, "is not valid for flyball-scaler.flyball-system, only for [flyball-scaler.other flyball-scaler.other.svc]"},
		{"two authorities", func(w *ward) { w.sign(t, time.Now().Add(400*24*time.Hour), keda) }, "keda certificate", Fail, "are signed by different authorities"},
		{"no authentication", func(w *ward) { w.remove(authentication()) }, "keda authentication", Fail, "no ClusterTriggerAuthentication flyball"},
		{"a namespace that is not enabled", func(w *ward) { w.replace(enabled("")) }, "objectives", Fail, "not enabled, in namespace demo (InferenceAutoscaler demo/chat)"},
		{"nothing stated", func(w *ward) { w.remove(inDemo(v1alpha1.KEDA)) }, "objectives", OK, "none stated yet"},
	}
	for i, c := range all {
		all[i].ill = func(w *ward) {
			w.promise(t)
			c.ill(w)
		}
	}
	return all
}
