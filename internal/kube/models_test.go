package kube

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// TestNewcomerIsTold that a model name is taken; the first is told nothing.
func TestNewcomerIsTold(t *testing.T) {
	var objects []client.Object
	var services []*kserve.InferenceService
	var deployments []*appsv1.Deployment
	for i, name := range []string{"demo/llama", "demo/copy", "other/llama"} {
		s := kubetest.Service(t)
		s.Namespace, s.Name, _ = strings.Cut(name, "/")
		s.CreationTimestamp = metav1.NewTime(time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC))
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: kserve.PredictorName(s.Name), Labels: map[string]string{kserve.ServiceLabel: s.Name},
		}}
		d.Spec.Template.Spec.Containers = []corev1.Container{{
			Name: "kserve-container", Args: []string{"--model=/mnt/models", "--served-model-name", "llama", fmt.Sprint("only-", i), "a;id"},
		}}
		services, deployments = append(services, s), append(deployments, d)
		objects = append(objects, d, kubetest.Untyped(t, kserve.InferenceServiceKind, s))
	}
	r := &Reconciler{Client: kubetest.Client(t, objects...)}
	for i, want := range []string{
		"",
		`kubectl annotate inferenceservice copy -n demo 'flyball.dev/serves=a;id'`,
		`model name "llama" belongs to a service in another namespace`,
	} {
		var v explain.Verdict
		if err := r.takenModels(t.Context(), observed{Snapshot: explain.Snapshot{InferenceService: *services[i], Deployment: deployments[i]}}, &v); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, n := range v.Notices {
			got += n.Reason + ": " + n.Text
		}
		if !strings.Contains(got, want) || (want == "") != (got == "") || strings.Contains(got, "only-") {
			t.Errorf("%s/%s is told %q, want %q", services[i].Namespace, services[i].Name, got, want)
		}
	}
}
