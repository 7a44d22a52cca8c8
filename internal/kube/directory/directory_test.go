package directory

import (
	"context"
	"testing"

	"github.com/go-logr/logr/testr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// served are the custom resources of an API server, by group and version.
type served map[string]string

func (s served) ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error) {
	kind, ok := s[groupVersion]
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, groupVersion)
	}
	return &metav1.APIResourceList{APIResources: []metav1.APIResource{{Kind: kind}}}, nil
}

// INV-3: between the start of a gateway and the end of its first list no request is refused that
// an InferenceAutoscaler may have Flyball wake the service for; where there is no such kind, none may.
func TestNotWatchedYet(t *testing.T) {
	for name, tc := range map[string]struct {
		there served
		want  bool
	}{
		"installed":     {served{v1alpha1.Kind.GroupVersion().String(): v1alpha1.Kind.Kind}, true},
		"not installed": {served{}, false},
	} {
		d := &Directory{kinds: cluster.NewKinds(tc.there, testr.New(t), v1alpha1.Kind)}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := d.kinds.Start(ended); err != nil { // looks once
			t.Fatal(err)
		}
		if got := d.native(t.Context(), types.NamespacedName{Namespace: "demo", Name: "llama"}); got != tc.want {
			t.Errorf("%s: native() = %v, want %v", name, got, tc.want)
		}
	}
}
