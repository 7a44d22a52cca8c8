package kube

import (
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// woken is our ScaledObject while a wake asks for n replicas.
func woken(n int32) *kserve.ScaledObject {
	so := ours()
	so.Annotations = map[string]string{kserve.ForceActivation: "true"}
	so.Spec.MinReplicaCount = &n
	return so
}

func TestWake(t *testing.T) {
	held := func(n int) demand.Demand {
		return demand.Demand{Work: demand.Work{Held: n}, Gateways: 1}
	}
	early, quiet := demand.Demand{Idle: demand.TTL - 1}, demand.Demand{Idle: demand.TTL}
	zero := []string{"minReplicas: 1", "minReplicas: 0"}
	for name, tc := range map[string]struct {
		replace []string // of a service with a minimum of 0
		own     *kserve.ScaledObject
		demand  demand.Demand
		want    explain.Action
		minimum int32 // that is applied
		says    string
		awake   bool // the minimum is 1
	}{
		"nothing held":                    {own: ours(), demand: quiet, want: explain.Repair},
		"held":                            {own: ours(), demand: held(1), want: explain.Rouse, minimum: 1, says: "at least 1 of 8"},
		"three held":                      {own: ours(), demand: held(3), want: explain.Rouse, minimum: 3, says: "at least 3 of 8"},
		"more held than the maximum":      {own: ours(), demand: held(1000), want: explain.Rouse, minimum: 8},
		"more than one for a replica":     {replace: []string{"'1'", "'4'"}, own: ours(), demand: held(9), want: explain.Rouse, minimum: 3},
		"a metric of no requests":         {replace: []string{"num_requests_running", "kv_cache_usage_perc"}, own: ours(), demand: held(9), want: explain.Rouse, minimum: 1},
		"a ratio of requests":             {replace: []string{"annotations:", "annotations:\n    flyball.dev/metric-type: Value"}, own: ours(), demand: held(9), want: explain.Rouse, minimum: 1},
		"still held":                      {own: woken(3), demand: held(3), want: explain.Repair, minimum: 3},
		"fewer held":                      {own: woken(3), demand: held(1), want: explain.Repair, minimum: 3},
		"more held":                       {own: woken(3), demand: held(5), want: explain.Rouse, minimum: 5},
		"a lower maximum":                 {replace: []string{"maxReplicas: 8", "maxReplicas: 2"}, own: woken(3), demand: held(5), want: explain.Repair, minimum: 2},
		"nothing held, not for long":      {own: woken(3), demand: early, want: explain.Repair, minimum: 3},
		"nothing held for long":           {own: woken(3), demand: quiet, want: explain.Settle, says: "no request has been held"},
		"held, and no ScaledObject":       {demand: held(2), want: explain.Create, minimum: 2},
		"held, and KServe's ScaledObject": {own: kserves(), demand: held(2), want: explain.Adopt, minimum: 2},
		"someone's activation is theirs": {own: changed(ours(), func(so *kserve.ScaledObject) {
			so.Annotations = map[string]string{kserve.ForceActivation: "true"}
			so.Spec.MinReplicaCount = new(int32(0))
		}), demand: quiet, want: explain.Repair},
		"stopped while held":             {replace: []string{external, external + "\n    serving.kserve.io/stop: 'true'"}, own: woken(3), demand: held(3), want: explain.Remove},
		"a minimum of 1 after a wake":    {awake: true, own: woken(3), demand: early, want: explain.Repair, minimum: 3},
		"another autoscaler, while held": {own: foreign(), demand: held(3), want: explain.Abstain},
	} {
		t.Run(name, func(t *testing.T) {
			replace := append(zero, tc.replace...)
			if tc.awake {
				replace = nil
			}
			v := observed{explain.Snapshot{
				InferenceService: *kubetest.Service(t, replace...), ScaledObject: tc.own,
				Auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}},
			}, tc.demand, time.Now()}.verdict()
			said := ""
			if v.Done != nil {
				said = v.Done.Text
			}
			if v.Action != tc.want || !strings.Contains(said, tc.says) {
				t.Fatalf("verdict() = %v saying %q, want %v saying %q", v.Action, said, tc.want, tc.says)
			}
			if v.Apply == nil {
				return
			}
			forced := v.Apply.Annotations[kserve.ForceActivation] == "true"
			if got := *v.Apply.Spec.MinReplicaCount; got != tc.minimum || forced != (got > 0 && !tc.awake) {
				t.Errorf("applied = minimum %d, forced %t, want %d", got, forced, tc.minimum)
			}
			if v.Apply.Spec.Fallback != nil && forced {
				t.Error("a woken service has a fallback, which would keep it awake")
			}
		})
	}
}

// raisedTo is our ScaledObject while requests are held for a service above zero.
func raisedTo(n int32) *kserve.ScaledObject {
	so := ours()
	so.Annotations = map[string]string{kserve.RaisedMinimum: strconv.Itoa(int(n))}
	so.Spec.MinReplicaCount = &n
	return so
}

