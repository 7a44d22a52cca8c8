package kube

import (
	"strings"
	"testing"

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
		return demand.Demand{Work: demand.Work{Held: n}, Gateways: 1, QuietIn: demand.TTL}
	}
	early, quiet := demand.Demand{QuietIn: 1}, demand.Demand{Quiet: true}
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
		"a minimum of 1 sleeps never":    {awake: true, own: ours(), demand: held(3), want: explain.Repair, minimum: 1},
		"a minimum of 1 after a wake":    {awake: true, own: woken(3), demand: early, want: explain.Repair, minimum: 1},
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
			}, tc.demand}.verdict()
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
