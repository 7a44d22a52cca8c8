//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
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

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const soakNamespace = "demo" // that of examples/zero, whose files are applied

// soak is the running test.
type soak struct {
	t       *testing.T
	cluster *cluster
	dir     string
	proxy   string
	client  kubernetes.Interface
	watched *watched
}

func newSoak(ctx context.Context, t *testing.T, c *cluster) (*soak, error) {
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(c.dir, "kubeconfig"))
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 50, 100
	s := &soak{t: t, cluster: c, dir: t.TempDir()}
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	for _, e := range c.env() {
		if proxy, ok := strings.CutPrefix(e, "FLYBALL_PROXY="); ok {
			s.proxy = proxy
		}
	}
	factory := informers.NewSharedInformerFactory(s.client, 0)
	pods := factory.Core().V1().Pods().Informer()
	s.watched = &watched{
		pods: pods.GetStore(), named: map[types.UID]bool{}, seen: map[types.UID]bool{},
		templates: map[string]map[string]bool{}, counted: map[string]map[string]int{},
	}
	if _, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: s.watched.see, UpdateFunc: func(_, now any) { s.watched.see(now) }, DeleteFunc: s.watched.see,
	}); err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("watching %v: %w", kind, ctx.Err())
		}
	}
	return s, nil
}

