package leave

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// readyPod serves; cost "" is none.
func readyPod(service, name, cost string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "demo", Name: name, Labels: map[string]string{kserve.ServiceLabel: service, kserve.ComponentLabel: "predictor"},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1",
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	if cost != "" {
		p.Annotations = map[string]string{corev1.PodDeletionCost: cost}
	}
	return p
}

func TestNewCosts(t *testing.T) {
	busy := demand.PodWork{InFlight: 3, WorkTokens: 900}
	const busyCost, oneCost = 10 << 14, 1 << 14 // 900 has 10 binary digits, 1 has one
	for name, tc := range map[string]struct {
		have map[string]string
		work map[string]demand.PodWork
		want map[string]int32
	}{
		"the worked example": {
			map[string]string{"a": "", "b": "0", "c": ""},
			map[string]demand.PodWork{"a": busy, "c": {InFlight: 1}}, map[string]int32{"a": busyCost, "c": oneCost},
		},
		"in order already":     {map[string]string{"a": "7", "b": "0", "c": "1"}, map[string]demand.PodWork{"a": busy, "c": {InFlight: 1}}, nil},
		"all idle":             {map[string]string{"a": "7", "b": "0", "c": ""}, nil, nil},
		"all alike":            {map[string]string{"a": "", "b": ""}, map[string]demand.PodWork{"a": busy, "b": busy}, nil},
		"turned round":         {map[string]string{"a": "0", "b": "7"}, map[string]demand.PodWork{"a": busy}, map[string]int32{"a": busyCost, "b": 0}},
		"a new pod is busy":    {map[string]string{"a": strconv.Itoa(oneCost), "b": ""}, map[string]demand.PodWork{"a": {InFlight: 1}, "b": busy}, map[string]int32{"b": busyCost}},
		"nonsense counts as 0": {map[string]string{"a": "x", "b": "-1"}, map[string]demand.PodWork{"b": busy}, map[string]int32{"b": busyCost}},
		"as much work, ends sooner": {
			map[string]string{"a": "", "b": ""},
			map[string]demand.PodWork{"a": {InFlight: 3, WorkTokens: 900, RemainingMs: 6000}, "b": busy},
			map[string]int32{"a": busyCost + 13<<7, "b": busyCost},
		},
		"both idle, one knows prefixes": {
			map[string]string{"a": "", "b": ""}, map[string]demand.PodWork{"a": {PrefixTokens: 5000}}, map[string]int32{"a": 13},
		},
		"alone":         {map[string]string{"a": "3"}, map[string]demand.PodWork{"a": busy}, nil},
		"another's pod": {map[string]string{"a": "", "b": ""}, map[string]demand.PodWork{"x": busy}, nil},
	} {
		var pods []corev1.Pod
		for pod, cost := range tc.have {
			pods = append(pods, *readyPod("llama", pod, cost))
		}
		terminating := readyPod("llama", "z", "")
		terminating.DeletionTimestamp = &metav1.Time{Time: time.Now()}
		pods = append(pods, *terminating)
		if tc.work == nil {
			tc.work = map[string]demand.PodWork{}
		}
		tc.work["z"] = demand.PodWork{InFlight: 1}
		if diff := cmp.Diff(tc.want, newCosts(pods, tc.work)); diff != "" {
			t.Errorf("%s: newCosts() -want +got\n%s", name, diff)
		}
	}
}

