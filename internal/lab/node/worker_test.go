//go:build linux

package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/lab/proc"
)

func TestColdStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := podOf(corev1.Container{
			Name: "c", Image: "vllm/vllm-openai:v1", Command: []string{"vllm", "serve"}, Args: []string{"--host", "0.0.0.0", "--x=$(X)", "--model=/mnt/models"},
			VolumeMounts: []corev1.VolumeMount{{Name: "models", MountPath: "/mnt/models"}},
			Env:          []corev1.EnvVar{{Name: "X", Value: "/tmp/$(HOSTNAME)"}},
			StartupProbe: httpProbe(0, 10, 30), ReadinessProbe: httpProbe(0, 5, 3),
		})
		pod.Spec.Volumes = []corev1.Volume{{Name: "models", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		b := newBench(t, pod)
		b.probes = func(check) error {
			if time.Since(b.zero) < 55*time.Second { // pull 20, weights 30, warm-up 5
				return errors.New("not yet")
			}
			return nil
		}
		b.until(19 * time.Second)
		if len(b.runs()) != 0 || b.state() != reasonCreating || b.pod().Status.PodIP != "127.42.16.1" {
			t.Errorf("during the pull: %d started, %s, address %q", len(b.runs()), b.state(), b.pod().Status.PodIP)
		}
		b.until(21 * time.Second)
		if len(b.runs()) != 1 || b.state() != "Running" || b.ready() {
			t.Fatalf("after the pull: %d started, %s, ready %v", len(b.runs()), b.state(), b.ready())
		}
		p := b.runs()[0]
		root := filepath.Join(b.w.dir, "c")
		if diff := cmp.Diff([]string{"--ip=127.42.16.1", "vllm", "serve", "--host", "127.42.16.1", "--x=" + root + "/tmp/p", "--model=/mnt/models"}, p.spec.Args); diff != "" {
			t.Errorf("arguments: -want +got\n%s", diff)
		}
		wantEnv(t, p, map[string]string{
			"FLYBALL_SIM_WEIGHTS": "30s", "FLYBALL_SIM_WARMUP": "5s", "FLYBALL_SIM_JITTER": "0", proc.MarkVar: b.a.cfg.Dir,
			"TMPDIR": root + "/tmp", "KUBERNETES_SERVICE_HOST": "127.42.0.1", "KUBECONFIG": "",
		})
		b.until(59 * time.Second) // startup attempts at 20, 30, 40, 50
		if b.ready() || *b.pod().Status.ContainerStatuses[0].Started {
			t.Error("ready before the startup probe passed")
		}
		b.until(61 * time.Second)
		if !b.ready() {
			t.Error("not ready at once after the startup probe")
		}
	})
}

func wantEnv(t *testing.T, p *fakeProcess, env map[string]string) {
	t.Helper()
	for name, want := range env {
		if got := p.env(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestCrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, podOf(tool()))
		b.begun = func(p *fakeProcess) { p.exit(1) }
		b.until(71 * time.Second)
		if diff := cmp.Diff([]time.Duration{0, 0, 10 * time.Second, 30 * time.Second, 70 * time.Second}, b.starts()); diff != "" {
			t.Errorf("starts: -want +got\n%s", diff)
		}
		st := b.pod().Status.ContainerStatuses[0]
		if b.state() != reasonCrashLoop || st.RestartCount != 4 || st.LastTerminationState.Terminated.ExitCode != 1 || b.pod().Status.Phase != corev1.PodRunning {
			t.Errorf("after five crashes: %s, %+v", b.state(), st)
		}
	})
}

