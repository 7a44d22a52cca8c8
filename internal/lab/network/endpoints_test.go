package network

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func testPod(name, ip string, change ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name, Labels: map[string]string{"app": "llama"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{
			{Name: "sidecar", Ports: []corev1.ContainerPort{{Name: "admin", ContainerPort: 9}}},
			{Name: "kserve-container", Ports: []corev1.ContainerPort{
				{Name: "http1", ContainerPort: 8080}, {Name: "quic", ContainerPort: 8443, Protocol: corev1.ProtocolUDP},
			}},
		}},
		Status: corev1.PodStatus{
			PodIP: ip, Phase: corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	for _, c := range change {
		c(pod)
	}
	return pod
}

func notReady(p *corev1.Pod)  { p.Status.Conditions[0].Status = corev1.ConditionFalse }
func succeeded(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }
func leaving(p *corev1.Pod)   { p.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }
func portless(p *corev1.Pod)  { p.Spec.Containers = p.Spec.Containers[:1] }

// INV-2
func TestEndpoints(t *testing.T) {
	pods := []*corev1.Pod{
		testPod("b", "127.9.16.2"), testPod("a", "127.9.16.1"), testPod("new", ""),
		testPod("loading", "127.9.16.3", notReady), testPod("done", "127.9.16.4", succeeded),
		testPod("leaving", "127.9.16.5", leaving), testPod("other", "127.9.16.6", portless),
	}
	for _, tt := range []struct {
		name    string
		target  intstr.IntOrString
		publish bool
		want    []string
	}{
		{"number", intstr.FromInt32(80), false, []string{"127.9.16.1:80", "127.9.16.2:80", "127.9.16.6:80"}},
		{"unset is the port itself", intstr.IntOrString{}, false, []string{"127.9.16.1:8000", "127.9.16.2:8000", "127.9.16.6:8000"}},
		{"name", intstr.FromString("http1"), false, []string{"127.9.16.1:8080", "127.9.16.2:8080"}},
		{"name of a UDP port", intstr.FromString("quic"), false, nil},
		{"publishNotReadyAddresses", intstr.FromString("http1"), true, []string{"127.9.16.1:8080", "127.9.16.2:8080", "127.9.16.3:8080", "127.9.16.5:8080"}},
	} {
		svc := &corev1.Service{Spec: corev1.ServiceSpec{PublishNotReadyAddresses: tt.publish}}
		got := endpoints(svc, corev1.ServicePort{Port: 8000, TargetPort: tt.target}, pods)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: endpoints (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestServedPort(t *testing.T) {
	ports := []corev1.ServicePort{
		{Port: 53, Protocol: corev1.ProtocolUDP}, {Port: 80, TargetPort: intstr.FromString("http1")}, {Port: 81},
	}
	for _, tt := range []struct {
		clusterIP string
		number    int32
		want      corev1.ServicePort
		err       string
	}{
		{"127.9.128.1", 80, ports[1], ""},
		{"127.9.128.1", 53, corev1.ServicePort{}, "no port 53 on Service demo/llama, which has 80, 81"},
		{corev1.ClusterIPNone, 80, corev1.ServicePort{Port: 80, TargetPort: intstr.FromInt32(80)}, ""},
		{corev1.ClusterIPNone, 8080, corev1.ServicePort{Port: 8080, TargetPort: intstr.FromInt32(8080)}, ""},
	} {
		got, err := servedPort(testService("llama", tt.clusterIP, ports...), tt.number)
		if text := errorText(err); text != tt.err || !cmp.Equal(got, tt.want) {
			t.Errorf("servedPort(%s, %d) = %v, %q, want %v, %q", tt.clusterIP, tt.number, got, text, tt.want, tt.err)
		}
	}
}

func testService(name, clusterIP string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name},
		Spec:       corev1.ServiceSpec{ClusterIP: clusterIP, Selector: map[string]string{"app": name}, Ports: ports},
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// INV-2
func TestFollowingGoesRound(t *testing.T) {
	three := []string{"a", "c", "e"}
	for last, want := range map[string]string{"": "a", "a": "c", "c": "e", "e": "a", "b": "c", "d": "e", "z": "a"} {
		if got := following(three, last); got != want {
			t.Errorf("following(%v, %q) = %q, want %q", three, last, got, want)
		}
	}
}

// INV-1
func TestFrontsAreLoopbackTCP(t *testing.T) {
	alias := testService("alias", "127.9.128.3", corev1.ServicePort{Port: 80})
	alias.Spec.Type = corev1.ServiceTypeExternalName
	services := []*corev1.Service{
		testService("llama", "127.9.128.1", corev1.ServicePort{Port: 80}, corev1.ServicePort{Port: 53, Protocol: corev1.ProtocolUDP}),
		testService("headless", corev1.ClusterIPNone, corev1.ServicePort{Port: 80}),
		testService("unassigned", "", corev1.ServicePort{Port: 80}),
		testService("elsewhere", "10.0.0.1", corev1.ServicePort{Port: 80}),
		alias,
	}
	var got []string
	for addr, f := range fronts(services) {
		got = append(got, addr+" "+f.service.String())
	}
	if d := cmp.Diff([]string{"127.9.128.1:80 demo/llama"}, got); d != "" {
		t.Errorf("fronts (-want +got):\n%s", d)
	}
}
