//go:build linux

package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestExpand(t *testing.T) {
	vars := map[string]string{"A": "one", "B": "$(A)"}
	lookup := func(n string) (string, bool) { v, ok := vars[n]; return v, ok }
	for in, want := range map[string]string{
		"":               "",
		"plain":          "plain",
		"$(A)":           "one",
		"x-$(A)-$(A)":    "x-one-one",
		"$(B)":           "$(A)", // values are not expanded again
		"$(NONE)":        "$(NONE)",
		"$$(A)":          "$(A)",
		"$$$(A)":         "$one",
		"$A ${A} $ $":    "$A ${A} $ $",
		"$(A":            "$(A",
		"http://$(A):80": "http://one:80",
	} {
		if got := expand(in, lookup); got != want {
			t.Errorf("expand(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestViewValue(t *testing.T) {
	v := view{root: "/lab/pods/p/c", mounts: []string{"/tmp", "/certs"}, dir: "/tmp/x/.flyball", podIP: "127.42.16.1"}
	for in, want := range map[string]string{
		"/certs":                          "/lab/pods/p/c/certs",
		"/certs/tls.crt":                  "/lab/pods/p/c/certs/tls.crt",
		"--cert-dir=/certs":               "--cert-dir=/lab/pods/p/c/certs",
		"/certsx/tls.crt":                 "/certsx/tls.crt",
		"/usr/bin/env":                    "/usr/bin/env",
		"/tmp/k8s-webhook-server/x":       "/lab/pods/p/c/tmp/k8s-webhook-server/x",
		"--log=/tmp/x/.flyball/log":       "--log=/tmp/x/.flyball/log",
		"0.0.0.0":                         "127.42.16.1",
		"--host=0.0.0.0":                  "--host=127.42.16.1",
		"--metrics-addr=127.0.0.1:8080":   "--metrics-addr=127.42.16.1:8080",
		"--metrics-addr=:8080":            "--metrics-addr=127.42.16.1:8080",
		"--upstream=http://localhost:8/x": "--upstream=http://127.42.16.1:8/x",
		"[::]:9090":                       "127.42.16.1:9090",
		"127.42.0.1:6443":                 "127.42.0.1:6443",
		"10.0.0.1:80":                     "10.0.0.1:80",
		"--name=localhost":                "--name=localhost",
		"8080":                            "8080",
		"a=b=/certs":                      "a=b=/certs",
		"":                                "",
	} {
		if got := v.value(in); got != want {
			t.Errorf("value(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	a, err := newAddresses("127.42")
	if err != nil {
		t.Fatal(err)
	}
	a.reserve("127.42.16.2")
	var got []string
	for range 3 {
		ip, err := a.allocate()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ip)
	}
	if diff := cmp.Diff([]string{"127.42.16.1", "127.42.16.3", "127.42.16.4"}, got); diff != "" {
		t.Errorf("first addresses: -want +got\n%s", diff)
	}
	for _, bad := range []string{"", "10.1", "127", "127.300", "127.1.2"} {
		if _, err := newAddresses(bad); err == nil {
			t.Errorf("newAddresses(%q) succeeds", bad)
		}
	}
}

func TestAddressesRunOut(t *testing.T) {
	a, err := newAddresses("127.42")
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for n := range numPodAddresses {
		if last, err = a.allocate(); err != nil {
			t.Fatalf("address %d: %v", n, err)
		}
		a.release("127.42.16.1")
	}
	if last != "127.42.127.254" {
		t.Errorf("last address = %s, want 127.42.127.254", last)
	}
	if ip, err := a.allocate(); ip != "127.42.16.1" || err != nil {
		t.Errorf("allocate after the end = %s, %v, want the released one", ip, err)
	}
	if ip, err := a.allocate(); err == nil {
		t.Errorf("allocate with all in use = %s", ip)
	}
}

func TestBackoff(t *testing.T) {
	var b backoff
	var got []time.Duration
	for range 9 {
		got = append(got, b.ended(time.Second))
	}
	s := time.Second
	if diff := cmp.Diff([]time.Duration{0, 10 * s, 20 * s, 40 * s, 80 * s, 160 * s, 300 * s, 300 * s, 300 * s}, got); diff != "" {
		t.Errorf("delays: -want +got\n%s", diff)
	}
	if d := b.ended(10*time.Minute + s); d != 0 {
		t.Errorf("delay after a long run = %v, want 0", d)
	}
	if d := b.ended(s); d != 10*s {
		t.Errorf("the next delay = %v, want 10s", d)
	}
}

func TestProbeThresholds(t *testing.T) {
	p := &probe{spec: &corev1.Probe{SuccessThreshold: 2, FailureThreshold: 3}}
	var verdicts, decisions string
	for _, r := range "-+++--+---+-++" {
		decided := p.observe(r == '+')
		verdicts += map[bool]string{true: "+", false: "-"}[p.passed]
		decisions += map[bool]string{true: "y", false: "n"}[decided]
	}
	if want := "--+++++++----+"; verdicts != want {
		t.Errorf("verdicts = %s, want %s", verdicts, want)
	}
	if want := "nnyynnnnnynnny"; decisions != want {
		t.Errorf("decisions = %s, want %s", decisions, want)
	}
}

func TestFields(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: "p", Namespace: "n", UID: "u",
		Labels: map[string]string{"b": "2", "a": `1"`}, Annotations: map[string]string{"x.y/z": "v"},
	}, Spec: corev1.PodSpec{NodeName: "node", ServiceAccountName: "sa"}}
	for path, want := range map[string]string{
		"metadata.name": "p", "metadata.namespace": "n", "metadata.uid": "u",
		"metadata.labels": "a=\"1\\\"\"\nb=\"2\"", "metadata.labels['b']": "2", "metadata.annotations['x.y/z']": "v",
		"spec.nodeName": "node", "spec.serviceAccountName": "sa", "status.podIP": "1.1.1.1", "status.hostIP": "2.2.2.2",
	} {
		if got, err := field(pod, "1.1.1.1", "2.2.2.2", path); got != want || err != nil {
			t.Errorf("field(%s) = %q, %v, want %q", path, got, err, want)
		}
	}
	if _, err := field(pod, "", "", "spec.containers"); err == nil {
		t.Error("an unknown field is accepted")
	}
}

func TestResourceField(t *testing.T) {
	c := &corev1.Container{Resources: corev1.ResourceRequirements{
		Limits:   corev1.ResourceList{"cpu": resource.MustParse("1500m"), "memory": resource.MustParse("1Gi")},
		Requests: corev1.ResourceList{"cpu": resource.MustParse("250m")},
	}}
	capacity := corev1.ResourceList{"ephemeral-storage": resource.MustParse("8Gi")}
	for _, tt := range []struct{ ref, divisor, want string }{
		{"limits.cpu", "0", "2"},
		{"limits.cpu", "1m", "1500"},
		{"requests.cpu", "1", "1"},
		{"limits.memory", "1Mi", "1024"},
		{"limits.ephemeral-storage", "1Gi", "8"},
		{"requests.memory", "1", "0"},
	} {
		got, err := resourceField(c, capacity, &corev1.ResourceFieldSelector{Resource: tt.ref, Divisor: resource.MustParse(tt.divisor)})
		if got != tt.want || err != nil {
			t.Errorf("resourceField(%s / %s) = %s, %v, want %s", tt.ref, tt.divisor, got, err, tt.want)
		}
	}
	if _, err := resourceField(c, nil, &corev1.ResourceFieldSelector{Resource: "cpu"}); err == nil {
		t.Error("a resource without limits or requests is accepted")
	}
}

func TestJittered(t *testing.T) {
	for _, tt := range []struct {
		share, u float64
		want     time.Duration
	}{{0, 0.9, 10 * time.Second}, {0.2, 0, 8 * time.Second}, {0.2, 0.5, 10 * time.Second}, {0.2, 1, 12 * time.Second}, {3, 0, 0}} {
		if got := jittered(10*time.Second, tt.share, tt.u); got != tt.want {
			t.Errorf("jittered(10s, %v, %v) = %v, want %v", tt.share, tt.u, got, tt.want)
		}
	}
}

func TestTail(t *testing.T) {
	const text = "old\none\ntwo\nthree\n"
	f := strings.NewReader(text)
	for n, want := range map[int]string{0: "", 1: "three\n", 2: "two\nthree\n", 3: "one\ntwo\nthree\n", 9: "one\ntwo\nthree\n"} {
		from, err := tail(f, 4, int64(len(text)), n)
		if err != nil || text[from:] != want {
			t.Errorf("tail(%d) = %q, %v, want %q", n, text[from:], err, want)
		}
	}
	if from, err := tail(f, 0, 4, 5); from != 0 || err != nil {
		t.Errorf("tail of the previous run = %d, %v, want 0", from, err)
	}
}

func TestPortOf(t *testing.T) {
	c := &corev1.Container{Name: "c", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}}
	for _, tt := range []struct {
		port intstr.IntOrString
		want int
	}{{intstr.FromInt32(1), 1}, {intstr.FromString("http"), 8080}, {intstr.FromString("81"), 81}} {
		if got, err := portOf(tt.port, c); got != tt.want || err != nil {
			t.Errorf("portOf(%v) = %d, %v, want %d", tt.port, got, err, tt.want)
		}
	}
	if _, err := portOf(intstr.FromString("none"), c); err == nil {
		t.Error("an unknown port name is accepted")
	}
}

func TestWriteAtomic(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mount")
	for _, want := range []map[string]string{
		{"a": "1", "b": "1"},
		{"a": "2", "sub/c": "2"},
		{},
		{"b": "4"},
	} {
		files := payload{}
		for k, v := range want {
			files[k] = file{[]byte(v), 0o600}
		}
		if err := writeAtomic(dir, files); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, visible(t, dir)); diff != "" {
			t.Errorf("mount: -want +got\n%s", diff)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 { // b, ..data and its directory
		t.Errorf("%d entries are left, %v, want 3", len(entries), err)
	}
	info, err := os.Stat(filepath.Join(dir, "b"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
}

// visible reads the files of a mount as its users do.
func visible(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, name := range []string{"a", "b", "sub/c"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			got[name] = string(b)
		}
	}
	return got
}

func TestPhase(t *testing.T) {
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reasonCreating}}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	exited := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}
	main := func(s ...corev1.ContainerState) []*container {
		var list []*container
		for _, s := range s {
			list = append(list, &container{state: s})
		}
		return list
	}
	crashed := &container{state: waiting, last: exited(1)}
	always, onFailure, never := corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever
	for _, tt := range []struct {
		name   string
		policy corev1.RestartPolicy
		o      observed
		want   corev1.PodPhase
	}{
		{"created", always, observed{mains: main(waiting), initialized: true}, corev1.PodPending},
		{"one of two", always, observed{mains: main(running, waiting), initialized: true}, corev1.PodPending},
		{"running", always, observed{mains: main(running, running), initialized: true}, corev1.PodRunning},
		{"crash loop", always, observed{mains: []*container{crashed}, initialized: true}, corev1.PodRunning},
		{"ended, restarts", always, observed{mains: main(exited(0)), initialized: true}, corev1.PodRunning},
		{"ended, dying", always, observed{mains: main(exited(0)), initialized: true, terminating: true}, corev1.PodSucceeded},
		{"killed, dying", always, observed{mains: main(exited(137)), initialized: true, terminating: true}, corev1.PodFailed},
		{"job done", onFailure, observed{mains: main(exited(0)), initialized: true}, corev1.PodSucceeded},
		{"job retries", onFailure, observed{mains: main(exited(1)), initialized: true}, corev1.PodRunning},
		{"job failed", never, observed{mains: main(exited(0), exited(1)), initialized: true}, corev1.PodFailed},
		{"half done", never, observed{mains: main(exited(0), running), initialized: true}, corev1.PodRunning},
		{"init runs", always, observed{inits: []*container{{init: true, state: running}}, mains: main(waiting)}, corev1.PodPending},
		{"init failed", never, observed{inits: []*container{{init: true, state: exited(1)}}, mains: main(waiting)}, corev1.PodFailed},
	} {
		if got := phaseOf(tt.policy, tt.o); got != tt.want {
			t.Errorf("%s: phaseOf = %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestConditions(t *testing.T) {
	then, now := metav1.Unix(100, 0), metav1.Unix(200, 0)
	ready := &container{
		spec:    &corev1.Container{Name: "c"},
		state:   corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		process: newPretence(time.Hour),
		runs:    2,
	}
	pod := &corev1.Pod{Spec: corev1.PodSpec{ReadinessGates: []corev1.PodReadinessGate{{ConditionType: "gate"}}}}
	old := corev1.PodStatus{Conditions: []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: then},
		{Type: corev1.ContainersReady, Status: corev1.ConditionTrue, LastTransitionTime: then},
	}}
	o := observed{now: now, startTime: then, ip: "127.1.16.1", hostIP: "127.1.1.1", mains: []*container{ready}, initialized: true}
	brief := func(s corev1.PodStatus) map[string]string {
		m := map[string]string{}
		for _, c := range s.Conditions {
			m[string(c.Type)] = string(c.Status) + " " + c.Reason + map[bool]string{true: " old", false: " new"}[c.LastTransitionTime.Equal(&then)]
		}
		return m
	}
	want := map[string]string{
		"PodScheduled": "True  old", "ContainersReady": "True  old", "Initialized": "True  new",
		"PodReadyToStartContainers": "True  new", "Ready": "False ReadinessGatesNotReady new",
	}
	s := newStatus(pod, old, o)
	if diff := cmp.Diff(want, brief(s)); diff != "" {
		t.Errorf("gate closed: -want +got\n%s", diff)
	}
	if c := s.ContainerStatuses[0]; !c.Ready || !*c.Started || c.RestartCount != 1 {
		t.Errorf("container status = %+v", c)
	}
	o.gates = []corev1.PodCondition{{Type: "gate", Status: corev1.ConditionTrue}}
	if got := brief(newStatus(pod, old, o))["Ready"]; got != "True  new" {
		t.Errorf("gate open: Ready is %q", got)
	}
	o.terminating = true
	s = newStatus(pod, old, o)
	if got := brief(s); got["Ready"] != "False ContainersNotReady new" || got["ContainersReady"] != "False ContainersNotReady new" {
		t.Errorf("terminating: conditions %v", got)
	}
	if s.ContainerStatuses[0].Ready || s.Phase != corev1.PodRunning {
		t.Errorf("terminating: ready %v, phase %s", s.ContainerStatuses[0].Ready, s.Phase)
	}
}
