//go:build e2e && linux

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

const serviceLabel = "serving.kserve.io/inferenceservice"

// watched counts deletions of pods as they begin, each with its cause.
type watched struct {
	pods cache.Store

	mu        sync.Mutex
	named     map[types.UID]bool         // that this test deletes itself
	seen      map[types.UID]bool         // whose deletion is counted
	templates map[string]map[string]bool // hashes of the templates that an owner's pods have had
	counted   map[string]map[string]int  // by owner and cause; the owner is a service, or the label app of other pods
}

// see is told of every state of every pod, in the order in which they came about.
func (w *watched) see(o any) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	p, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	owner := p.Labels["app"]
	if name := p.Labels[serviceLabel]; p.Namespace == soakNamespace && name != "" {
		owner = name
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.templates[owner] == nil {
		w.templates[owner], w.counted[owner] = map[string]bool{}, map[string]int{}
	}
	w.templates[owner][p.Labels[appsv1.DefaultDeploymentUniqueLabelKey]] = true
	if p.DeletionTimestamp != nil && !w.seen[p.UID] {
		w.seen[p.UID] = true
		w.counted[owner][w.causeLocked(p)]++
	}
}

// causeLocked tells it from what the cause leaves on the pod, or does not: nothing tells a
// pod that a rollout replaces from one too many, which it is counted as until deletions knows.
func (w *watched) causeLocked(p *corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Reason == "EvictionByEvictionAPI" {
			return eviction
		}
	}
	if w.named[p.UID] {
		return deletion
	}
	return scaleIn
}

// name says which pods this test is about to delete itself.
func (w *watched) name(pods []*corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range pods {
		w.named[p.UID] = true
	}
}

// deletions are by cause. A service whose pods have had two templates has had rollouts, and
// no service of a soak has both these and scale-ins. It is known at the end only: a rollout
// may delete a pod before its first new one is made, as the two ReplicaSets are two workers'.
func (w *watched) deletions(owner string) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := maps.Clone(w.counted[owner])
	if n := all[scaleIn]; n > 0 && len(w.templates[owner]) > 1 {
		all[rollout] = n
		delete(all, scaleIn)
	}
	return all
}

// of lists an owner's pods: a service's, or those with a label app.
func (w *watched) of(label, owner string) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, o := range w.pods.List() {
		if p, ok := o.(*corev1.Pod); ok && p.Labels[label] == owner {
			pods = append(pods, p)
		}
	}
	return pods
}

func ready(p *corev1.Pod) bool {
	if p.DeletionTimestamp != nil {
		return false
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// gatewayCounts are the gateways' own, from the line that each writes about each request:
// unlike its metrics it outlives the gateway.
type gatewayCounts struct{ requests, held, retried int }

func (s *soak) gatewayCounts(service string) (gatewayCounts, error) {
	logs, err := filepath.Glob(s.podLogs("flyball-system", "flyball-gateway-", "gateway"))
	if err != nil {
		return gatewayCounts{}, err
	}
	var n gatewayCounts
	for _, path := range logs {
		err := eachLine(path, func(line []byte) error {
			var request struct {
				Msg, Service string
				Attempts     int
				HeldMs       float64
			}
			if err := json.Unmarshal(line, &request); err != nil {
				return fmt.Errorf("reading %s: %w: %s", path, err, line)
			}
			if request.Msg != "request" || request.Service != soakNamespace+"/"+service {
				return nil
			}
			n.requests++
			if request.HeldMs > 0 {
				n.held++
			}
			if request.Attempts > 1 {
				n.retried++
			}
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// engineCounts are the engines' own.
type engineCounts struct{ finished, aborted int }

func (e engineCounts) plus(o engineCounts) engineCounts {
	return engineCounts{e.finished + o.finished, e.aborted + o.aborted}
}

var lastWords = regexp.MustCompile(`msg=stopped finished=(\d+) aborted=(\d+)$`)

// engineCounts asks the engines that still run, and reads the last words of the others.
func (s *soak) engineCounts(ctx context.Context, service string) (engineCounts, error) {
	logs, err := filepath.Glob(s.podLogs(soakNamespace, service+"-predictor-", "kserve-container"))
	if err != nil {
		return engineCounts{}, err
	}
	running := map[string]*corev1.Pod{}
	for _, p := range s.watched.of(serviceLabel, service) {
		running[p.Name] = p
	}
	var sum engineCounts
	for _, path := range logs {
		began, stopped := 0, 0
		err := eachLine(path, func(line []byte) error {
			if strings.Contains(string(line), "msg=serving ") {
				began++
			}
			if said := lastWords.FindSubmatch(line); said != nil {
				stopped++
				finished, err := strconv.Atoi(string(said[1]))
				aborted, err2 := strconv.Atoi(string(said[2]))
				sum = sum.plus(engineCounts{finished, aborted})
				return errors.Join(err, err2)
			}
			return nil
		})
		if err != nil {
			return sum, err
		}
		if began == stopped {
			continue
		}
		name := strings.Split(filepath.Base(path), "_")[1]
		p := running[name]
		if p == nil {
			return sum, fmt.Errorf("engine of pod %s ended without a last word, see %s", name, path)
		}
		now, err := engineMetrics(ctx, p)
		if err != nil {
			return sum, err
		}
		sum = sum.plus(now)
	}
	return sum, nil
}

// engineMetrics are what a running engine counts.
func engineMetrics(ctx context.Context, p *corev1.Pod) (engineCounts, error) {
	var n engineCounts
	text, err := pageOf(ctx, "http://"+p.Status.PodIP+":8080/metrics")
	if err != nil {
		return n, fmt.Errorf("asking the engine of %s: %w", p.Name, err)
	}
	for line := range strings.Lines(text) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if !strings.HasPrefix(series, "vllm:request_success_total{") {
			continue
		}
		count, err := strconv.Atoi(value)
		if err != nil {
			return n, fmt.Errorf("%s: %w", line, err)
		}
		if strings.Contains(series, `finished_reason="abort"`) {
			n.aborted += count
		} else {
			n.finished += count
		}
	}
	return n, nil
}

// pageOf is what a program in the lab answers, without a proxy.
func pageOf(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// podLogs is a pattern for the logs of pods whose names begin so.
func (s *soak) podLogs(namespace, prefix, container string) string {
	return filepath.Join(s.cluster.dir, "logs", "pods", namespace+"_"+prefix+"*_"+container+".log")
}

// eachLine calls f with the whole lines of a file, which may still grow.
func eachLine(path string, f func(line []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		if err := f(line[:len(line)-1]); err != nil {
			return err
		}
	}
}
