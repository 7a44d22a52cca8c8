package lossless

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/drain"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// engine is the guide's pod; change may be nil.
func engine(change func(*corev1.PodSpec, *corev1.Container)) *corev1.PodSpec {
	p := &corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64(30)), // KServe writes it
		Containers: []corev1.Container{{
			Name: vllm.ServingContainer, Image: "vllm/vllm-openai:v0.23.0", Args: []string{"--model=/mnt/models", "--port=8080"},
		}},
	}
	if change != nil {
		change(p, &p.Containers[0])
	}
	return p
}

func preStop(words ...string) *corev1.Lifecycle {
	return &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: words}}}
}

func drainHook(address, bound string) *corev1.Lifecycle {
	return preStop("bash", "-c", Script, "drain", address, "15", bound)
}

// TestLosslessGuide is the worked example of Add.
func TestLosslessGuide(t *testing.T) {
	for grace, want := range map[int64]*corev1.PodSpec{
		30: engine(func(p *corev1.PodSpec, c *corev1.Container) {
			c.Args = append(c.Args, "--shutdown-timeout=30")
			c.Lifecycle = drainHook("127.0.0.1:8080", "260")
			p.TerminationGracePeriodSeconds = new(int64(300))
		}),
		60: engine(func(p *corev1.PodSpec, c *corev1.Container) {
			c.Args = append(c.Args, "--shutdown-timeout=17")
			c.Lifecycle = drainHook("127.0.0.1:8080", "33")
			p.TerminationGracePeriodSeconds = new(int64(60))
		}),
	} {
		got := engine(func(p *corev1.PodSpec, _ *corev1.Container) { p.TerminationGracePeriodSeconds = &grace })
		_, refusal := Add(got)
		if diff := cmp.Diff(want, got); diff != "" || refusal != "" {
			t.Errorf("grace %d: refusal %q, -want +got\n%s", grace, refusal, diff)
		}
	}
}

