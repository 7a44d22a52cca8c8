package rehearse

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTogether(t *testing.T) {
	at := func(revision int64, kind, name, owner string, gone bool) change {
		c := change{revision: revision, gone: gone}
		c.object.Kind, c.object.Metadata.Name = kind, name
		if owner != "" {
			c.object.Metadata.OwnerReferences = []struct{ Kind, Name string }{{"ScaledObject", owner}}
		}
		return c
	}
	const hpa, scaled = "HorizontalPodAutoscaler", "ScaledObject"
	for name, c := range map[string]struct {
		changes []change
		want    []string
	}{
		"handed over": {[]change{at(1, hpa, "llama", "", false), at(9, scaled, "llama", "", false), at(8, hpa, "llama", "", true)}, nil},
		"overlap":     {[]change{at(1, hpa, "llama", "", false), at(8, scaled, "llama", "", false), at(9, hpa, "llama", "", true)}, []string{hpa + " llama", scaled + " llama"}},
		"one hand":    {[]change{at(1, scaled, "llama", "", false), at(2, hpa, "keda-hpa-llama", "llama", false), at(3, scaled, "llama", "", true)}, nil},
		"left behind": {[]change{at(1, scaled, "a", "", false), at(2, hpa, "keda-hpa-a", "a", false), at(3, scaled, "a", "", true), at(4, scaled, "b", "", false)}, []string{scaled + " a", scaled + " b"}},
	} {
		if diff := cmp.Diff(c.want, together(c.changes)); diff != "" {
			t.Errorf("together, %s: -want +got\n%s", name, diff)
		}
	}
}
