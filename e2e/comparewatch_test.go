//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// A scale is how a Deployment stands.
type scale struct{ wanted, ready int }

// scales notes when the Deployments of services change, and when their HPAs are synced.
type scales struct {
	mu     sync.Mutex
	found  map[string][]seen // by service
	active map[string]bool   // whose HPA computes from its metric
	syncs  map[string][]synced
}

type seen struct {
	at time.Time
	scale
}

// A synced is one that has changed the HPA's status, with what it read.
type synced struct {
	at      time.Time
	value   string
	desired int32
}

func watchScales(ctx context.Context, s *soak) (*scales, error) {
	w := &scales{found: map[string][]seen{}, active: map[string]bool{}, syncs: map[string][]synced{}}
	factory := informers.NewSharedInformerFactoryWithOptions(s.client, 0, informers.WithNamespace(soakNamespace))
	for _, one := range []struct {
		informer cache.SharedIndexInformer
		see      func(before, now any)
	}{
		{factory.Apps().V1().Deployments().Informer(), w.seeDeployment},
		{factory.Autoscaling().V2().HorizontalPodAutoscalers().Informer(), w.seeHPA},
	} {
		_, err := one.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(o any) { one.see(nil, o) }, UpdateFunc: one.see,
		})
		if err != nil {
			return nil, err
		}
	}
	factory.Start(ctx.Done())
	for kind, ok := range factory.WaitForCacheSync(ctx.Done()) {
		if !ok {
			return nil, fmt.Errorf("watching %v: %w", kind, ctx.Err())
		}
	}
	return w, nil
}

func (w *scales) seeDeployment(_, now any) {
	d, ok := now.(*appsv1.Deployment)
	if !ok || d.Spec.Replicas == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	name := strings.TrimSuffix(d.Name, "-predictor")
	w.found[name] = append(w.found[name], seen{time.Now(), scale{int(*d.Spec.Replicas), int(d.Status.ReadyReplicas)}})
}

func (w *scales) seeHPA(before, now any) {
	h, ok := now.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	name := strings.TrimSuffix(h.Spec.ScaleTargetRef.Name, "-predictor")
	w.active[name] = slices.ContainsFunc(h.Status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
		return c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionTrue
	})
	old, ok := before.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok || equality.Semantic.DeepEqual(old.Status, h.Status) {
		return
	}
	value := "none"
	for _, m := range h.Status.CurrentMetrics {
		if m.External != nil && m.External.Current.AverageValue != nil {
			value = m.External.Current.AverageValue.String()
		}
	}
	w.syncs[name] = append(w.syncs[name], synced{time.Now(), value, h.Status.DesiredReplicas})
}

// settled waits until a service has its one pod and its HPA reads the metric.
func (w *scales) settled(ctx context.Context, service string) error {
	return await(ctx, 4*time.Minute, service+" to have a pod and an HPA that works", func() bool {
		now, _ := w.at(service, time.Now())
		w.mu.Lock()
		defer w.mu.Unlock()
		return now == scale{1, 1} && w.active[service]
	})
}

// at is how a service stood at a time, if it was seen before.
func (w *scales) at(service string, at time.Time) (scale, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range slices.Backward(w.found[service]) {
		if !s.at.After(at) {
			return s.scale, true
		}
	}
	return scale{}, false
}

// syncPhase is when the HPA was first synced after the load began: one period lies between
// two syncs, and what they take themselves.
func (w *scales) syncPhase(t *testing.T, one *shape) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var after []time.Duration
	for _, s := range w.syncs[one.name] {
		if at := s.at.Sub(one.began); at > 0 {
			after = append(after, at)
			t.Logf("%s: HPA synced at %6.2f s: %s a replica, %d desired", one.name, at.Seconds(), s.value, s.desired)
		}
	}
	return phase(after, syncEvery)
}

// phase is the median of times as times after the beginning of a period.
func phase(times []time.Duration, period time.Duration) (time.Duration, error) {
	if len(times) == 0 {
		return 0, errors.New("nothing has a phase of which nothing was seen")
	}
	offsets := make([]time.Duration, len(times))
	for i, at := range times {
		offsets[i] = (at-times[0]+period*3/2)%period - period/2 // around the first
	}
	slices.Sort(offsets)
	return (times[0] + offsets[len(offsets)/2] + period) % period, nil
}

// scrapePhase is when Prometheus first scraped the first pod after the load began.
func (s *soak) scrapePhase(ctx context.Context, one *shape) (time.Duration, error) {
	pods, err := s.scraped(ctx, one)
	if err != nil {
		return 0, err
	}
	var first, after []time.Duration
	for _, times := range pods {
		if len(first) == 0 || len(times) > 0 && times[0] < first[0] {
			first = times
		}
	}
	for _, at := range first {
		if at > 0 {
			after = append(after, at)
		}
	}
	return phase(after, scrapeEvery)
}

// scraped is when Prometheus has scraped each pod, from a little before the load began. Its
// answer stays in bin, for who looks for the cause of a difference.
func (s *soak) scraped(ctx context.Context, one *shape) ([][]time.Duration, error) {
	secret, err := s.client.CoreV1().Secrets("cpaas-system").Get(ctx, "kube-prometheus-alertmanager-basic-auth", metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	proxy, err := url.Parse(s.proxy)
	if err != nil {
		return nil, err
	}
	query := fmt.Sprintf(`vllm:num_requests_running{isvc_name=%q,namespace=%q}[%.0fs]`, one.name, soakNamespace, time.Since(one.began).Seconds()+30)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet,
		"http://prometheus-operated.cpaas-system.svc.cluster.local:9090/api/v1/query?"+url.Values{"query": {query}}.Encode(), nil)
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(string(secret.Data["username"]), string(secret.Data["password"]))
	answer, err := (&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("reading Prometheus' answer: %w", err)
	}
	if err := os.WriteFile(filepath.Join(root, "bin", "compare-"+one.name+".json"), text, 0o644); err != nil {
		return nil, err
	}
	return scrapeTimes(text, one.began)
}

// scrapeTimes reads Prometheus' answer of a range, after a time.
func scrapeTimes(text []byte, from time.Time) ([][]time.Duration, error) {
	var body struct {
		Data struct {
			Result []struct {
				Values [][2]json.RawMessage // seconds since 1970, and the value
			}
		}
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, fmt.Errorf("reading Prometheus' answer: %w: %s", err, text)
	}
	var pods [][]time.Duration
	for _, series := range body.Data.Result {
		var times []time.Duration
		for _, v := range series.Values {
			var at float64
			if err := json.Unmarshal(v[0], &at); err != nil {
				return nil, fmt.Errorf("reading the time of a scrape: %w", err)
			}
			times = append(times, time.UnixMilli(int64(at*1000)).Sub(from))
		}
		pods = append(pods, times)
	}
	return pods, nil
}
