package cluster

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The tests' kinds.
var (
	serviceKind = schema.GroupVersionKind{Group: "serving.kserve.io", Version: "v1beta1", Kind: "InferenceService"}
	objectKind  = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}
)

// discovered serves the custom resources of the groups in it.
type discovered map[string][]string

func (s discovered) ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error) {
	names, ok := s[groupVersion]
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, groupVersion)
	}
	if names == nil {
		return nil, errors.New("connection refused")
	}
	l := &metav1.APIResourceList{}
	for _, n := range names {
		l.APIResources = append(l.APIResources, metav1.APIResource{Kind: n})
	}
	return l, nil
}

// INV-1.
func TestKinds(t *testing.T) {
	const kserve, keda = "serving.kserve.io/v1beta1", "keda.sh/v1alpha1"
	s := discovered{}
	k := NewKinds(s, logr.Discard(), serviceKind, objectKind)
	changes := 0
	k.OnChange(func() { changes++ })
	expect := func(when string, wantService, wantObject bool) {
		t.Helper()
		if when != "before the first look" {
			k.look()
		}
		if service, object := k.Served(serviceKind), k.Served(objectKind); service != wantService || object != wantObject {
			t.Errorf("%s: served = %v, %v, want %v, %v", when, service, object, wantService, wantObject)
		}
	}
	expect("before the first look", false, false)
	expect("nothing installed", false, false)
	s[kserve] = []string{"InferenceService", "TrainedModel"}
	s[keda] = []string{"ScaledJob"}
	expect("KServe installed", true, false)
	s[keda] = append(s[keda], "ScaledObject")
	expect("KEDA installed", true, true)
	s[keda] = nil
	expect("the API server does not answer: the last answer holds", true, true)
	delete(s, keda)
	expect("KEDA removed", true, false)
	if changes != 4 {
		t.Errorf("told of %d changes, want 4: the first look, KServe, KEDA and its removal", changes)
	}
}

func TestKindsAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := discovered{}
		k := NewKinds(s, logr.Discard(), serviceKind)
		ended := make(chan error, 1)
		go func() { ended <- k.Start(t.Context()) }()
		synctest.Wait()
		s["serving.kserve.io/v1beta1"] = []string{"InferenceService"}
		began := time.Now()
		if there := k.Await(t.Context(), serviceKind); !there || time.Since(began) > 2*LookPeriod {
			t.Errorf("Await() = %v after %s, want true after at most %s", there, time.Since(began), 2*LookPeriod)
		}
	})
}
