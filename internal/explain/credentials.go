package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// checkAuthentication learns from KEDA's words what is wrong with the credentials;
// the Secret itself is never read.
func checkAuthentication(s Snapshot, v *Verdict, so *kserve.ScaledObject) {
	word := complaint(s)
	refused := strings.Contains(word, "status: 401") || strings.Contains(word, "status: 403")
	seen := map[string]bool{}
	for i, t := range so.Spec.Triggers {
		if t.AuthenticationRef == nil || seen[t.AuthenticationRef.Name] {
			continue
		}
		name := t.AuthenticationRef.Name
		seen[name] = true
		switch secrets, found := s.Auths[name]; {
		case !found:
			authenticationMissing(s, v, i, t)
		case refused:
			v.Warn("CredentialsRefused", "the metrics server refuses the credentials in Secret %s, which TriggerAuthentication %s names; nothing scales down meanwhile. "+
				"Correct it: %s. KEDA says: %s", secretList(secrets), name, newSecret(s.InferenceService.Namespace, secrets), word)
		case strings.Contains(word, "<empty>"):
			v.Warn("CredentialsMissing", "TriggerAuthentication %s finds no credentials in Secret %s: that Secret or its keys are missing, or named differently. "+
				"The names that it expects: %s; create the Secret: %s. KEDA says: %s",
				name, secretList(secrets), hint.Command("kubectl", "get", "triggerauthentication", name, "-n", s.InferenceService.Namespace, "-o", "yaml"),
				newSecret(s.InferenceService.Namespace, secrets), word)
		}
	}
	if refused && len(seen) == 0 {
		v.Warn("CredentialsMissing", "the metrics server requires credentials and the service names none: "+
			"set %s[0].external.authenticationRef as the guide shows. KEDA says: %s", kserve.MetricsField, word)
	}
}

// authenticationMissing offers the one that is there under another name, else a new one.
func authenticationMissing(s Snapshot, v *Verdict, metric int, t kserve.Trigger) {
	ns, name := s.InferenceService.Namespace, t.AuthenticationRef.Name
	path := fmt.Sprintf("%s[%d].external.authenticationRef.authenticationRef.name", kserve.MetricsField, metric)
	there := slices.Sorted(maps.Keys(s.Auths))
	if len(there) > 0 {
		patch := fmt.Sprintf(`[{"op":"replace","path":"/%s","value":%s}]`, pointer(path), jsonText(there[0]))
		v.Warn("AuthenticationMissing", "%s: there is no TriggerAuthentication %s in namespace %s, but %s; if the names were meant to be the same: %s",
			path, name, ns, strings.Join(there, ", "),
			hint.Command("kubectl", "patch", "inferenceservice", s.InferenceService.Name, "-n", ns, "--type=json", "-p", patch))
		return
	}
	v.Warn("AuthenticationMissing", "%s: there is no TriggerAuthentication %s in namespace %s; create it, with the name of your Secret: %s | kubectl apply -f -",
		path, name, ns, hint.Command("printf", "%s", fmt.Sprintf(
			`{"apiVersion":"keda.sh/v1alpha1","kind":"TriggerAuthentication","metadata":{"name":%s,"namespace":%s},"spec":{"secretTargetRef":[%s]}}`,
			jsonText(name), jsonText(ns), strings.Join(secretRefs(t.Metadata["authModes"]), ","))))
}

// jsonText is a name as JSON has it: who wrote it may have put anything into it.
func jsonText(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(text)
}

// pointer turns a.b[0].c into a/b/0/c.
func pointer(path string) string {
	return strings.NewReplacer("[", "/", "]", "", ".", "/").Replace(path)
}

func secretRefs(authModes string) []string {
	keys := []string{"username", "password"}
	if strings.Contains(authModes, "bearer") {
		keys = []string{"bearerToken"}
	}
	refs := make([]string, len(keys))
	for i, k := range keys {
		refs[i] = fmt.Sprintf(`{"parameter":"%s","name":"SECRET","key":"%s"}`, k, k)
	}
	return refs
}

func secretList(names []string) string {
	if len(names) == 0 {
		return "(it names none)"
	}
	return strings.Join(names, ", ")
}

func newSecret(namespace string, names []string) string {
	name := "SECRET"
	if len(names) > 0 && len(validation.IsDNS1123Subdomain(names[0])) == 0 { // no Secret has another name
		name = names[0]
	}
	return hint.Command("kubectl", "create", "secret", "generic", name, "-n", namespace,
		"--from-literal=username=USER", "--from-literal=password=PASSWORD", "--dry-run=client", "-o", "yaml") + " | kubectl apply -f -"
}

// complaint is KEDA's newest error about the service's metrics, "" while they are
// read. The HPA and the condition TriggerError only say that there is one (KEDA
// 2.21, pkg/scaling/scale_handler.go: "metric:… encountered error"); what it is
// only KEDA's Events say about the ScaledObject.
func complaint(s Snapshot) string {
	if s.ScaledObject == nil {
		return ""
	}
	ready, looked := kserve.FindCondition(s.ScaledObject.Status.Conditions, "Ready")
	if !looked || s.sees() {
		return ""
	}
	fallback, _ := kserve.FindCondition(s.ScaledObject.Status.Conditions, "Fallback")
	hpa := unreadable(s)
	switch {
	case ready.Status == "False" && ready.Reason == "ScaledObjectCheckFailed":
		return ready.Message
	case ready.Status == "False" || ready.Reason == "PartialTriggerError" || fallback.Status == "True" || hpa != "":
		return cmp.Or(newestEvent(s), hpa, ready.Message)
	}
	return ""
}

// sees is true while the HPA has a value of every metric, and none of KEDA's fallback. KEDA
// looks again only after its polling interval, so that its condition may say for so long
// that there is an error when there is none left.
func (s Snapshot) sees() bool {
	if len(s.HPAs) != 1 || s.kedaCondition("Fallback").Status == "True" || s.hpaCondition(autoscalingv2.ScalingActive).Status != corev1.ConditionTrue {
		return false
	}
	all := hpaMetrics(s.HPAs[0])
	return len(all) > 0 && !slices.ContainsFunc(all, func(m MetricNow) bool { return m.Current == unknownValue })
}

func newestEvent(s Snapshot) string {
	var newest corev1.Event
	for _, e := range s.Events {
		about := e.Type == corev1.EventTypeWarning && e.InvolvedObject.Kind == kserve.ScaledObjectKind.Kind
		if about && e.InvolvedObject.UID == s.ScaledObject.UID && (newest.Message == "" || LastSeen(e).After(LastSeen(newest))) {
			newest = e
		}
	}
	return newest.Message
}

// unreadable is what KEDA's HPA says of a metric that it cannot get.
func unreadable(s Snapshot) string {
	for _, h := range s.HPAs {
		c := ScalingActive(&h)
		if kserve.OwnedBy(h.OwnerReferences, kserve.ScaledObjectKind.Kind, s.ScaledObject.Name) && c.Status == "False" && strings.HasPrefix(c.Reason, "FailedGet") {
			return c.Message
		}
	}
	return ""
}

// ScalingActive is the HPA's condition of that name.
func ScalingActive(h *autoscalingv2.HorizontalPodAutoscaler) autoscalingv2.HorizontalPodAutoscalerCondition {
	for _, c := range h.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive {
			return c
		}
	}
	return autoscalingv2.HorizontalPodAutoscalerCondition{}
}
