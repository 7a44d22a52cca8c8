package kind

import "testing"

// INV-1.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		group, kind    string
		read, harmless bool
	}{
		{"apps", "StatefulSet", true, false},
		{"flyball.dev", "InferenceAutoscaler", true, false},
		{"keda.sh", "TriggerAuthentication", true, true},
		{"", "Service", false, true},
		{"rbac.authorization.k8s.io", "Role", false, true}, // of a group
		{"", "LimitRange", false, false},
		{"apps", "Service", false, false}, // of another group
	} {
		read, harmless := Versions(c.group, c.kind) != nil, Harmless(c.group, c.kind) != ""
		if read != c.read || harmless != c.harmless {
			t.Errorf("%s/%s: read %v, harmless %v, want %v, %v", c.group, c.kind, read, harmless, c.read, c.harmless)
		}
	}
}