// TestCosts writes annotations and nothing else, once, and of many services some in
// each period (INV-1).
func TestCosts(t *testing.T) {
	scheme, err := cluster.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	const services = costWrites + 10 // one write each
	work := map[demand.Service]map[string]demand.PodWork{}
	build := fake.NewClientBuilder().WithScheme(scheme)
	for i := range services {
		name := fmt.Sprintf("s%03d", i)
		build.WithObjects(readyPod(name, name+"-a", ""), readyPod(name, name+"-b", ""))
		work[demand.Service{Namespace: "demo", Name: name}] = map[string]demand.PodWork{name + "-a": {Name: name + "-a", InFlight: 1, WorkTokens: 5}}
	}
	writes, fail := 0, error(nil)
	build.WithInterceptorFuncs(interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
		writes++
		if fail != nil {
			return fail
		}
		return c.Patch(ctx, o, p, opts...)
	}})
	c := &Costs{Client: build.Build(), Work: func() map[demand.Service]map[string]demand.PodWork { return work }, Log: testr.New(t)}
	for i, want := range []int{costWrites, 10, 0} {
		writes = 0
		if err := c.write(t.Context()); err != nil || writes != want {
			t.Errorf("period %d: %d writes, %v, want %d", i, writes, err, want)
		}
	}
	var got corev1.Pod
	if err := c.Client.Get(t.Context(), types.NamespacedName{Namespace: "demo", Name: "s209-a"}, &got); err != nil {
		t.Fatal(err)
	}
	want := readyPod("s209", "s209-a", strconv.Itoa(3<<14))
	want.ResourceVersion = got.ResourceVersion
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("the pod: -want +got\n%s", diff)
	}
	work = map[demand.Service]map[string]demand.PodWork{{Namespace: "demo", Name: "s000"}: {"s000-b": {Name: "s000-b", InFlight: 9, WorkTokens: 90}}}
	fail = errors.New("forbidden")
	if err := c.write(t.Context()); !errors.Is(err, fail) {
		t.Errorf("write() = %v, want %v", err, fail)
	}
}

// TestCostsOfManyPods: a service of more pods than a period's writes stays within them,
// and gets the others in the next (INV-1).
func TestCostsOfManyPods(t *testing.T) {
	const pods = costWrites + 50
	work := map[demand.Service]map[string]demand.PodWork{{Namespace: "demo", Name: "big"}: {}}
	build := fake.NewClientBuilder()
	for i := range pods {
		name := fmt.Sprintf("big-%03d", i)
		build.WithObjects(readyPod("big", name, ""))
		work[demand.Service{Namespace: "demo", Name: "big"}][name] = demand.PodWork{Name: name, InFlight: 1, WorkTokens: int64(1+i) << 10}
	}
	writes := 0
	build.WithInterceptorFuncs(interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
		writes++
		return c.Patch(ctx, o, p, opts...)
	}})
	c := &Costs{Client: build.Build(), Work: func() map[demand.Service]map[string]demand.PodWork { return work }, Log: testr.New(t)}
	total := 0
	for period := range 3 {
		writes = 0
		if err := c.write(t.Context()); err != nil || writes > costWrites {
			t.Errorf("period %d: %d writes, %v, want at most %d", period, writes, err, costWrites)
		}
		total += writes
	}
	if total < pods-1 || writes != 0 {
		t.Errorf("%d writes in all, %d in the last period, want one for each pod that has work, then none", total, writes)
	}
}

// TestCostsGoOnPastARefusal: a namespace in which pods may not be written starves none.
func TestCostsGoOnPastARefusal(t *testing.T) {
	work := map[demand.Service]map[string]demand.PodWork{}
	build := fake.NewClientBuilder()
	for _, namespace := range []string{"a", "b", "c"} {
		for _, name := range []string{"x-a", "x-b"} {
			p := readyPod("x", name, "")
			p.Namespace = namespace
			build.WithObjects(p)
		}
		work[demand.Service{Namespace: namespace, Name: "x"}] = map[string]demand.PodWork{"x-a": {Name: "x-a", InFlight: 1, WorkTokens: 5}}
	}
	refused := errors.New("forbidden")
	written := map[string]bool{}
	build.WithInterceptorFuncs(interceptor.Funcs{Patch: func(_ context.Context, _ client.WithWatch, o client.Object, _ client.Patch, _ ...client.PatchOption) error {
		if o.GetNamespace() == "a" {
			return refused
		}
		written[o.GetNamespace()] = true
		return nil
	}})
	c := &Costs{Client: build.Build(), Work: func() map[demand.Service]map[string]demand.PodWork { return work }, Log: testr.New(t)}
	if err := c.write(t.Context()); !errors.Is(err, refused) || !written["b"] || !written["c"] {
		t.Errorf("write() = %v, written %v, want the refusal, and b and c written", err, written)
	}
}