// TestHeldAboveZero: whatever is held counts as demand at any minimum, beside what is in
// flight, because no engine counts it.
func TestHeldAboveZero(t *testing.T) {
	held := func(n, inFlight int) demand.Demand {
		return demand.Demand{Work: demand.Work{Held: n, InFlight: inFlight}, Gateways: 1}
	}
	early, quiet := demand.Demand{Idle: demand.TTL - 1}, demand.Demand{Idle: demand.TTL}
	four := []string{"value: '1'", "value: '4'"}
	for name, tc := range map[string]struct {
		replace []string
		own     *kserve.ScaledObject
		demand  demand.Demand
		want    explain.Action
		minimum int32
		says    string // what is done, and told meanwhile
	}{
		"nothing held":                   {own: ours(), demand: quiet, want: explain.Repair, minimum: 1},
		"the seen case":                  {replace: four, own: ours(), demand: held(145, 4), want: explain.Rouse, minimum: 8, says: "Queueing: more requests are held than the ready pods can take: scaling up to at least 8 of 8"},
		"some held":                      {replace: four, own: ours(), demand: held(5, 4), want: explain.Rouse, minimum: 3, says: "at least 3 of 8"},
		"no more than there should be":   {replace: four, own: ours(), demand: held(1, 3), want: explain.Repair, minimum: 1},
		"only the waiting are counted":   {replace: append([]string{"num_requests_running", "num_requests_waiting"}, four...), own: ours(), demand: held(5, 40), want: explain.Rouse, minimum: 2},
		"more are held":                  {replace: four, own: raisedTo(3), demand: held(20, 4), want: explain.Rouse, minimum: 6, says: "at least 6 of 8"},
		"fewer are held":                 {replace: four, own: raisedTo(3), demand: held(1, 4), want: explain.Repair, minimum: 3},
		"nothing held, not for long":     {own: raisedTo(3), demand: early, want: explain.Repair, minimum: 3},
		"nothing held for long":          {own: raisedTo(3), demand: quiet, want: explain.Settle, minimum: 1, says: "down to 1"},
		"someone's minimum":              {own: changed(ours(), func(so *kserve.ScaledObject) { so.Spec.MinReplicaCount = new(int32(5)) }), demand: quiet, want: explain.Repair, minimum: 1},
		"at the maximum":                 {own: raisedTo(8), demand: held(20, 8), want: explain.Repair, minimum: 8, says: "QueueAtMaximum: requests are held although all 8 replicas"},
		"a metric that counts none":      {replace: []string{"num_requests_running", "kv_cache_usage_perc"}, own: ours(), demand: held(20, 8), want: explain.Repair, minimum: 1},
		"fixed, so that nothing is more": {replace: []string{"maxReplicas: 8", "maxReplicas: 1"}, own: ours(), demand: held(20, 8), want: explain.Repair, minimum: 1, says: "QueueAtMaximum"},
	} {
		t.Run(name, func(t *testing.T) {
			v := observed{explain.Snapshot{
				InferenceService: *kubetest.Service(t, tc.replace...), ScaledObject: tc.own,
				Auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}},
			}, tc.demand, time.Now()}.verdict()
			var said []string
			if v.Done != nil {
				said = append(said, v.Done.Reason+": "+v.Done.Text)
			}
			for _, n := range v.Notices {
				said = append(said, n.Reason+": "+n.Text)
			}
			got := *v.Apply.Spec.MinReplicaCount
			if all := strings.Join(said, "; "); v.Action != tc.want || got != tc.minimum || !strings.Contains(all, tc.says) {
				t.Errorf("verdict() = %v, minimum %d, saying %q, want %v, %d, %q", v.Action, got, all, tc.want, tc.minimum, tc.says)
			}
			if v.Apply.Annotations[kserve.ForceActivation] != "" || got > 1 && kserve.Raised(v.Apply) != got {
				t.Errorf("annotations = %v with a minimum of %d", v.Apply.Annotations, got)
			}
		})
	}
}

// TestNoMoreThanCanBePlaced: while pods wait for a node no more are asked for, and after
// a time in which a node could have been added those are not.
func TestNoMoreThanCanBePlaced(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	waiting := func(n int, since time.Duration) []corev1.Pod {
		pods := make([]corev1.Pod, n)
		for i := range pods {
			pods[i].CreationTimestamp = metav1.NewTime(now.Add(-since))
			pods[i].Status.Conditions = []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/3 nodes: Insufficient nvidia.com/gpu",
			}}
		}
		return pods
	}
	for name, tc := range map[string]struct {
		pods []corev1.Pod
		held int
		want int32
	}{
		"all have a node":            {nil, 8, 8},
		"some wait for one":          {waiting(2, time.Minute), 8, 4},
		"some have waited for long":  {waiting(2, 6*time.Minute), 8, 2},
		"all have waited for long":   {waiting(4, 6*time.Minute), 8, 1},
		"no more are needed anyway":  {waiting(1, time.Minute), 2, 4},
		"some have waited, few held": {waiting(1, 6*time.Minute), 1, 3},
	} {
		d := &appsv1.Deployment{}
		d.Spec.Replicas = new(int32(4))
		v := observed{explain.Snapshot{
			InferenceService: *kubetest.Service(t, "minReplicas: 1", "minReplicas: 0"), ScaledObject: woken(4), Deployment: d, Pods: tc.pods,
		}, demand.Demand{Work: demand.Work{Held: tc.held}, Gateways: 1}, now}.verdict()
		if got := *v.Apply.Spec.MinReplicaCount; got != tc.want {
			t.Errorf("%s: asked for %d, want %d", name, got, tc.want)
		}
	}
}
