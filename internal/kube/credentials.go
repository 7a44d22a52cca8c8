package kube

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// checkAuthentication learns from KEDA's words what is wrong with the credentials;
// the Secret itself is never read.
func checkAuthentication(o observed, v *verdict, so *ScaledObject) {
	word := complaint(o)
	refused := strings.Contains(word, "status: 401") || strings.Contains(word, "status: 403")
	seen := map[string]bool{}
	for i, t := range so.Spec.Triggers {
		if t.AuthenticationRef == nil || seen[t.AuthenticationRef.Name] {
			continue
		}
		name := t.AuthenticationRef.Name
		seen[name] = true
		switch secrets, found := o.auths[name]; {
		case !found:
			authenticationMissing(o, v, i, t)
		case refused:
			v.warn("CredentialsRefused", "the metrics server refuses the credentials in Secret %s, which TriggerAuthentication %s names; nothing scales in meanwhile. "+
				"Write the right ones: %s. KEDA says: %s", secretList(secrets), name, newSecret(o.service.Namespace, secrets), word)
		case strings.Contains(word, "<empty>"):
			v.warn("CredentialsMissing", "TriggerAuthentication %s finds no credentials in Secret %s: that Secret or its keys are missing, or named differently. "+
				"See the names that it wants: kubectl get triggerauthentication %s -n %s -o yaml; write the Secret: %s. KEDA says: %s",
				name, secretList(secrets), name, o.service.Namespace, newSecret(o.service.Namespace, secrets), word)
		}
	}
	if refused && len(seen) == 0 {
		v.warn("CredentialsMissing", "the metrics server asks for credentials and the service names none: "+
			"set %s[0].external.authenticationRef as the guide shows. KEDA says: %s", metricsField, word)
	}
}

// authenticationMissing offers the one that is there under another name, else a new one.
func authenticationMissing(o observed, v *verdict, metric int, t Trigger) {
	ns, name := o.service.Namespace, t.AuthenticationRef.Name
	path := fmt.Sprintf("%s[%d].external.authenticationRef.authenticationRef.name", metricsField, metric)
	there := slices.Sorted(maps.Keys(o.auths))
	if len(there) > 0 {
		v.warn("AuthenticationMissing", "%s: there is no TriggerAuthentication %s in namespace %s, but %s; if the names were meant to be the same: "+
			`kubectl patch inferenceservice %s -n %s --type=json -p '[{"op":"replace","path":"/%s","value":"%s"}]'`,
			path, name, ns, strings.Join(there, ", "), o.service.Name, ns, pointer(path), there[0])
		return
	}
	v.warn("AuthenticationMissing", "%s: there is no TriggerAuthentication %s in namespace %s; make it, with the name of your Secret: "+
		`echo '{"apiVersion":"keda.sh/v1alpha1","kind":"TriggerAuthentication","metadata":{"name":"%s","namespace":"%s"},"spec":{"secretTargetRef":[%s]}}' | kubectl apply -f -`,
		path, name, ns, name, ns, strings.Join(secretRefs(t.Metadata["authModes"]), ","))
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
	if len(names) > 0 {
		name = names[0]
	}
	return fmt.Sprintf("kubectl create secret generic %s -n %s --from-literal=username=USER --from-literal=password=PASSWORD "+
		"--dry-run=client -o yaml | kubectl apply -f -", name, namespace)
}

// complaint is KEDA's newest error about the service's metrics, "" while they are
// read. The HPA and the condition TriggerError only say that there is one (KEDA
// 2.21, pkg/scaling/scale_handler.go: "metric:… encountered error"); what it is
// stands in KEDA's Events about the ScaledObject.
func complaint(o observed) string {
	if o.own == nil {
		return ""
	}
	ready, looked := condition(o.own.Status.Conditions, "Ready")
	if !looked {
		return ""
	}
	fallback, _ := condition(o.own.Status.Conditions, "Fallback")
	hpa := unreadable(o)
	switch {
	case ready.Status == "False" && ready.Reason == "ScaledObjectCheckFailed":
		return ready.Message
	case ready.Status == "False" || ready.Reason == "PartialTriggerError" || fallback.Status == "True" || hpa != "":
		return cmp.Or(newestEvent(o), hpa, ready.Message)
	}
	return ""
}

func newestEvent(o observed) string {
	var newest corev1.Event
	for _, e := range o.events {
		if e.InvolvedObject.UID == o.own.UID && (newest.Message == "" || seen(e).After(seen(newest))) {
			newest = e
		}
	}
	return newest.Message
}

// unreadable is what KEDA's HPA says of a metric that it cannot get.
func unreadable(o observed) string {
	for _, h := range o.hpas {
		c := scalingActive(&h)
		if ownedBy(h.OwnerReferences, ScaledObjectKind.Kind, o.own.Name) && c.Status == "False" && strings.HasPrefix(c.Reason, "FailedGet") {
			return c.Message
		}
	}
	return ""
}

func scalingActive(h *autoscalingv2.HorizontalPodAutoscaler) autoscalingv2.HorizontalPodAutoscalerCondition {
	for _, c := range h.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive {
			return c
		}
	}
	return autoscalingv2.HorizontalPodAutoscalerCondition{}
}
