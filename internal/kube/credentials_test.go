package kube

import (
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const unauthorized = "prometheus query api returned error. status: 401" // keda:pkg/scalers/prometheus_scaler.go

// kedaSaid is an Event about ours, some minutes after another.
func kedaSaid(message string, minute int) corev1.Event {
	return corev1.Event{
		InvolvedObject: corev1.ObjectReference{Kind: "ScaledObject", Name: "llama-predictor", UID: "so"},
		EventTime:      metav1.NewMicroTime(time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)), Message: message,
	}
}

func inState(reason, message string) *ScaledObject {
	so := ours()
	so.UID = "so"
	so.Status.Conditions = []Condition{{Type: "Ready", Status: "False", Reason: reason, Message: message}}
	if reason == "" {
		so.Status.Conditions[0].Status = "True"
	}
	return so
}

func TestDecideAuthentication(t *testing.T) {
	failing := hpa("keda-hpa-llama-predictor", owner("ScaledObject", "llama-predictor"))
	failing.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
		Type: autoscalingv2.ScalingActive, Status: "False", Reason: "FailedGetExternalMetric", Message: "metric:s0-prometheus encountered error",
	}}
	hpas := []autoscalingv2.HorizontalPodAutoscaler{failing}
	fallback := inState("", "")
	fallback.Status.Conditions = append(fallback.Status.Conditions, Condition{Type: "Fallback", Status: "True"})
	there := map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}}
	refused := []corev1.Event{kedaSaid("connection refused", 1), kedaSaid(unauthorized, 2)}
	const noRef = "            authenticationRef:\n              authModes: basic\n              authenticationRef:\n                name: prom-basic-auth\n"
	for name, tc := range map[string]struct {
		o       observed
		replace []string
		reason  string // "" if all is well
		says    string
	}{
		"all well":                  {o: observed{own: inState("", ""), auths: there}},
		"mended, the Event remains": {o: observed{own: inState("", ""), auths: there, events: refused}},
		"other trouble since":       {o: observed{own: inState("TriggerError", "x"), auths: there, events: append(refused, kedaSaid("connection refused", 3))}},
		"no TriggerAuthentication": {o: observed{own: inState("", "")}, reason: "AuthenticationMissing",
			says: `{"parameter":"password","name":"SECRET","key":"password"}]}}' | kubectl apply -f -`},
		"named differently": {o: observed{own: inState("", ""), auths: map[string][]string{"prom-auth": nil}}, reason: "AuthenticationMissing",
			says: `kubectl patch inferenceservice llama -n demo --type=json -p '[{"op":"replace",` +
				`"path":"/spec/predictor/autoScaling/metrics/0/external/authenticationRef/authenticationRef/name","value":"prom-auth"}]'`},
		"wrong password, condition": {o: observed{own: inState("TriggerError", "x"), auths: there, events: refused}, reason: "CredentialsRefused",
			says: "kubectl create secret generic prom-basic-auth-secret -n demo"},
		"wrong password, HPA":      {o: observed{own: inState("", ""), hpas: hpas, auths: there, events: refused}, reason: "CredentialsRefused", says: "status: 401"},
		"wrong password, fallback": {o: observed{own: fallback, auths: there, events: refused}, reason: "CredentialsRefused", says: "nothing scales in"},
		"empty Secret": {o: observed{own: inState("ScaledObjectCheckFailed", "username=<empty> is required when basic auth is enabled"), auths: there},
			reason: "CredentialsMissing", says: "named differently"},
		"no reference": {o: observed{own: inState("TriggerError", "x"), events: refused}, replace: []string{noRef, ""},
			reason: "CredentialsMissing", says: "metrics[0].external.authenticationRef"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.o.service = service(t, tc.replace...)
			v := decide(tc.o)
			if tc.reason == "" && len(v.notices) == 0 {
				return
			}
			if v.action != repair || len(v.notices) != 1 || v.notices[0].reason != tc.reason || !strings.Contains(v.notices[0].text, tc.says) {
				t.Errorf("decide() = %v, %v, want repair and %q saying %q", v.action, v.notices, tc.reason, tc.says)
			}
		})
	}
}
