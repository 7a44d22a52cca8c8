package explain

import (
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
)

const unauthorized = "prometheus query api returned error. status: 401" // keda:pkg/scalers/prometheus_scaler.go

// kedaSaid is an Event about ours, some minutes after another.
func kedaSaid(message string, minute int) corev1.Event {
	return corev1.Event{
		InvolvedObject: corev1.ObjectReference{Kind: "ScaledObject", Name: "llama-predictor", UID: "so"},
		Type:           corev1.EventTypeWarning,
		EventTime:      metav1.NewMicroTime(time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)), Message: message,
	}
}

func inState(reason, message string) *kserve.ScaledObject {
	so := ours()
	so.UID = "so"
	so.Status.Conditions = []kserve.Condition{{Type: "Ready", Status: "False", Reason: "TriggerError", Message: message}}
	if reason == "" {
		so.Status.Conditions[0].Status = "True"
	}
	return so
}

func TestVerdictOnCredentials(t *testing.T) {
	failing := hpaNamed("keda-hpa-llama-predictor", owner("ScaledObject", "llama-predictor"))
	failing.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
		Type: autoscalingv2.ScalingActive, Status: "False", Reason: "FailedGetExternalMetric", Message: "metric:s0-prometheus encountered error",
	}}
	hpas := []autoscalingv2.HorizontalPodAutoscaler{failing}
	fallback := inState("", "")
	fallback.Status.Conditions = append(fallback.Status.Conditions, kserve.Condition{Type: "Fallback", Status: "True"})
	there := map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}}
	refused := []corev1.Event{kedaSaid("connection refused", 1), kedaSaid(unauthorized, 2)}
	const noRef = "            authenticationRef:\n              authModes: basic\n              authenticationRef:\n                name: prom-basic-auth\n"
	for name, tc := range map[string]struct {
		o       Snapshot
		replace []string
		reason  string // "" if all is well
		says    string
	}{
		"all well":                 {o: Snapshot{ScaledObject: inState("", ""), Auths: there}},
		"fixed, the Event remains": {o: Snapshot{ScaledObject: inState("", ""), Auths: there, Events: refused}},
		"other trouble since":      {o: Snapshot{ScaledObject: inState("TriggerError", "x"), Auths: there, Events: append(refused, kedaSaid("connection refused", 3))}},
		"no TriggerAuthentication": {o: Snapshot{ScaledObject: inState("", "")}, reason: "AuthenticationMissing",
			says: `{"parameter":"password","name":"SECRET","key":"password"}]}}' | kubectl apply -f -`},
		"named differently": {o: Snapshot{ScaledObject: inState("", ""), Auths: map[string][]string{"prom-auth": nil}}, reason: "AuthenticationMissing",
			says: `kubectl patch inferenceservice llama -n demo --type=json -p '[{"op":"replace",` +
				`"path":"/spec/predictor/autoScaling/metrics/0/external/authenticationRef/authenticationRef/name","value":"prom-auth"}]'`},
		"wrong password, condition": {o: Snapshot{ScaledObject: inState("TriggerError", "x"), Auths: there, Events: refused}, reason: "CredentialsRefused",
			says: "kubectl create secret generic prom-basic-auth-secret -n demo"},
		"wrong password, HPA":      {o: Snapshot{ScaledObject: inState("", ""), HPAs: hpas, Auths: there, Events: refused}, reason: "CredentialsRefused", says: "status: 401"},
		"wrong password, fallback": {o: Snapshot{ScaledObject: fallback, Auths: there, Events: refused}, reason: "CredentialsRefused", says: "nothing scales down"},
		"empty Secret": {o: Snapshot{ScaledObject: inState("ScaledObjectCheckFailed", "username=<empty> is required when basic auth is enabled"), Auths: there},
			reason: "CredentialsMissing", says: "named differently"},
		"no reference": {o: Snapshot{ScaledObject: inState("TriggerError", "x"), Events: refused}, replace: []string{noRef, ""},
			reason: "CredentialsMissing", says: "metrics[0].external.authenticationRef"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.o.InferenceService = *service(t, tc.replace...)
			v := tc.o.Verdict()
			if tc.reason == "" && len(v.Notices) == 0 {
				return
			}
			if v.Action != Repair || len(v.Notices) != 1 || v.Notices[0].Reason != tc.reason || !strings.Contains(v.Notices[0].Text, tc.says) {
				t.Errorf("Verdict() = %v, %v, want repair and %q saying %q", v.Action, v.Notices, tc.reason, tc.says)
			}
		})
	}
}

// What a tenant wrote into a manifest or a TriggerAuthentication is one word of each command.
func TestCommandsAreQuoted(t *testing.T) {
	const evil = `x'; touch /tmp/taken; echo "`
	named := []string{"name: prom-basic-auth", `name: "x'; touch /tmp/taken; echo \""`}
	for name, tc := range map[string]struct {
		replace []string
		o       Snapshot
		says    string
	}{
		"a TriggerAuthentication that is missing": {named, Snapshot{ScaledObject: inState("", "")},
			`printf %s '{"apiVersion":"keda.sh/v1alpha1","kind":"TriggerAuthentication","metadata":{"name":"x'\''; touch /tmp/taken; echo \"","namespace":"demo"}`},
		"another that is there": {nil, Snapshot{ScaledObject: inState("", ""), Auths: map[string][]string{evil: nil}},
			`"value":"x'\''; touch /tmp/taken; echo \""}]'`},
		"its name, with an empty Secret": {named, Snapshot{
			ScaledObject: inState("ScaledObjectCheckFailed", "username=<empty> is required"), Auths: map[string][]string{evil: {"a"}},
		}, `kubectl get triggerauthentication 'x'\''; touch /tmp/taken; echo "' -n demo`},
		"a Secret of no Secret's name": {nil, Snapshot{
			ScaledObject: inState("TriggerError", "x"), Auths: map[string][]string{"prom-basic-auth": {"--kubeconfig=x; id"}},
			Events: []corev1.Event{kedaSaid(unauthorized, 2)},
		}, "kubectl create secret generic SECRET -n demo"},
	} {
		tc.o.InferenceService = *service(t, tc.replace...)
		v := tc.o.Verdict()
		if len(v.Notices) != 1 || !strings.Contains(v.Notices[0].Text, tc.says) {
			t.Errorf("%s: Verdict() says %v, want …%s…", name, v.Notices, tc.says)
		}
	}
}
