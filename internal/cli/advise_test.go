package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// advised is an InferenceAutoscaler that says how it is, unless nobody has looked at it.
func advised(namespace, name string, engine v1alpha1.Engine, ready ...metav1.Condition) *v1alpha1.InferenceAutoscaler {
	a := &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	a.Spec.Engine = engine
	if len(ready) > 0 {
		a.Status = v1alpha1.Status{ReadyReplicas: new(int32(4)), DesiredReplicas: new(int32(3)), Promised: "90%", Expected: "96%", Conditions: ready}
	}
	return a
}

// since is it, after two hours.
func since(a *v1alpha1.InferenceAutoscaler, attained string) *v1alpha1.InferenceAutoscaler {
	a.Status.Advice = &v1alpha1.Advice{
		Since: metav1.Unix(100, 0), Hours: "2", RanReplicaHours: "7.5", AdvisedReplicaHours: "6.4", Attained: attained,
		MoreRan: v1alpha1.AdvicePart{Time: "75%", Attained: "99%"}, AsManyRan: v1alpha1.AdvicePart{Time: "15%"}, FewerRan: v1alpha1.AdvicePart{Time: "10%"},
	}
	return a
}

func condition(status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: v1alpha1.Ready, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.Unix(100, 0)}
}

// What is said of which, in order, and the command of those that could be handed over.
func TestAdvise(t *testing.T) {
	api := kubetest.Client(t,
		since(advised("demo", "llama", v1alpha1.Advise, condition(metav1.ConditionTrue, "Advising", "nothing is changed")), "96.5%"),
		advised("demo", "qwen", v1alpha1.KEDA, condition(metav1.ConditionTrue, "Following", "the replicas follow")),
		since(advised("chat", "zephyr", v1alpha1.Advise, condition(metav1.ConditionFalse, "NamespaceNotEnabled", "objectives are not enabled")), ""),
		advised("demo", "new", v1alpha1.Advise),
	)
	const handOver = `hint: to have Flyball scale demo/llama: kubectl patch inferenceautoscaler llama -n demo --type=merge -p '{"spec":{"engine":"keda"}}'` + "\n"
	for _, c := range []struct {
		word             string
		options          adviseOptions
		out, err, failed string
	}{
		{"", adviseOptions{all: true}, `
NAMESPACE  NAME    ENGINE  READY  ADVISED  EXPECTED  HOURS  REPLICA-HOURS         TIME                     ATTAINED               WHY
chat       zephyr  advise  4      3        96%       2      7.5 ran, 6.4 advised  75% more ran, 10% fewer  no request             objectives are not enabled
demo       llama   advise  4      3        96%       2      7.5 ran, 6.4 advised  75% more ran, 10% fewer  96.5% of 90% promised  nothing is changed
demo       new     advise  -      -        -         -      -                     -                        -                      flyball-scaler has not looked at it yet
demo       qwen    keda    4      3        96%       -      -                     -                        -                      the replicas follow
`, handOver, ""},
		{"llama", adviseOptions{}, `
NAMESPACE  NAME   ENGINE  READY  ADVISED  EXPECTED  HOURS  REPLICA-HOURS         TIME                     ATTAINED               WHY
demo       llama  advise  4      3        96%       2      7.5 ran, 6.4 advised  75% more ran, 10% fewer  96.5% of 90% promised  nothing is changed
`, handOver, ""},
		{"chat/zephyr", adviseOptions{}, `
NAMESPACE  NAME    ENGINE  READY  ADVISED  EXPECTED  HOURS  REPLICA-HOURS         TIME                     ATTAINED    WHY
chat       zephyr  advise  4      3        96%       2      7.5 ran, 6.4 advised  75% more ran, 10% fewer  no request  objectives are not enabled
`, "", ""},
		{"", adviseOptions{namespace: "none"}, "", "no InferenceAutoscaler in namespace none\nhint: apply one with engine: advise, which changes nothing: docs/objective.md\n", ""},
		{"lama", adviseOptions{}, "", "", "no InferenceAutoscaler lama in namespace demo; did you mean llama? flyball advise -n demo lists them"},
		{"chat/", adviseOptions{}, "", "", `advise: "chat/" is no InferenceAutoscaler; give NAME, or NAMESPACE/NAME`},
		{"chat/zephyr", adviseOptions{namespace: "demo"}, "", "", "advise: chat/zephyr is not in the namespace demo; leave -n out"},
		{"llama", adviseOptions{all: true}, "", "", "advise: the name llama is of one namespace, not of all; leave -A out"},
	} {
		var out, errOut bytes.Buffer
		c.options.output = "table"
		err := c.options.choose(c.word, "demo")
		if err == nil {
			err = showAdvice(t.Context(), &terminal.Streams{Out: &out, Err: &errOut}, api, c.options)
		}
		failed := ""
		if err != nil {
			failed = strings.Join(append([]string{err.Error()}, hint.Of(err)...), "; ")
		}
		want := []string{strings.TrimPrefix(c.out, "\n"), c.err, c.failed}
		if diff := cmp.Diff(want, []string{out.String(), errOut.String(), failed}); diff != "" {
			t.Errorf("advise %q: -want +got\n%s", c.word, diff)
		}
	}
	adviseAsJSON(t, api)
}

func adviseAsJSON(t *testing.T, api client.Reader) {
	t.Helper()
	var out, errOut bytes.Buffer
	o := adviseOptions{namespace: "demo", name: "llama", output: "json"}
	if err := showAdvice(t.Context(), &terminal.Streams{Out: &out, Err: &errOut}, api, o); err != nil || errOut.Len() > 0 {
		t.Fatal(err, errOut.String())
	}
	want := `[
  {
    "namespace": "demo",
    "name": "llama",
    "engine": "advise",
    "ready": 4,
    "advised": 3,
    "promised": "90%",
    "expected": "96%",
    "advice": {
      "since": "1970-01-01T00:01:40Z",
      "hours": "2",
      "ranReplicaHours": "7.5",
      "advisedReplicaHours": "6.4",
      "attained": "96.5%",
      "moreRan": {
        "time": "75%",
        "attained": "99%"
      },
      "asManyRan": {
        "time": "15%"
      },
      "fewerRan": {
        "time": "10%"
      }
    },
    "reason": "Advising",
    "why": "nothing is changed",
    "handOver": "kubectl patch inferenceautoscaler llama -n demo --type=merge -p '{\"spec\":{\"engine\":\"keda\"}}'"
  }
]
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	o.namespace, o.name = "none", ""
	out.Reset()
	if err := showAdvice(t.Context(), &terminal.Streams{Out: &out, Err: &errOut}, api, o); err != nil || out.String() != "[]\n" {
		t.Errorf("none as json: %v, %q", err, out.String())
	}
}