func TestLossless(t *testing.T) {
	all := []Addition{addedTimeout, addedHook, addedGrace}
	for name, tc := range map[string]struct {
		change  func(*corev1.PodSpec, *corev1.Container)
		added   []Addition
		refusal string // a part of it
		address string // of the hook that is added
	}{
		"vllm serve": {func(_ *corev1.PodSpec, c *corev1.Container) {
			c.Command, c.Args = []string{"/usr/bin/vllm", "serve", "m"}, nil
		}, all, "", "127.0.0.1:8000"},
		"a module": {func(_ *corev1.PodSpec, c *corev1.Container) {
			c.Command = []string{"python3", "-m", "vllm.entrypoints.openai.api_server"}
		}, all, "", "127.0.0.1:8080"},
		"an address": {func(_ *corev1.PodSpec, c *corev1.Container) { c.Args = append(c.Args, "--host", "10.0.0.1") }, all, "", "10.0.0.1:8080"},
		"every IPv6": {func(_ *corev1.PodSpec, c *corev1.Container) { c.Args = append(c.Args, "--host=::") }, all, "", "[::1]:8080"},
		"behind a sidecar": {func(p *corev1.PodSpec, _ *corev1.Container) {
			p.Containers = append([]corev1.Container{{Name: "istio-proxy", Image: "istio"}}, p.Containers...)
		}, all, "", "127.0.0.1:8080"},
		"a script": {func(_ *corev1.PodSpec, c *corev1.Container) {
			c.Command, c.Args = []string{"/bin/bash", "-c"}, []string{"exec vllm serve m --port 9000"}
		}, []Addition{addedHook, addedGrace}, "a script's", "127.0.0.1:9000"},
		"old": {func(_ *corev1.PodSpec, c *corev1.Container) { c.Image = "vllm/vllm-openai:v0.17.1" },
			[]Addition{addedHook, addedGrace}, "0.18", "127.0.0.1:8080"},
		"of no known version": {func(_ *corev1.PodSpec, c *corev1.Container) { c.Image = "r.example.com:5000/vllm-openai@sha256:00" },
			[]Addition{addedHook, addedGrace}, "0.18", "127.0.0.1:8080"},
		"another's version": {func(_ *corev1.PodSpec, c *corev1.Container) {
			c.Image, c.Command = "nvcr.io/nvidia/vllm:25.09.1", []string{"vllm", "serve", "m"}
		}, []Addition{addedHook, addedGrace}, "0.18", "127.0.0.1:8080"},
		"own timeout":     {func(_ *corev1.PodSpec, c *corev1.Container) { c.Args = append(c.Args, "--shutdown-timeout", "90") }, all[1:], "", "127.0.0.1:8080"},
		"own timeout, no": {func(_ *corev1.PodSpec, c *corev1.Container) { c.Args = append(c.Args, "--shutdown_timeout=0") }, all[1:], "", "127.0.0.1:8080"},
		"own hook":        {func(_ *corev1.PodSpec, c *corev1.Container) { c.Lifecycle = preStop("sleep", "5") }, []Addition{addedTimeout, addedGrace}, "", ""},
		"own grace":       {func(p *corev1.PodSpec, _ *corev1.Container) { p.TerminationGracePeriodSeconds = new(int64(45)) }, all[:2], "", "127.0.0.1:8080"},
		"short grace":     {func(p *corev1.PodSpec, _ *corev1.Container) { p.TerminationGracePeriodSeconds = new(int64(44)) }, nil, "shorter than 45 s", ""},
		"no room left": {func(p *corev1.PodSpec, c *corev1.Container) {
			p.TerminationGracePeriodSeconds = new(int64(60))
			c.Args = append(c.Args, "--shutdown-timeout=40")
		}, nil, "leaves 10 s", ""},
		"not vLLM": {func(_ *corev1.PodSpec, c *corev1.Container) { c.Image = "kserve/huggingfaceserver:v0.19.0" }, nil, "do not show vLLM", ""},
		"TLS":      {func(_ *corev1.PodSpec, c *corev1.Container) { c.Args = append(c.Args, "--ssl-keyfile=/k") }, nil, "TLS", ""},
		"socket":   {func(_ *corev1.PodSpec, c *corev1.Container) { c.Args = append(c.Args, "--uds=/s") }, nil, "Unix socket", ""},
		"silent":   {func(_ *corev1.PodSpec, c *corev1.Container) { c.Args = append(c.Args, "--disable-log-stats") }, nil, "gauges", ""},
		"variable": {func(_ *corev1.PodSpec, c *corev1.Container) { c.Args = append(c.Args, "--host=$(POD_IP)") }, nil, "$(POD_IP)", ""},
		"empty":    {func(p *corev1.PodSpec, _ *corev1.Container) { p.Containers = nil }, nil, "no container", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := engine(tc.change)
			before := p.DeepCopy()
			added, refusal := Add(p)
			if !slices.Equal(added, tc.added) || !strings.Contains(refusal, tc.refusal) || (refusal == "") != (tc.refusal == "") {
				t.Errorf("Add() = %q, %q, want %q, %q", added, refusal, tc.added, tc.refusal)
			}
			if l := servingOf(p).Lifecycle; tc.address != "" && (l == nil || l.PreStop.Exec.Command[4] != tc.address) {
				t.Errorf("hook = %+v, want one for %s", l, tc.address)
			}
			if len(added) == 0 && !cmp.Equal(before, p) {
				t.Errorf("changed although nothing was added\n%s", cmp.Diff(before, p))
			}
			once := p.DeepCopy()
			if again, _ := Add(p); len(again) > 0 || !cmp.Equal(once, p) { // INV-1
				t.Errorf("a second time added %q\n%s", again, cmp.Diff(once, p))
			}
		})
	}
}

// servingOf is the container that serves, an empty one if none does.
func servingOf(p *corev1.PodSpec) *corev1.Container {
	i, err := vllm.Serving(p.Containers)
	if err != nil {
		return &corev1.Container{}
	}
	return &p.Containers[i]
}

// Whatever was set, the hook and vLLM's own time fit the grace period (INV-1).
func TestLosslessFits(t *testing.T) {
	for grace := int64(30); grace < 1000; grace++ {
		p := engine(func(p *corev1.PodSpec, _ *corev1.Container) { p.TerminationGracePeriodSeconds = &grace })
		if added, _ := Add(p); len(added) == 0 {
			continue
		}
		args, _ := vllm.CommandOf(servingOf(p)).Args()
		timeout := int64(args.ShutdownTimeout.Seconds())
		bound, err := strconv.ParseInt(servingOf(p).Lifecycle.PreStop.Exec.Command[6], 10, 64)
		if total := bound + timeout + spareTime; err != nil || timeout < 1 || bound < hookLeast || total != *p.TerminationGracePeriodSeconds {
			t.Errorf("grace %d: %d s of hook and %d s of timeout, %v", grace, bound, timeout, err)
		}
	}
}

