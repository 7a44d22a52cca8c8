package promised

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
)

func quota(name string, hard, used corev1.ResourceList) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name}, Status: corev1.ResourceQuotaStatus{Hard: hard, Used: used}}
}

func list(pairs ...string) corev1.ResourceList {
	all := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		all[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return all
}

// INV-8.
func TestQuotas(t *testing.T) {
	scoped := quota("scoped", list("requests.nvidia.com/gpu", "1"), nil)
	scoped.Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeBestEffort}
	v := newView(t,
		quota("team", list("requests.nvidia.com/gpu", "8", "pods", "40", "requests.cpu", "90", "requests.nvidia.com/mig-1g.5gb", "7"), list("requests.nvidia.com/gpu", "5")),
		quota("amd", list("requests.amd.com/gpu", "2"), list("requests.amd.com/gpu", "2")), scoped,
	)
	read := func(want ...Quota) {
		t.Helper()
		got, err := v.Quotas(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Quotas: %v, -want +got\n%s", err, diff)
		}
	}
	read() // they are not followed yet
	synced := false
	v.quotas = func() bool { return synced }
	if err := v.Reading.Begin(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	read() // they have not been read, or may not be
	synced = true
	read(Quota{"demo", "amd", "amd.com/gpu", 2, 2}, Quota{"demo", "team", "nvidia.com/gpu", 8, 5}, Quota{"demo", "team", "nvidia.com/mig-1g.5gb", 7, 0})
}

// INV-8: by what is watched of a target and its pods.
func TestGPUs(t *testing.T) {
	for _, c := range []struct {
		limits   corev1.ResourceList
		want     int
		resource string
	}{
		{list("nvidia.com/gpu", "2", "cpu", "8"), 2, "nvidia.com/gpu"},
		{list("nvidia.com/gpu", "2", "amd.com/gpu", "1"), 3, ""},
		{list("cpu", "8"), 0, ""},
	} {
		d := workload("llama", 1)
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "vllm", Resources: corev1.ResourceRequirements{Limits: c.limits}}, {Name: "log"}}
		if _, err := bare(d); err != nil {
			t.Fatal(err)
		}
		p := pod("a", "llama", true)
		p.Spec.Priority = new(int32(-7))
		v := newView(t, namespace(autoscaler.Enabled), d, object(t), p)
		v.reconcile(t, "llama")
		all, err := v.All(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("All = %v, %v", all, err)
		}
		one, _ := v.One(t.Context(), key("llama"))
		for _, l := range []Live{all[0], one} {
			if n, resource := l.GPUs(); n != c.want || resource != c.resource || l.Priority != -7 {
				t.Errorf("%v: %d of %q, priority %d, want %d of %q, -7", c.limits, n, resource, l.Priority, c.want, c.resource)
			}
		}
	}
}
