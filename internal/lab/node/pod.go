//go:build linux

package node

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

const (
	retryInterval   = time.Second
	refreshInterval = 3 * time.Second // of mounted objects
	abandonGrace    = 5 * time.Second // longest wait for a pod's processes when the agent ends
)

// worker is one pod's kubelet. Everything but the mailbox belongs to its goroutine; what happens
// elsewhere (a new version of the object, the end of a process, a probe's result) is posted as a
// func. After each such event it steps: it looks at the whole pod and does what is due, so that
// no event can be missed for good.
type worker struct {
	a    *Agent
	host host
	dir  string

	mu   sync.Mutex
	mail []func()
	bell chan struct{}

	pod           *corev1.Pod // latest version
	gone          bool        // the object no longer exists
	ip            string
	placed        bool // it has its address, directory and start time
	started       metav1.Time
	inits, mains  []*container
	initialized   bool
	weightsLoaded bool // by an init container
	tokens        map[string]token
	refreshAt     time.Time
	dying         *int64           // grace period in seconds of the deletion under way
	reported      corev1.PodStatus // as the API has it from us
	random        *rand.Rand
	next          time.Time // when to step again, at the latest
}

func (a *Agent) newWorker(pod *corev1.Pod) *worker {
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(pod.UID)) // never fails
	w := &worker{
		a: a, host: a.nodes[pod.Spec.NodeName], pod: pod,
		dir:      filepath.Join(a.podsDir(), pod.Namespace+"_"+pod.Name+"_"+string(pod.UID)),
		bell:     make(chan struct{}, 1),
		tokens:   map[string]token{},
		reported: pod.Status,
		random:   rand.New(rand.NewPCG(seed.Sum64(), 0)),
	}
	for i := range pod.Spec.InitContainers {
		spec := &pod.Spec.InitContainers[i]
		c := w.newContainer(spec)
		c.init = true
		c.sidecar = spec.RestartPolicy != nil && *spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
		w.inits = append(w.inits, c)
	}
	for i := range pod.Spec.Containers {
		w.mains = append(w.mains, w.newContainer(&pod.Spec.Containers[i]))
	}
	w.resume()
	return w
}

func (w *worker) newContainer(spec *corev1.Container) *container {
	c := &container{spec: spec, mounted: map[string]payload{}}
	reason := reasonCreating
	if len(w.pod.Spec.InitContainers) > 0 {
		reason = reasonInitializing
	}
	c.state.Waiting = &corev1.ContainerStateWaiting{Reason: reason}
	return c
}

// resume takes over a pod that an earlier agent ran: its processes are gone, so its containers
// count as killed, and its image as pulled.
func (w *worker) resume() {
	w.ip = w.pod.Status.PodIP
	if w.pod.Status.StartTime != nil {
		w.started = *w.pod.Status.StartTime
	}
	for _, c := range w.mains {
		i := slices.IndexFunc(w.pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == c.spec.Name })
		if i < 0 || w.pod.Status.ContainerStatuses[i].ContainerID == "" {
			continue
		}
		old := w.pod.Status.ContainerStatuses[i]
		w.a.images.pull(w.pod.Spec.NodeName, c.spec.Image, time.Now(), 0)
		c.runs, c.last = old.RestartCount+1, old.LastTerminationState
		c.state = corev1.ContainerState{Terminated: old.State.Terminated}
		if old.State.Terminated == nil {
			c.state.Terminated = &corev1.ContainerStateTerminated{
				ExitCode: 137, Reason: "Error", Message: "the lab was stopped", FinishedAt: stamp(time.Now()),
			}
		}
	}
}

// post hands f to the worker's goroutine.
func (w *worker) post(f func()) {
	w.mu.Lock()
	w.mail = append(w.mail, f)
	w.mu.Unlock()
	select {
	case w.bell <- struct{}{}:
	default: // it has yet to look
	}
}

func (w *worker) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			w.abandon()
			return
		case <-w.bell:
		case <-timer.C:
		}
		w.mu.Lock()
		mail := w.mail
		w.mail = nil
		w.mu.Unlock()
		for _, f := range mail {
			f()
		}
		now := time.Now()
		w.next = now.Add(time.Hour)
		if w.step(ctx, now) {
			w.cleanUp()
			return
		}
		timer.Reset(time.Until(w.next))
	}
}

// at asks for a step at t or before.
func (w *worker) at(t time.Time) {
	if t.Before(w.next) {
		w.next = t
	}
}

// step does everything that is due now, and says whether the pod is finished with.
func (w *worker) step(ctx context.Context, now time.Time) (done bool) {
	w.reap(now)
	if w.gone || w.pod.DeletionTimestamp != nil {
		if w.terminate(ctx, now) {
			return true
		}
	} else if !finished(w.pod) && !finishedPhase(w.reported.Phase) {
		w.advance(ctx, now)
	}
	if !w.gone {
		w.publish(ctx, now)
	}
	return false
}

