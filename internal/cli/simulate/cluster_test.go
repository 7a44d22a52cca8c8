package simulate

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// INV-2.
func TestInCluster(t *testing.T) {
	service := kubetest.Untyped(t, kserve.InferenceServiceKind, kubetest.Service(t))
	service.SetUID("added")
	service.SetResourceVersion("7")
	service.SetAnnotations(map[string]string{kserve.ClassAnnotation: "external", "kubectl.kubernetes.io/last-applied-configuration": "added"})
	c := kubetest.Client(t, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "llama-predictor"}, Status: appsv1.DeploymentStatus{Replicas: 77},
	})
	text, err := InCluster(t.Context(), c, service)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kind: InferenceService", "kind: Deployment", kserve.ClassAnnotation + ": external", "---\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the manifests lack %q", want)
		}
	}
	for _, bad := range []string{"added", "resourceVersion", "status", "77"} {
		if strings.Contains(text, bad) {
			t.Errorf("the manifests have %q", bad)
		}
	}
}
