package kube

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
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

func TestKinds(t *testing.T) {
	const kserve, keda = "serving.kserve.io/v1beta1", "keda.sh/v1alpha1"
	s := discovered{}
	k := &kinds{wanted: []schema.GroupVersionKind{InferenceServiceKind, ScaledObjectKind}, from: s, log: logr.Discard()}
	expect := func(when string, wantService, wantObject bool) {
		t.Helper()
		if when != "before the first look" {
			k.look()
		}
		if service, object := k.served(InferenceServiceKind), k.served(ScaledObjectKind); service != wantService || object != wantObject {
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
}

func TestReadyzNamesWhatIsMissing(t *testing.T) {
	k := &kinds{wanted: []schema.GroupVersionKind{ScaledObjectKind}, from: discovered{}, log: logr.Discard()}
	k.look()
	w := httptest.NewRecorder()
	(&healthz.Handler{Checks: map[string]healthz.Checker{kindNames(k.wanted): k.ready(ScaledObjectKind)}}).
		ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	if !strings.Contains(w.Body.String(), "[-]ScaledObject.keda.sh") {
		t.Errorf("/readyz = %q, want what is missing by name", w.Body)
	}
}

func TestKindsAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := discovered{}
		k := &kinds{wanted: []schema.GroupVersionKind{InferenceServiceKind}, from: s, log: logr.Discard()}
		ended := make(chan error, 1)
		go func() { ended <- k.Start(t.Context()) }()
		synctest.Wait()
		s["serving.kserve.io/v1beta1"] = []string{"InferenceService"}
		began := time.Now()
		if there := k.await(t.Context(), InferenceServiceKind); !there || time.Since(began) > 2*lookPeriod {
			t.Errorf("await() = %v after %s, want true after at most %s", there, time.Since(began), 2*lookPeriod)
		}
	})
}
