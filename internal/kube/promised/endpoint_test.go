package promised

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// INV-9: a pod is asked at its own address, at a port and path of its own, and nowhere else.
func TestMetrics(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*corev1.Pod)
		want   string
		serves bool
	}{
		"ready":      {func(*corev1.Pod) {}, "http://10.0.0.7:8080/metrics", true},
		"not ready":  {func(p *corev1.Pod) { p.Status.Conditions[1].Status = corev1.ConditionFalse }, "http://10.0.0.7:8080/metrics", false},
		"to go":      {func(p *corev1.Pod) { p.DeletionTimestamp, p.Finalizers = new(metav1.Unix(200, 0)), []string{"x"} }, "http://10.0.0.7:8080/metrics", false},
		"pending":    {func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }, "", false},
		"no address": {func(p *corev1.Pod) { p.Status.PodIP = "" }, "", false},
		"IPv6":       {func(p *corev1.Pod) { p.Status.PodIP = "fd00::7" }, "http://[fd00::7]:8080/metrics", true},
		"TLS":        {func(p *corev1.Pod) { p.Spec.Containers[0].Args = []string{"--model=m", "--ssl-certfile=f"} }, "", false},
		"by annotation": {func(p *corev1.Pod) {
			p.Annotations = map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "15020", "prometheus.io/path": "/x?y=z"}
		}, "http://10.0.0.7:15020/x%3Fy=z", true},
		"of ours": {func(p *corev1.Pod) { p.Annotations = map[string]string{exposedPort: "22", exposedPath: "@elsewhere/"} }, "http://10.0.0.7:8080/metrics", true},
	} {
		p := pod("llama-0", "llama", true)
		p.Spec.Containers = []corev1.Container{{Name: "vllm", Image: "vllm/vllm-openai", Args: []string{"--model=m"}, Ports: []corev1.ContainerPort{{ContainerPort: 8080}}}}
		p.Status.Phase, p.Status.PodIP = corev1.PodRunning, "10.0.0.7"
		c.change(p)
		for range 2 { // a reflector's own store may have been through it
			if _, err := exposed(p); err != nil {
				t.Fatal(err)
			}
		}
		v := newView(t, p)
		if got, serves := v.Metrics(t.Context(), "demo", "llama-0"); got != c.want || serves != c.serves {
			t.Errorf("%s: Metrics = %q, %v, want %q, %v", name, got, serves, c.want, c.serves)
		}
		if got, _ := v.Metrics(t.Context(), "demo", "gone"); got != "" {
			t.Errorf("of a pod that is gone: Metrics = %q", got)
		}
	}
}