// TestDrainScript runs the hook's script with a clock of the test's and compares it,
// second by second, with internal/drain.
func TestDrainScript(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash") // a pod of vLLM's has one
	}
	const settle, bound = 2, 12
	const clock = "unset SECONDS; SECONDS=0; sleep() { SECONDS=$((SECONDS + $1)); }; trap 'echo $SECONDS' EXIT\n"
	unread := []string{"", "vllm:num_requests_running 0.0\n", "nothing of vLLM\n"}
	random := rand.New(rand.NewPCG(1, 1))
	for run := range 30 {
		var pages []string
		way, err := drain.Begin(drain.Config{Settle: settle * time.Second, Quiet: 2 * time.Second, Bound: bound * time.Second}, 0)
		if err != nil {
			t.Fatal(err)
		}
		end := settle
		for ; ; end++ {
			r := drain.Reading{Measured: random.IntN(6) > 0, InFlight: max(0, random.IntN(6)-3)}
			page := unread[random.IntN(len(unread))]
			if r.Measured {
				page = fmt.Sprintf("# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine=\"0\"} 0\n"+
					"vllm:num_requests_running{engine=\"1\",model_name=\"a b\"} %d.0\nvllm:num_requests_waiting{engine=\"0\"} 0.0\n"+
					"vllm:num_requests_waiting_by_reason{reason=\"capacity\"} 7.0\n", r.InFlight)
			}
			pages = append(pages, page)
			if way.Step(time.Duration(end)*time.Second, r).MayGo() {
				break
			}
		}
		var asked atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			page := ""
			if n := int(asked.Add(1)) - 1; r.URL.Path == "/metrics" && n < len(pages) {
				page = pages[n]
			}
			_, _ = w.Write([]byte(page))
		}))
		address := strings.TrimPrefix(server.URL, "http://")
		out, err := exec.CommandContext(t.Context(), bash, "-c", clock+Script, "drain", address, strconv.Itoa(settle), strconv.Itoa(bound)).CombinedOutput()
		server.Close()
		if got := strings.TrimSpace(string(out)); err != nil || got != strconv.Itoa(end) {
			t.Errorf("run %d: ended after %q s, %v, want %d; pages %q", run, got, err, end, pages)
		}
	}
}

// A server that is gone is waited for until the bound, without a word.
func TestDrainScriptBlind(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	server := httptest.NewServer(nil)
	address := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	out, err := exec.CommandContext(t.Context(), bash, "-c", "unset SECONDS; SECONDS=0; sleep() { ((SECONDS += $1)); }; trap 'echo $SECONDS' EXIT\n"+Script,
		"drain", address, "15", "260").CombinedOutput()
	if err != nil || string(out) != "260\n" {
		t.Errorf("the script said %q, %v, want 260", out, err)
	}
}

// The shipped manifest is what the webhook would make of a service without one.
func TestLosslessExample(t *testing.T) {
	var runtime struct {
		Spec struct{ Containers []corev1.Container }
	}
	var service struct {
		Spec struct{ Predictor corev1.PodSpec }
	}
	for name, into := range map[string]any{"runtime": &runtime, "service": &service} {
		data, err := os.ReadFile("../../examples/lossless/" + name + ".yaml")
		if err == nil {
			err = yaml.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want := engine(func(_ *corev1.PodSpec, c *corev1.Container) {
		c.Args = slices.DeleteFunc(slices.Clone(runtime.Spec.Containers[0].Args), func(a string) bool { return strings.Contains(a, "shutdown") })
	})
	Add(want)
	got := &corev1.PodSpec{Containers: runtime.Spec.Containers, TerminationGracePeriodSeconds: service.Spec.Predictor.TerminationGracePeriodSeconds}
	for _, c := range []*corev1.Container{&got.Containers[0], &want.Containers[0]} {
		slices.Sort(c.Args)
		c.Ports, c.ReadinessProbe, c.Resources = nil, nil, corev1.ResourceRequirements{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("examples/lossless: -want +got\n%s", diff)
	}
}
