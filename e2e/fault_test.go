//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// From a request that is held to the scale that is asked for.
const (
	scaleTime     = 3 * time.Second  // while one controller lives, whether it leads or not
	scaleTimeNone = 10 * time.Second // where all were killed: one has to start first
)

// faults is the running test: two controllers, one of which leads.
type faults struct {
	*soak
	scaledObjects dynamic.ResourceInterface
}

// TestFaults ends controllers and the API server, in the ways in which machines end, while
// requests are held and while they are answered. No request is lost by it, and no wake is
// lowered before its requests are answered.
func TestFaults(t *testing.T) {
	// Weights take long, so that what is held is held while the fault lasts.
	c := start(t, "--pull", "0s", "--weights", "12s", "--warmup", "500ms", "--hpa-sync-period", "5s", "--gpus-per-node", "20")
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	s, err := newSoak(ctx, t, c)
	if err != nil {
		t.Fatal(err)
	}
	sleepy := func(name string) service { return service{name: name, least: 0, most: 4, runtime: sleeping} }
	killed, left, paused, none := sleepy("fault-killed"), sleepy("fault-left"), sleepy("fault-paused"), sleepy("fault-none")
	blind, down := sleepy("fault-blind"), sleepy("fault-down")
	serving := &row{service: service{name: "fault-serving", least: 2, most: 2, runtime: draining}, what: "API server killed", rate: 4}
	rows := []*row{{service: killed}, {service: left}, {service: paused}, {service: none}, {service: blind}, {service: down}, serving}
	if err := s.prepare(ctx, rows); err != nil {
		t.Fatalf("preparing: %v", err)
	}
	f, err := newFaults(s)
	if err != nil {
		t.Fatal(err)
	}
	// First, since containers that end again and again are started later and later.
	t.Run("all controllers are killed", func(t *testing.T) {
		f.during(ctx, t, none, scaleTimeNone, func(string) error {
			for _, p := range f.watched.of("app", controllerName) {
				if err := f.signal(p.Name, syscall.SIGKILL); err != nil {
					return err
				}
			}
			return nil
		})
	})
	t.Run("the controller that leads is killed", func(t *testing.T) {
		f.during(ctx, t, killed, scaleTime, func(leader string) error { return f.signal(leader, syscall.SIGKILL) })
	})
	t.Run("another controller comes to lead", func(t *testing.T) {
		f.during(ctx, t, left, scaleTime, func(leader string) error {
			return f.kubectl(ctx, "", "delete", "pod", leader, "-n", flyballNamespace, "--wait=false")
		})
	})
	t.Run("the controller that leads hangs, and goes on when another leads", func(t *testing.T) {
		f.during(ctx, t, paused, scaleTime, func(leader string) error {
			go f.hang(ctx, leader)
			return f.signal(leader, syscall.SIGSTOP)
		})
	})
	t.Run("Prometheus is gone", func(t *testing.T) {
		f.during(ctx, t, blind, scaleTime, func(string) error { return f.scale(ctx, "prometheus", "cpaas-system", 0) })
		if err := f.scale(ctx, "prometheus", "cpaas-system", 1); err != nil {
			t.Error(err)
		}
	})
	t.Run("what a metric source may answer", func(t *testing.T) { f.sources(ctx, t) })
	t.Run("the API server is killed", func(t *testing.T) { f.serverKilled(ctx, t, serving, down) })
	if err := s.finish(ctx, rows); err != nil {
		t.Errorf("back at rest: %v", err)
	}
	if t.Failed() {
		keepLogs(t, c)
	}
}

const (
	flyballNamespace = "flyball-system"
	controllerName   = "flyball-controller"
)

func newFaults(s *soak) (*faults, error) {
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(s.cluster.dir, "kubeconfig"))
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kind := schema.GroupVersionResource{Group: "keda.sh", Version: "v1alpha1", Resource: "scaledobjects"}
	return &faults{s, client.Resource(kind).Namespace(soakNamespace)}, nil
}

