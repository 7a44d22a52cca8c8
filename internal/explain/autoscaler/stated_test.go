package autoscaler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

const byTrigger = `
metadata: {name: trigger, namespace: demo}
spec:
  scaleTargetRef: {name: vllm}
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
    - type: external-push
      metadata: {scalerAddress: "flyball-scaler.flyball-system:9443", objectives: "tpot:p90:100ms,ttft:p90:3s"}
status: {conditions: [{type: Ready, status: "True"}]}
`

// triggered is a ScaledObject with objectives after replacements.
func triggered(t *testing.T, replace ...string) *kserve.ScaledObject {
	t.Helper()
	so := &kserve.ScaledObject{}
	if err := yaml.Unmarshal([]byte(strings.NewReplacer(replace...).Replace(byTrigger)), so); err != nil {
		t.Fatal(err)
	}
	return so
}

// saidOf is an InferenceAutoscaler of InferenceService llama with a status.
func saidOf(t *testing.T, status metav1.ConditionStatus, reason string, replace ...string) Stated {
	t.Helper()
	a := object(t, replace...)
	a.Status.DesiredReplicas = new(int32(3))
	a.Status.Conditions = []metav1.Condition{{Type: v1alpha1.Ready, Status: status, Reason: reason, Message: "why it is"}}
	return Stated{By: a, Workload: objective.WorkloadOf(a.Spec.TargetRef), Scale: &Scale{Current: 2, Desired: 2, Ready: 1}}
}

func serviceRow(mode string, reason explain.Reason) explain.Row {
	return explain.Row{Namespace: "demo", Name: "llama", Mode: mode, Min: 1, Max: 2, Reason: reason, Message: "of the service", Created: time.Unix(100, 0)}
}

func byObject(so *kserve.ScaledObject, refused *Refusal) Stated {
	return Stated{ScaledObject: so, Workload: Scaled(so), Scale: &Scale{Current: 2, Desired: 3, Ready: 2}, Refused: refused}
}

// A service is explained by the ScaledObject by which it is scaled, another workload by its own.
func TestServices(t *testing.T) {
	snapshot, so := explain.Snapshot{}, triggered(t, "name: vllm", "name: llama-predictor")
	snapshot.InferenceService.Namespace, snapshot.InferenceService.Name = "demo", "llama"
	snapshot.InferenceService.Annotations = map[string]string{kserve.ClassAnnotation: "external"}
	snapshot.Others = []kserve.ScaledObject{*so}
	scaled, plain := byObject(so, nil), byObject(triggered(t), nil)
	scaled.Scale.Labels = map[string]string{kserve.ServiceLabel: "llama"}
	plain.Seen.NoKEDA = true // to be told from others
	got := Services([]explain.Snapshot{snapshot}, []Stated{scaled, plain})
	if len(got) != 2 || got[0].Mode != ModeObjective || got[0].ScaledObject != so || len(got[0].Others) != 0 || len(snapshot.Others) != 1 {
		t.Errorf("Services = %+v, want llama with its ScaledObject first", got)
	}
	if got[1].Name != "vllm" || !got[1].NoKEDA || got[1].ScaledObject == nil {
		t.Errorf("Services = %+v, want vllm as it was seen", got[1])
	}
}