// kubectl is the real one, as a user runs it.
func (s *soak) kubectl(ctx context.Context, stdin string, args ...string) error {
	cmd := s.cluster.command(ctx, "bin/lab/kubectl", args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// await polls until ok, and says what did not come in time.
func await(ctx context.Context, limit time.Duration, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// prepare applies everything and waits until services with pods have them and the others
// are at zero, but those that crash.
func (s *soak) prepare(ctx context.Context, rows []*row) error {
	zero, shipped := filepath.Join("examples", "zero"), filepath.Join("examples", "lossless", "runtime.yaml")
	if err := s.kubectl(ctx, "", "apply", "-f", filepath.Join(zero, "01-runtime.yaml"), "-f", shipped); err != nil {
		return err
	}
	secret := s.cluster.command(ctx, "/bin/sh", filepath.Join(zero, "02-secret.sh"))
	if out, err := secret.CombinedOutput(); err != nil {
		return fmt.Errorf("making the secret: %w: %s", err, out)
	}
	if err := s.kubectl(ctx, "", "apply", "-f", filepath.Join(zero, "03-trigger-authentication.yaml")); err != nil {
		return err
	}
	// As shipped, no pod waits for the webhook: an answer that is late on a busy machine
	// would leave a pod that does not drain, and no fault to find.
	if err := s.kubectl(ctx, "", "patch", "mutatingwebhookconfiguration", "flyball-drain", "--type", "json",
		"-p", `[{"op":"test","path":"/webhooks/0/name","value":"service.drain.flyball.dev"},{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Fail"}]`); err != nil {
		return err
	}
	manifests, err := runtimes()
	if err != nil {
		return err
	}
	for _, r := range rows {
		manifests += r.service.manifest()
	}
	if err := s.kubectl(ctx, manifests, "apply", "-f", "-"); err != nil {
		return err
	}
	return s.begin(ctx, rows)
}

// begin waits until all are scaled, with a short cooldown, and at their least.
func (s *soak) begin(ctx context.Context, rows []*row) error {
	for _, r := range rows {
		name := r.service.name + "-predictor"
		err := await(ctx, time.Minute, "ScaledObject "+name, func() bool {
			return s.kubectl(ctx, "", "patch", "scaledobject", name, "-n", soakNamespace, "--type", "merge",
				"-p", `{"spec":{"cooldownPeriod":10,"pollingInterval":5}}`) == nil
		})
		if err != nil {
			return err
		}
	}
	for _, r := range rows {
		if r.service.runtime == crash {
			continue // KServe begins with one pod, and no pod, no metric, is no reason to take it away
		}
		if err := s.settled(ctx, r.service, 3*time.Minute); err != nil {
			return err
		}
	}
	return nil
}

// giveBackTime is when a wake of which every pod crashes has been given back.
const giveBackTime = 11 * time.Minute

// settled waits until a service has the least of pods, all ready, and none that ends.
func (s *soak) settled(ctx context.Context, of service, limit time.Duration) error {
	return await(ctx, limit, fmt.Sprintf("%s to have %d pods", of.name, of.least), func() bool {
		pods := s.watched.of(serviceLabel, of.name)
		return len(pods) == of.least && !slices.ContainsFunc(pods, func(p *corev1.Pod) bool { return !ready(p) })
	})
}

// finish waits until no pod is about to end, and gathers what gateways and engines say.
func (s *soak) finish(ctx context.Context, rows []*row) error {
	for _, r := range rows {
		name, limit := r.service.name, 3*time.Minute
		if r.service.runtime == crash {
			limit = giveBackTime
		}
		err := s.settled(ctx, r.service, limit)
		if err != nil {
			return err
		}
		if r.gateway, err = s.gatewayCounts(name); err != nil {
			return err
		}
		if r.engine, err = s.engineCounts(ctx, name); err != nil {
			return err
		}
		r.deletions = s.watched.deletions(name)
	}
	return nil
}

// undisturbed leaves it to the load.
func undisturbed(context.Context, *soak, *row, time.Time) error { return nil }

// patience is how many rounds in a row may fail because the API server has not answered
// the test: that is no loss, and what is deleted is counted by the pods.
const patience = 5

// pace is from one round to the next, at least.
const pace = 30 * time.Second

// repeat does it again as soon as the service has its pods again, while those of before
// may yet have answers to end.
func (s *soak) repeat(ctx context.Context, r *row, until time.Time, do func(round int) error) error {
	failed := 0
	for round := 0; time.Now().Before(until); round++ {
		next := time.Now().Add(pace)
		err := do(round)
		if err == nil {
			err = await(ctx, 3*time.Minute, fmt.Sprintf("%s to have %d pods", r.service.name, r.service.least), func() bool {
				return len(s.alive(r.service)) == r.service.least && !slices.ContainsFunc(s.alive(r.service), func(p *corev1.Pod) bool { return !ready(p) })
			})
		}
		if err == nil {
			err = await(ctx, pace+time.Second, "the next round", func() bool { return !time.Now().Before(next) })
		}
		switch {
		case err == nil:
			failed = 0
		case failed == patience || ctx.Err() != nil:
			return err
		default:
			failed++
			s.t.Logf("%s, round %d: %v; again", r.what, round, err)
		}
	}
	return nil
}

// replace rolls out in turns as people do: by 'kubectl rollout restart', which KServe takes
// back a little later, so that pods are replaced twice; and by a change of the service.
func replace(ctx context.Context, s *soak, r *row, until time.Time) error {
	name := r.service.name + "-predictor"
	return s.repeat(ctx, r, until, func(round int) error {
		if round%2 == 0 {
			if err := s.kubectl(ctx, "", "rollout", "restart", "deployment", name, "-n", soakNamespace); err != nil {
				return err
			}
			return s.rolledOut(ctx, soakNamespace, name)
		}
		mark := fmt.Sprint(round)
		err := s.kubectl(ctx, "", "patch", "inferenceservice", r.service.name, "-n", soakNamespace, "--type", "merge",
			"-p", `{"spec":{"predictor":{"annotations":{"round":"`+mark+`"}}}}`)
		if err != nil {
			return err
		}
		err = await(ctx, time.Minute, "KServe to change the template of "+name, func() bool {
			d, err := s.client.AppsV1().Deployments(soakNamespace).Get(ctx, name, metav1.GetOptions{})
			return err == nil && d.Spec.Template.Annotations["round"] == mark
		})
		if err != nil {
			return err
		}
		return s.rolledOut(ctx, soakNamespace, name)
	})
}

// rolledOut waits for the end of a roll-out, as 'kubectl rollout status' does.
func (s *soak) rolledOut(ctx context.Context, namespace, name string) error {
	return await(ctx, 3*time.Minute, "roll-out of "+name, func() bool {
		d, err := s.client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		return err == nil && rolledOut(d)
	})
}

func rolledOut(d *appsv1.Deployment) bool {
	return d.Status.ObservedGeneration >= d.Generation && d.Spec.Replicas != nil &&
		d.Status.UpdatedReplicas == *d.Spec.Replicas && d.Status.Replicas == *d.Spec.Replicas && d.Status.AvailableReplicas == *d.Spec.Replicas
}

// alive are a service's pods that are not about to end.
func (s *soak) alive(of service) []*corev1.Pod {
	return slices.DeleteFunc(slices.Clone(s.watched.of(serviceLabel, of.name)), func(p *corev1.Pod) bool { return p.DeletionTimestamp != nil })
}

// chosen takes turns: one pod, then all at once, so that nothing is left to answer.
func (s *soak) chosen(r *row, round int) []*corev1.Pod {
	pods := s.alive(r.service)
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	if round%2 == 0 {
		return pods[:min(1, len(pods))]
	}
	return pods
}

func evict(ctx context.Context, s *soak, r *row, until time.Time) error {
	return s.repeat(ctx, r, until, func(round int) error {
		for _, p := range s.chosen(r, round) {
			err := s.client.PolicyV1().Evictions(soakNamespace).Evict(ctx, &policyv1.Eviction{
				ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name},
			})
			if err != nil {
				return fmt.Errorf("evicting %s: %w", p.Name, err)
			}
		}
		return nil
	})
}

func remove(ctx context.Context, s *soak, r *row, until time.Time) error {
	return s.repeat(ctx, r, until, func(round int) error {
		pods := s.chosen(r, round)
		s.watched.name(pods)
		args := []string{"delete", "pod", "-n", soakNamespace, "--wait=false"}
		for _, p := range pods {
			args = append(args, p.Name)
		}
		return s.kubectl(ctx, "", args...)
	})
}

func rollGateways(ctx context.Context, s *soak, r *row, until time.Time) error {
	const namespace, name = "flyball-system", "flyball-gateway"
	before := total(s.watched.deletions(name))
	defer func() { r.others = total(s.watched.deletions(name)) - before }()
	return s.repeat(ctx, r, until, func(int) error {
		if err := s.kubectl(ctx, "", "rollout", "restart", "deployment", name, "-n", namespace); err != nil {
			return err
		}
		if err := s.rolledOut(ctx, namespace, name); err != nil {
			return err
		}
		return await(ctx, time.Minute, "old gateways to end", func() bool { return len(s.watched.of("app", name)) == 2 })
	})
}

// killKEDA kills the operator once in each wave: while a request waits for the first
// pod, while more are made, while all but one are removed, while the last one is.
func killKEDA(ctx context.Context, s *soak, r *row, until time.Time) error {
	const namespace, name = "keda", "keda-operator"
	begin := time.Now()
	moments := [...]time.Duration{time.Second, waveHigh / 2, waveHigh + waveLow/2, waveHigh + waveLow + waveNone/3}
	for i := 0; ; i++ {
		at := begin.Add(time.Duration(i)*wave + moments[i%len(moments)])
		if at.After(until) {
			return nil
		}
		if err := await(ctx, time.Until(at)+time.Second, "the moment", func() bool { return !time.Now().Before(at) }); err != nil {
			return err
		}
		for _, p := range s.watched.of("app", name) {
			if p.DeletionTimestamp != nil {
				continue
			}
			if err := s.kubectl(ctx, "", "delete", "pod", p.Name, "-n", namespace, "--force", "--grace-period=0"); err != nil {
				s.t.Logf("%s: %v; at the next moment again", r.what, err)
				continue
			}
			r.others++
		}
		if err := s.rolledOut(ctx, namespace, name); err != nil {
			return err
		}
	}
}

// freeze stops an engine for a while, one after the other. It accepts connections as long
// as the system has room for them, which is all that its readiness probe asks for.
func freeze(ctx context.Context, s *soak, r *row, until time.Time) error {
	const takes, between = 45 * time.Second, 20 * time.Second
	for i := 0; time.Now().Add(takes + between).Before(until); i++ {
		pods := s.alive(r.service)
		slices.SortFunc(pods, func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
		p := pods[i%len(pods)]
		if err := s.signal(p.Name, syscall.SIGSTOP); err != nil {
			return err
		}
		err := pass(ctx, takes)
		for _, now := range s.alive(r.service) {
			if now.Name == p.Name && !ready(now) {
				s.t.Errorf("%s: %s is not Ready: this is no test of an engine that is", r.what, p.Name)
			}
		}
		if err = errors.Join(err, s.signal(p.Name, syscall.SIGCONT)); err != nil {
			return err
		}
		r.others++
		if err := pass(ctx, between); err != nil {
			return err
		}
	}
	return nil
}

// pass waits.
func pass(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	return await(ctx, d+time.Second, "the moment", func() bool { return !time.Now().Before(end) })
}

// signal sends a signal to the processes of a pod.
func (s *soak) signal(pod string, sig syscall.Signal) error {
	sent := 0
	for _, path := range marked(s.t, s.cluster.dir) {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, []byte("\x00HOSTNAME="+pod+"\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return err
		}
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("sending %v to %s: %w", sig, pod, err)
		}
		sent++
	}
	if sent == 0 {
		return fmt.Errorf("sending %v to %s: it has no process", sig, pod)
	}
	return nil
}

func total(counts map[string]int) int {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum
}
