package survey

import (
	"context"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// world has one service with one pod, and another pod with a GPU, on one node.
func world(t *testing.T) client.WithWatch {
	t.Helper()
	gpus := corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("4")}
	one := []corev1.Container{{Name: "kserve-container", Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}}}}
	return kubetest.Client(t,
		kubetest.Untyped(t, kserve.InferenceServiceKind, kubetest.Service(t)),
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Status: corev1.NodeStatus{Allocatable: gpus}},
		&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "llama-0", Labels: map[string]string{kserve.ServiceLabel: "llama"}},
			Spec:       corev1.PodSpec{NodeName: "a", Containers: one},
		},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "batch"}, Spec: corev1.PodSpec{NodeName: "a", Containers: one}},
	)
}

// denying refuses some lists.
func denying(t *testing.T, refuse func(client.ObjectList, client.ListOptions) error) client.Reader {
	t.Helper()
	return interceptor.NewClient(world(t), interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			var o client.ListOptions
			o.ApplyOptions(opts)
			if err := refuse(list, o); err != nil {
				return err
			}
			return c.List(ctx, list, opts...)
		},
	})
}

func TestRead(t *testing.T) {
	s, err := Read(t.Context(), world(t), "", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Services) != 1 || len(s.Nodes) != 1 || s.Nodes[0].GPUs != 4 || len(s.Holders) != 2 || len(s.Missing) != 0 {
		t.Errorf("Read = %+v, want a service, a node with 4 GPUs and two holders", s)
	}
}

// INV-1: each right that is missing is named, and nothing but it is missing.
func TestReadWithoutRights(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{}, "", nil)
	for name, c := range map[string]struct {
		refuse func(client.ObjectList, client.ListOptions) error
		want   string
		blinds bool
	}{
		"nodes": {func(l client.ObjectList, _ client.ListOptions) error {
			if _, ok := l.(*corev1.NodeList); ok {
				return forbidden
			}
			return nil
		}, "nodes", false},
		"pods of other namespaces": {func(l client.ObjectList, o client.ListOptions) error {
			if _, ok := l.(*corev1.PodList); ok && o.Namespace == "" {
				return forbidden
			}
			return nil
		}, "pods", false},
		"HPAs": {func(l client.ObjectList, _ client.ListOptions) error {
			if m, ok := missed(l, ""); ok && m.Resource == "horizontalpodautoscalers.autoscaling" {
				return forbidden
			}
			return nil
		}, "horizontalpodautoscalers.autoscaling", true},
		"KServe": {func(l client.ObjectList, _ client.ListOptions) error {
			if m, ok := missed(l, ""); ok && m.Resource == services() {
				return &meta.NoKindMatchError{}
			}
			return nil
		}, services(), false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Read(t.Context(), denying(t, c.refuse), "demo", time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			checkMissing(t, s, c.want, c.blinds)
		})
	}
}

// checkMissing wants one right missing, with its fix.
func checkMissing(t *testing.T, s Survey, want string, blinds bool) {
	t.Helper()
	var got []string
	for _, m := range s.Missing {
		got = append(got, m.Resource)
		if m.Fix == "" || m.What == "" || m.Blinds != blinds {
			t.Errorf("missing %+v, want a fix, and blinds = %v", m, blinds)
		}
	}
	if !slices.Equal(got, []string{want}) {
		t.Errorf("missing %v, want %s", got, want)
	}
}
