package leave

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// asked is the webhook's answer and the paths that it changes.
func askWebhook(t *testing.T, raw []byte) (admission.Response, []string) {
	t.Helper()
	response := webhook{testr.New(t)}.Handle(t.Context(), admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Namespace: "demo", Object: runtime.RawExtension{Raw: raw},
	}})
	var paths []string
	for _, p := range response.Patches {
		paths = append(paths, p.Operation+" "+p.Path)
	}
	slices.Sort(paths)
	return response, paths
}

func TestDrainWebhook(t *testing.T) {
	pod := func(image string) []byte {
		raw, err := json.Marshal(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "llama-1-"}, Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(30)), // KServe writes it
			Containers:                    []corev1.Container{{Name: vllm.ServingContainer, Image: image, Args: []string{"--model=/mnt/models", "--port=8080"}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		// a field that this program does not know
		return []byte(strings.Replace(string(raw), `"spec":{`, `"spec":{"fieldOfTomorrow":1,`, 1))
	}
	response, paths := askWebhook(t, pod("vllm/vllm-openai:v0.23.0"))
	want := []string{"add /spec/containers/0/args/2", "add /spec/containers/0/lifecycle", "replace /spec/terminationGracePeriodSeconds"}
	if !response.Allowed || !slices.Equal(paths, want) || len(response.Warnings) > 0 {
		t.Errorf("allowed %v with %q and warnings %q, want %q", response.Allowed, paths, response.Warnings, want)
	}
	response, paths = askWebhook(t, pod("tgi:3"))
	if !response.Allowed || len(paths) > 0 || len(response.Warnings) != 1 {
		t.Errorf("of another server: allowed %v with %q and warnings %q", response.Allowed, paths, response.Warnings)
	}
	if response, _ = askWebhook(t, []byte("{")); response.Allowed {
		t.Error("what is no pod was allowed, not left to the failure policy")
	}
}

// An expired certificate is skipped by the API server in silence.
func TestExpiredCertificateIsNotReady(t *testing.T) {
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	file := filepath.Join(t.TempDir(), "tls.crt")
	now := end
	check := validCertificate(file, func() time.Time { return now })
	if err := check(nil); err == nil {
		t.Error("no certificate is one that is good")
	}
	if err := os.WriteFile(file, kubetest.Certificate(t, end), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := check(nil); err != nil {
		t.Errorf("%v, want none until %s", err, end)
	}
	now = end.Add(time.Second)
	if err := check(nil); err == nil || !strings.Contains(err.Error(), "has expired") {
		t.Errorf("%v afterwards, want that it has expired", err)
	}
}
