package kserve_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
)

// The pointer leads to the value in the object itself.
func TestTargetField(t *testing.T) {
	o, err := kservetest.Service()
	if err != nil {
		t.Fatal(err)
	}
	s := &kserve.InferenceService{}
	if err := kserve.Decode(o, s); err != nil {
		t.Fatal(err)
	}
	pointer, value := kserve.TargetField(s)
	metrics, _, err := unstructured.NestedSlice(o.Object, "spec", "predictor", "autoScaling", "metrics")
	rest, ok := strings.CutPrefix(pointer, "/spec/predictor/autoScaling/metrics/0/")
	if err != nil || !ok {
		t.Fatalf("TargetField = %q, %q: %v", pointer, value, err)
	}
	got, found, err := unstructured.NestedFieldNoCopy(metrics[0].(map[string]any), strings.Split(rest, "/")...)
	if err != nil || !found || got != value {
		t.Errorf("at %s is %v, %v, want %q", pointer, got, err, value)
	}
	s.Spec.Predictor.AutoScaling.Metrics = append(s.Spec.Predictor.AutoScaling.Metrics, s.Spec.Predictor.AutoScaling.Metrics[0])
	if pointer, _ := kserve.TargetField(s); pointer != "" {
		t.Errorf("of two metrics: %q", pointer)
	}
}