// INV-6, and what is said of each.
func TestRows(t *testing.T) {
	toAdvise := []string{"engine: keda", "engine: advise"}
	external := serviceRow(explain.ModeExternal, explain.Following)
	for what, c := range map[string]struct {
		services []explain.Row
		all      []Stated
		want     string
	}{
		"an InferenceService": {[]explain.Row{external}, []Stated{saidOf(t, "True", "Following")}, `
llama objective 0-8 desired 3 tpot:p90:100ms+ttft:p90:3s inferenceautoscaler/chat: Following why it is`},
		"whose pods crash": {[]explain.Row{serviceRow(explain.ModeExternal, explain.Crashing)}, []Stated{saidOf(t, "True", "Learning")}, `
llama objective 0-8 desired 3 tpot:p90:100ms+ttft:p90:3s inferenceautoscaler/chat: Crashing of the service`},
		"advice beside guide mode": {[]explain.Row{serviceRow(explain.ModeGuide, explain.Following)}, []Stated{saidOf(t, "True", "Advising", toAdvise...)}, `
llama guide 1-2 desired -  : Following of the service
llama advice 0-8 desired 3 tpot:p90:100ms+ttft:p90:3s inferenceautoscaler/chat: Advising why it is`},
		"refused for guide mode's sake": {[]explain.Row{serviceRow(explain.ModeGuide, explain.Following)}, []Stated{saidOf(t, "False", "AnotherAutoscaler")}, `
llama guide 1-2 desired -  : Following of the service
llama refused 0-8 desired 3 tpot:p90:100ms+ttft:p90:3s inferenceautoscaler/chat: AnotherAutoscaler why it is !`},
		"two on one": {[]explain.Row{external}, []Stated{saidOf(t, "False", "TargetTaken", "name: chat", "name: late"), saidOf(t, "True", "MaximumTooLow")}, `
llama objective 0-8 desired 3 tpot:p90:100ms+ttft:p90:3s inferenceautoscaler/chat: MaximumTooLow why it is !
llama refused 0-8 desired 3 tpot:p90:100ms+ttft:p90:3s inferenceautoscaler/late: TargetTaken why it is !`},
		"nobody has looked": {nil, []Stated{{By: object(t), Workload: objective.Workload{Kind: "Deployment", Name: "llama-predictor"}}}, `
llama objective 0-8 desired - tpot:p90:100ms+ttft:p90:3s inferenceautoscaler/chat: Waiting flyball-scaler has not looked at it yet !`},
		"a trigger": {nil, []Stated{byObject(triggered(t), nil)}, `
vllm objective 1-4 desired 3 ttft:p90:3s+tpot:p90:100ms scaledobject/trigger: Following the replicas follow what the promise needs`},
		"paused": {nil, []Stated{byObject(triggered(t, "namespace: demo", "namespace: demo, annotations: {autoscaling.keda.sh/paused: 'true'}"), nil)}, `
vllm objective 1-4 desired 3 ttft:p90:3s+tpot:p90:100ms scaledobject/trigger: Paused paused by the ScaledObject's annotation autoscaling.keda.sh/paused=true !`},
		"without KEDA's word": {nil, []Stated{byObject(triggered(t, `status: "True"`, `status: Unknown`), nil)}, `
vllm objective 1-4 desired 3 ttft:p90:3s+tpot:p90:100ms scaledobject/trigger: WaitingForKEDA KEDA has not taken up ScaledObject trigger yet`},
		"with KEDA's refusal": {nil, []Stated{byObject(triggered(t, `status: "True"`, `status: "False", reason: R, message: m`), nil)}, `
vllm objective 1-4 desired 3 ttft:p90:3s+tpot:p90:100ms scaledobject/trigger: KEDANotReady KEDA says of ScaledObject trigger: R: m !`},
		"refused": {nil, []Stated{byObject(triggered(t, "ttft", "tfft"), &Refusal{Cause: Wrong, Reason: "InvalidObjectives", Text: "did you mean ttft?"})}, `
vllm objective 1-4 desired - tpot:p90:100ms,tfft:p90:3s scaledobject/trigger: InvalidObjectives did you mean ttft? !`},
	} {
		got := ""
		for _, r := range Rows(c.services, c.all) {
			desired, attention := "-", ""
			if r.Desired != nil {
				desired = fmt.Sprint(*r.Desired)
			}
			if r.Attention {
				attention = " !"
			}
			got += fmt.Sprintf("\n%s %s %d-%d desired %s %s %s: %s %s%s", r.Name, r.Mode, r.Min, r.Max, desired, strings.Join(r.Objectives, "+"), r.Autoscaler, r.Reason, r.Message, attention)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", what, diff)
		}
	}
}