func TestTermination(t *testing.T) {
	sleep := &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 5}}}
	longSleep := &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 500}}}
	both, deaf := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}, []syscall.Signal{syscall.SIGKILL}
	for _, tt := range []struct {
		name  string
		hook  *corev1.Lifecycle
		heeds []syscall.Signal
		grace int64
		want  []string
		gone  time.Duration
	}{
		{"polite", nil, both, 30, []string{"1m0s terminated"}, 60 * time.Second},
		{"deaf", nil, deaf, 30, []string{"1m0s terminated", "1m30s killed"}, 90 * time.Second},
		{"hook", sleep, both, 30, []string{"1m5s terminated"}, 65 * time.Second},
		{"long hook", longSleep, deaf, 30, []string{"1m30s terminated", "1m32s killed"}, 92 * time.Second},
		{"no grace", sleep, both, 0, []string{"1m0s killed"}, 60 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := tool()
				c.Lifecycle = tt.hook
				b := newBench(t, podOf(c))
				b.heeds = tt.heeds
				b.until(time.Minute)
				if !b.ready() {
					t.Fatal("not ready before")
				}
				b.remove(tt.grace)
				if tt.gone > time.Minute {
					if b.ready() {
						t.Error("ready while terminating")
					}
					b.until(tt.gone - time.Millisecond)
					if !b.exists() {
						t.Errorf("removed before %v", tt.gone)
					}
				}
				b.until(tt.gone)
				if b.exists() {
					t.Errorf("not removed at %v", tt.gone)
				}
				if diff := cmp.Diff(tt.want, b.signals()); diff != "" {
					t.Errorf("signals: -want +got\n%s", diff)
				}
				<-b.ended
				if _, err := os.Stat(b.w.dir); !os.IsNotExist(err) {
					t.Errorf("the pod's directory is left: %v", err)
				}
			})
		})
	}
}

func TestForcedDeletionDuringGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, podOf(tool()))
		b.heeds = []syscall.Signal{syscall.SIGKILL}
		b.until(time.Second)
		b.remove(30)
		b.until(2 * time.Second)
		b.w.post(func() { b.w.gone = true })
		<-b.ended
		if diff := cmp.Diff([]string{"1s terminated", "2s killed"}, b.signals()); diff != "" {
			t.Errorf("signals: -want +got\n%s", diff)
		}
	})
}

func TestLiveness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := tool()
		c.LivenessProbe = httpProbe(10, 10, 3)
		b := newBench(t, podOf(c))
		b.probes = func(check) error {
			if n := time.Since(b.zero); n > 25*time.Second && n < time.Minute {
				return errors.New("hangs")
			}
			return nil
		}
		b.until(49 * time.Second) // failures at 30, 40, 50
		if len(b.runs()) != 1 || !b.ready() {
			t.Fatalf("before the third failure: %d runs, ready %v", len(b.runs()), b.ready())
		}
		b.until(51 * time.Second)
		if len(b.runs()) != 2 || b.pod().Status.ContainerStatuses[0].RestartCount != 1 {
			t.Errorf("after it: %d runs, %+v", len(b.runs()), b.pod().Status.ContainerStatuses[0])
		}
		b.until(3 * time.Minute)
		if len(b.runs()) != 2 {
			t.Errorf("the recovered container ran %d times", len(b.runs()))
		}
	})
}

func TestInitContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := podOf(corev1.Container{Name: "c", Image: "vllm"})
		pod.Spec.InitContainers = []corev1.Container{{Name: "first", Image: "tool:1"}, {Name: "storage-initializer", Image: "kserve/storage-initializer:v1"}}
		b := newBench(t, pod)
		b.until(time.Second)
		if len(b.runs()) != 1 || b.pod().Status.Phase != corev1.PodPending || b.state() != reasonInitializing {
			t.Fatalf("first init container: %d started, %s, %s", len(b.runs()), b.pod().Status.Phase, b.state())
		}
		b.runs()[0].exit(0)
		b.until(30 * time.Second)
		if s := b.pod().Status.InitContainerStatuses; s[0].State.Terminated == nil || s[1].State.Running == nil {
			t.Errorf("the second does not run after the first: %+v", s)
		}
		b.until(51 * time.Second) // 1 + 30 of simulated download, + 20 of pull
		if len(b.runs()) != 2 || b.runs()[1].env("FLYBALL_SIM_WEIGHTS") != "0s" {
			t.Errorf("the server after a download: %d started, weights %q", len(b.runs()), b.runs()[len(b.runs())-1].env("FLYBALL_SIM_WEIGHTS"))
		}
		if !b.ready() || b.pod().Status.Phase != corev1.PodRunning {
			t.Errorf("phase %s, ready %v", b.pod().Status.Phase, b.ready())
		}
	})
}

func TestUnknownImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, podOf(corev1.Container{Name: "c", Image: "nginx:1"}))
		b.until(time.Minute)
		w := b.pod().Status.ContainerStatuses[0].State.Waiting
		if w.Reason != reasonErrImagePull || w.Message != `the lab has no program for image "nginx:1"; it knows vllm, tool` {
			t.Errorf("state = %+v", w)
		}
		b.remove(30)
		if b.exists() {
			t.Error("a pod without processes is not removed at once")
		}
	})
}

func TestSecretArrivesAndChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := tool()
		c.Args = []string{"--cert=/certs/tls.crt"}
		c.VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/certs"}, {Name: "scratch", MountPath: "/tmp"}}
		pod := podOf(c)
		pod.Spec.Volumes = []corev1.Volume{
			{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}},
			{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		}
		b := newBench(t, pod)
		b.until(10 * time.Second)
		w := b.pod().Status.ContainerStatuses[0].State.Waiting
		if w == nil || w.Reason != reasonCreating || !strings.Contains(w.Message, `volume "v"`) || !strings.Contains(w.Message, "not found") {
			t.Fatalf("without the Secret: %+v", w)
		}
		set := func(value string) {
			s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "s"}, Data: map[string][]byte{"tls.crt": []byte(value)}}
			if err := b.secrets.Add(s); err != nil {
				t.Fatal(err)
			}
		}
		mounted := func() string {
			data, err := os.ReadFile(strings.TrimPrefix(b.runs()[0].spec.Args[0], "--cert="))
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
		set("one")
		b.until(12 * time.Second)
		if len(b.runs()) != 1 || mounted() != "one" {
			t.Fatalf("with it: %d started", len(b.runs()))
		}
		set("two")
		b.until(16 * time.Second)
		if got := mounted(); got != "two" {
			t.Errorf("after the change the file holds %q", got)
		}
	})
}

func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := podOf(corev1.Container{Name: "c", Image: "vllm"})
		pod.Status = corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "127.42.16.9",
			ContainerStatuses: []corev1.ContainerStatus{{Name: "c", RestartCount: 2, ContainerID: "flyball://x", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}},
		}
		b := newBench(t, pod)
		b.until(time.Second)
		s := b.pod().Status
		if len(b.runs()) != 1 || s.PodIP != "127.42.16.9" || s.ContainerStatuses[0].RestartCount != 3 || s.ContainerStatuses[0].LastTerminationState.Terminated == nil {
			t.Errorf("after a restart of the agent: %d started, %+v", len(b.runs()), s)
		}
	})
}

func TestNeverRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := podOf(tool())
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
		b := newBench(t, pod)
		b.until(time.Second)
		b.runs()[0].exit(0)
		b.until(time.Hour)
		if len(b.runs()) != 1 || b.pod().Status.Phase != corev1.PodSucceeded || b.state() != "Completed" || b.ready() {
			t.Errorf("a job's pod: %d runs, %s, %s", len(b.runs()), b.pod().Status.Phase, b.state())
		}
	})
}

func TestAgentEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, podOf(tool()))
		b.heeds = []syscall.Signal{syscall.SIGKILL}
		b.until(time.Second)
		b.cancel()
		<-b.ended
		if diff := cmp.Diff([]string{"1s terminated", "6s killed"}, b.signals()); diff != "" {
			t.Errorf("signals: -want +got\n%s", diff)
		}
		if !b.exists() {
			t.Error("the pod object is removed")
		}
	})
}