// advance brings the containers forward: init containers one after the other, then the rest.
func (w *worker) advance(ctx context.Context, now time.Time) {
	if err := w.place(now); err != nil {
		for _, c := range w.containers() {
			c.wait(reasonCreating, err.Error())
			w.complain(c, "FailedCreatePodSandBox", err.Error())
		}
		w.at(now.Add(retryInterval))
		return
	}
	w.initialized = w.initialize(ctx, now)
	if w.initialized {
		for _, c := range w.mains {
			w.ensure(ctx, c, now)
		}
	}
	for _, c := range w.containers() {
		w.pursue(c, now)
		w.attend(ctx, c, now)
	}
	w.refresh(ctx, now)
}

// place gives the pod its address, directory and start time, once.
func (w *worker) place(now time.Time) error {
	if w.placed {
		return nil
	}
	if w.started.IsZero() {
		w.started = stamp(now)
	}
	if w.ip == "" {
		ip, err := w.a.addresses.allocate()
		if err != nil {
			return err
		}
		w.ip = ip
	}
	for _, c := range w.containers() {
		c.view = view{
			root: filepath.Join(w.dir, c.spec.Name), mounts: mountPaths(c.spec, w.pod.Spec.Volumes, w.modelServer(c)),
			dir: w.a.cfg.Dir, podIP: w.ip,
		}
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil { // it holds tokens
		return fmt.Errorf("preparing the pod: %w", err)
	}
	w.placed = true
	return nil
}

func (w *worker) modelServer(c *container) bool {
	p, ok := w.a.cfg.Programs(c.spec.Image)
	return ok && p.ColdStart
}

// initialize starts the first init container that is not done, and says whether all are.
func (w *worker) initialize(ctx context.Context, now time.Time) bool {
	for _, c := range w.inits {
		w.ensure(ctx, c, now)
		done := c.succeeded()
		if c.sidecar {
			done = c.started()
		}
		if !done && !w.initialized {
			return false
		}
	}
	return true
}

// refresh rewrites mounted objects that have changed. An error keeps what is there.
func (w *worker) refresh(ctx context.Context, now time.Time) {
	if len(w.pod.Spec.Volumes) == 0 || !slices.ContainsFunc(w.containers(), (*container).running) {
		return
	}
	if !now.Before(w.refreshAt) {
		w.refreshAt = now.Add(refreshInterval)
		if err := w.mount(ctx); err != nil && ctx.Err() == nil {
			w.event(corev1.EventTypeWarning, "FailedMount", "%v", err)
		}
	}
	w.at(w.refreshAt)
}

// publish writes the status if it differs from what the API has from us.
func (w *worker) publish(ctx context.Context, now time.Time) {
	s := newStatus(w.pod, w.reported, observed{
		now: stamp(now), startTime: w.started, ip: w.ip, hostIP: w.host.ip,
		inits: w.inits, mains: w.mains, initialized: w.initialized,
		terminating: w.pod.DeletionTimestamp != nil, gates: w.pod.Status.Conditions,
	})
	if equality.Semantic.DeepEqual(s, w.reported) {
		return
	}
	updated, err := w.patchStatus(ctx, s)
	switch {
	case err == nil:
		w.reported = updated.Status
	case apierrors.IsNotFound(err), apierrors.IsConflict(err): // the watch will tell
	default:
		if ctx.Err() == nil {
			w.a.cfg.Log.Warn("pod status not written", "pod", w.pod.Namespace+"/"+w.pod.Name, "error", err)
		}
		w.at(now.Add(retryInterval))
	}
}

func (w *worker) patchStatus(ctx context.Context, s corev1.PodStatus) (*corev1.Pod, error) {
	before, err := json.Marshal(corev1.Pod{Status: w.reported})
	if err != nil {
		return nil, err
	}
	// The UID makes the API server refuse if the name belongs to another pod by now.
	after, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: w.pod.UID}, Status: s})
	if err != nil {
		return nil, err
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
	if err != nil {
		return nil, err
	}
	return w.a.cfg.Client.CoreV1().Pods(w.pod.Namespace).Patch(ctx, w.pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
}

// stamp has the API's resolution, so that a status compares equal to its copy there.
func stamp(t time.Time) metav1.Time { return metav1.NewTime(t).Rfc3339Copy() }

func (w *worker) containers() []*container { return slices.Concat(w.inits, w.mains) }

func (w *worker) jittered(d time.Duration) time.Duration {
	return jittered(d, w.a.cfg.ColdStart.Jitter, w.random.Float64())
}

func (w *worker) event(kind, reason, format string, args ...any) {
	w.a.events.Eventf(w.pod, kind, reason, format, args...)
}

// complain makes an event about a container that cannot start, once per message.
func (w *worker) complain(c *container, reason, message string) {
	if c.problem == message {
		return
	}
	c.problem = message
	kind := corev1.EventTypeWarning
	if reason == "Pulling" {
		kind = corev1.EventTypeNormal
	}
	w.event(kind, reason, "%s", message)
}

// cleanUp removes what the pod leaves on this machine, but for its logs.
func (w *worker) cleanUp() {
	w.a.instances.drop(w.pod.Namespace, w.pod.Name)
	if w.ip != "" {
		w.a.addresses.release(w.ip)
	}
	if err := os.RemoveAll(w.dir); err != nil {
		w.a.cfg.Log.Warn("pod directory not removed", "dir", w.dir, "error", err)
	}
}
