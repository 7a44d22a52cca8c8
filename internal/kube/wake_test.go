package kube

import (
	"strings"
	"testing"
)

// woken is our ScaledObject while a wake asks for n replicas.
func woken(n int32) *ScaledObject {
	so := ours()
	so.Annotations = map[string]string{forceActivation: "true"}
	so.Spec.MinReplicaCount = &n
	return so
}

func TestWake(t *testing.T) {
	held := func(n int) Demand { return Demand{Work: Work{Held: n}, Gateways: 1, QuietIn: DemandTTL} }
	early, quiet := Demand{QuietIn: 1}, Demand{Quiet: true}
	zero := []string{"minReplicas: 1", "minReplicas: 0"}
	for name, tc := range map[string]struct {
		replace []string // of a service with a minimum of 0
		own     *ScaledObject
		demand  Demand
		want    action
		minimum int32 // that is applied
		says    string
		awake   bool // the minimum is 1
	}{
		"nothing held":                    {own: ours(), demand: quiet, want: repair},
		"held":                            {own: ours(), demand: held(1), want: rouse, minimum: 1, says: "at least 1 of 8"},
		"three held":                      {own: ours(), demand: held(3), want: rouse, minimum: 3, says: "at least 3 of 8"},
		"more held than the maximum":      {own: ours(), demand: held(1000), want: rouse, minimum: 8},
		"more than one for a replica":     {replace: []string{"'1'", "'4'"}, own: ours(), demand: held(9), want: rouse, minimum: 3},
		"a metric of no requests":         {replace: []string{"num_requests_running", "kv_cache_usage_perc"}, own: ours(), demand: held(9), want: rouse, minimum: 1},
		"a ratio of requests":             {replace: []string{"annotations:", "annotations:\n    flyball.dev/metric-type: Value"}, own: ours(), demand: held(9), want: rouse, minimum: 1},
		"still held":                      {own: woken(3), demand: held(3), want: repair, minimum: 3},
		"fewer held":                      {own: woken(3), demand: held(1), want: repair, minimum: 3},
		"more held":                       {own: woken(3), demand: held(5), want: rouse, minimum: 5},
		"a lower maximum":                 {replace: []string{"maxReplicas: 8", "maxReplicas: 2"}, own: woken(3), demand: held(5), want: repair, minimum: 2},
		"nothing held, not for long":      {own: woken(3), demand: early, want: repair, minimum: 3},
		"nothing held for long":           {own: woken(3), demand: quiet, want: settle, says: "no request has been held"},
		"held, and no ScaledObject":       {demand: held(2), want: create, minimum: 2},
		"held, and KServe's ScaledObject": {own: kserves(), demand: held(2), want: adopt, minimum: 2},
		"someone's activation is theirs": {own: changed(ours(), func(so *ScaledObject) {
			so.Annotations = map[string]string{forceActivation: "true"}
			so.Spec.MinReplicaCount = new(int32(0))
		}), demand: quiet, want: repair},
		"stopped while held":             {replace: []string{external, external + "\n    serving.kserve.io/stop: 'true'"}, own: woken(3), demand: held(3), want: remove},
		"a minimum of 1 sleeps never":    {awake: true, own: ours(), demand: held(3), want: repair, minimum: 1},
		"a minimum of 1 after a wake":    {awake: true, own: woken(3), demand: early, want: repair, minimum: 1},
		"another autoscaler, while held": {own: foreign(), demand: held(3), want: abstain},
	} {
		t.Run(name, func(t *testing.T) {
			replace := append(zero, tc.replace...)
			if tc.awake {
				replace = nil
			}
			v := decide(observed{
				service: service(t, replace...), own: tc.own, demand: tc.demand,
				auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}},
			})
			said := ""
			if v.done != nil {
				said = v.done.text
			}
			if v.action != tc.want || !strings.Contains(said, tc.says) {
				t.Fatalf("decide() = %v saying %q, want %v saying %q", v.action, said, tc.want, tc.says)
			}
			if v.apply == nil {
				return
			}
			forced := v.apply.Annotations[forceActivation] == "true"
			if got := *v.apply.Spec.MinReplicaCount; got != tc.minimum || forced != (got > 0 && !tc.awake) {
				t.Errorf("applied = minimum %d, forced %t, want %d", got, forced, tc.minimum)
			}
			if v.apply.Spec.Fallback != nil && forced {
				t.Error("a woken service has a fallback, which would keep it awake")
			}
		})
	}
}
