package kubetest

import (
	"testing"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
)

// Service is the guide's after replacements "old", "new", ….
func Service(t *testing.T, replace ...string) *kserve.InferenceService {
	t.Helper()
	s := &kserve.InferenceService{}
	o, err := kservetest.Service(replace...)
	if err == nil {
		err = kserve.Decode(o, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