// hang lets a controller go on after more than its lease lasts. It may then write for a
// moment what it has decided before.
func (f *faults) hang(ctx context.Context, pod string) {
	if err := errors.Join(pass(ctx, 18*time.Second), f.signal(pod, syscall.SIGCONT)); err != nil {
		f.t.Error(err)
	}
}

func (f *faults) scale(ctx context.Context, deployment, namespace string, replicas int) error {
	if err := f.kubectl(ctx, "", "scale", "deployment", deployment, "-n", namespace, fmt.Sprintf("--replicas=%d", replicas)); err != nil {
		return err
	}
	return f.rolledOut(ctx, namespace, deployment)
}

// during wakes a service with one request, lets the fault come about while that is held,
// sends another, and wants two replicas to be asked for in time, never fewer before the
// answers, and both answers. More than two are not asked for before the first answer.
func (f *faults) during(ctx context.Context, t *testing.T, of service, limit time.Duration, fault func(leader string) error) {
	if err := f.rolledOut(ctx, flyballNamespace, controllerName); err != nil {
		t.Fatal(err)
	}
	pods := slices.DeleteFunc(f.watched.of("app", controllerName), func(p *corev1.Pod) bool { return !ready(p) })
	if len(pods) != 2 {
		t.Fatalf("ready controllers: %v, want 2", names(pods))
	}
	if err := await(ctx, time.Minute, "a leader that lives", func() bool { return f.led(ctx) }); err != nil {
		t.Fatal(err)
	}
	leader, holder, err := f.leader(ctx, pods)
	if err != nil {
		t.Fatal(err)
	}
	minimum := func() int { return f.minimum(ctx, t, of) }
	ask := f.wholeAnswers(of)
	var asked errgroup.Group
	asked.Go(func() error { return ask.ask(ctx, leastOut) })
	if err := await(ctx, limit, "the first request's replica", func() bool { return minimum() == 1 }); err != nil {
		t.Fatal(err)
	}
	if err := fault(leader); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	asked.Go(func() error { return ask.ask(ctx, leastOut) })
	err = await(ctx, time.Minute, "two replicas", func() bool { return minimum() == 2 })
	took := time.Since(began)
	if err != nil || took > limit {
		t.Errorf("%s: two replicas asked for after %v, %v; want it within %v", leader, took.Round(time.Millisecond), err, limit)
	}
	_, now, err := f.leader(ctx, pods)
	t.Logf("asked for after %v; the lease was %s's and is %s's, %v", took.Round(time.Millisecond), holder, now, err)
	f.answered(t, &asked, minimum)
}

