//go:build e2e && linux

package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestCauses: a rollout whose first deletion comes before its first new pod has deleted all.
func TestCauses(t *testing.T) {
	w := &watched{named: map[types.UID]bool{}, seen: map[types.UID]bool{}, templates: map[string]map[string]bool{}, counted: map[string]map[string]int{}}
	see := func(owner, uid, template string, gone bool) {
		p := &corev1.Pod{}
		p.Namespace, p.UID = soakNamespace, types.UID(uid)
		p.Labels = map[string]string{serviceLabel: owner, appsv1.DefaultDeploymentUniqueLabelKey: template}
		if gone {
			p.DeletionTimestamp = &metav1.Time{}
		}
		w.see(p)
	}
	for _, uid := range []string{"a", "b"} {
		see("rolled", uid, "1", false)
		see("scaled", "s"+uid, "1", false)
	}
	see("rolled", "a", "1", true)
	see("rolled", "c", "2", false)
	see("rolled", "b", "1", true)
	see("scaled", "sa", "1", true)
	got := map[string]map[string]int{"rolled": w.deletions("rolled"), "scaled": w.deletions("scaled")}
	if diff := cmp.Diff(map[string]map[string]int{"rolled": {rollout: 2}, "scaled": {scaleIn: 1}}, got); diff != "" {
		t.Errorf("deletions: -want +got\n%s", diff)
	}
}