// answered waits for all answers, and wants no fewer than two replicas to be asked for
// meanwhile.
func (f *faults) answered(t *testing.T, asked *errgroup.Group, minimum func() int) {
	t.Helper()
	answered := make(chan error, 1)
	go func() { answered <- asked.Wait() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for least := 2; ; {
		select {
		case err := <-answered:
			if err != nil {
				t.Errorf("an answer: %v", err)
			}
			return
		case <-tick.C:
			if n := minimum(); 0 <= n && n < least {
				t.Errorf("minimum %d while requests are held, want %d", n, least)
				least = n
			}
		}
	}
}

// serverKilled kills the API server twice under load, and wakes a service meanwhile.
func (f *faults) serverKilled(ctx context.Context, t *testing.T, serving *row, sleeping service) {
	const takes = 40 * time.Second
	var group errgroup.Group
	group.Go(func() (err error) {
		serving.load, err = f.load(ctx, serving, takes)
		return err
	})
	ask := f.wholeAnswers(sleeping)
	for range 2 {
		if err := pass(ctx, 5*time.Second); err != nil {
			t.Fatal(err)
		}
		if err := killServer(t, f.cluster.dir); err != nil {
			t.Fatal(err)
		}
		group.Go(func() error { return ask.ask(ctx, leastOut) })
		err := await(ctx, time.Minute, "the API server", func() bool {
			_, err := f.client.CoreV1().Namespaces().Get(ctx, soakNamespace, metav1.GetOptions{})
			return err == nil
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := await(ctx, time.Minute, "a replica", func() bool { return f.minimum(ctx, t, sleeping) > 0 }); err != nil {
			t.Error(err)
		}
		t.Logf("asked for %v after the API server came back", time.Since(began).Round(time.Millisecond))
	}
	if err := group.Wait(); err != nil {
		t.Errorf("an answer: %v", err)
	}
	if serving.lost() != 0 || serving.load.Sent == 0 {
		t.Errorf("%d of %d requests not answered in full: %v", serving.lost(), serving.load.Sent, serving.load.FirstErrors)
	}
}

// killServer is the end of the lab's API server, which is started again.
func killServer(t *testing.T, dir string) error {
	t.Helper()
	for _, path := range marked(t, dir) {
		process := filepath.Dir(path)
		if line, err := os.ReadFile(filepath.Join(process, "cmdline")); err != nil || !bytes.Contains(line, []byte("kube-apiserver\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(process))
		if err != nil {
			return err
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	}
	return fmt.Errorf("no API server among the processes of %s", dir)
}

// minimum is what a service's ScaledObject asks for; -1 if there is no answer. An API
// server that has just started tells its clients to come back in 5 s, which they do unasked.
func (f *faults) minimum(ctx context.Context, t *testing.T, of service) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	o, err := f.scaledObjects.Get(ctx, of.name+"-predictor", metav1.GetOptions{})
	if err != nil {
		t.Logf("reading the ScaledObject of %s: %v", of.name, err)
		return -1
	}
	var so struct {
		Spec struct {
			MinReplicaCount int `json:"minReplicaCount"`
		} `json:"spec"`
	}
	text, err := o.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, &so)
	}
	if err != nil {
		t.Fatal(err)
	}
	return so.Spec.MinReplicaCount
}

// led tells whether somebody renews the lease, which is every 2 s.
func (f *faults) led(ctx context.Context) bool {
	lease, err := f.client.CoordinationV1().Leases(flyballNamespace).Get(ctx, controllerName, metav1.GetOptions{})
	return err == nil && lease.Spec.RenewTime != nil && time.Since(lease.Spec.RenewTime.Time) < 4*time.Second
}

// leader is the pod that has got the lease last, by the pods' logs, and who holds it, by
// its own words: the lab's pods share the name of one machine.
func (f *faults) leader(ctx context.Context, pods []*corev1.Pod) (pod, holder string, err error) {
	lease, err := f.client.CoordinationV1().Leases(flyballNamespace).Get(ctx, controllerName, metav1.GetOptions{})
	if err != nil {
		return "", "", err
	}
	if lease.Spec.HolderIdentity != nil {
		holder = *lease.Spec.HolderIdentity
	}
	var last string
	for _, p := range pods {
		err := eachLine(filepath.Join(f.cluster.dir, "logs", "pods", flyballNamespace+"_"+p.Name+"_controller.log"), func(line []byte) error {
			var said struct{ Time, Msg string }
			if !bytes.Contains(line, []byte(`"Successfully acquired lease"`)) {
				return nil
			}
			if err := json.Unmarshal(line, &said); err != nil {
				return fmt.Errorf("reading %q: %w", line, err)
			}
			if said.Time > last {
				last, pod = said.Time, p.Name
			}
			return nil
		})
		if err != nil {
			return "", "", err
		}
	}
	if pod == "" {
		return "", "", fmt.Errorf("none of the controllers says that it leads: %s", strings.Join(names(pods), ", "))
	}
	return pod, holder, nil
}

func names(pods []*corev1.Pod) []string {
	var all []string
	for _, p := range pods {
		all = append(all, p.Name)
	}
	return slices.Sorted(slices.Values(all))
}
