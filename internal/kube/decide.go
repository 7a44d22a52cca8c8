package kube

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observed is everything that a decision about one service reads.
type observed struct {
	service *InferenceService
	own     *ScaledObject // named as ours would be; nil if there is none
	others  []ScaledObject
	hpas    []autoscalingv2.HorizontalPodAutoscaler // of the namespace
	auths   map[string][]string                     // TriggerAuthentication → the Secrets it names
}

type action int

// The one act of a reconciliation.
const (
	keep    action = iota + 1 // nothing to do
	apply                     // create, adopt or repair our ScaledObject
	remove                    // delete it, if its UID is still the same
	release                   // leave it to KServe, which updates the object of that name
)

// notice is an Event to be: reason and text, Warning if something must be done.
type notice struct {
	warning      bool
	reason, text string
}

// verdict is the act and what to tell about it.
type verdict struct {
	action  action
	apply   *ScaledObject
	notices []notice
}

func (v *verdict) warn(reason, format string, args ...any) {
	v.notices = append(v.notices, notice{true, reason, fmt.Sprintf(format, args...)})
}

// decide is the state machine of one service:
//
//	class       stop  ScaledObject        → action
//	external    no    any but a foreign   → apply, once no other autoscaler acts
//	external    yes   ours or KServe's    → remove
//	keda        –     ours                → release
//	hpa, none   –     ours                → remove
//	other cases                           → keep
func decide(o observed) verdict {
	s := o.service
	v := verdict{action: keep}
	mine := o.own != nil && o.own.Labels[managedByLabel] == Manager
	owned := o.own != nil && ownedBy(o.own.OwnerReferences, InferenceServiceKind.Kind, s.Name)
	switch c := class(s); {
	case c == "keda" && mine:
		v.action = release
	case c != "external" && mine:
		v.action = remove
	case c != "external":
	case stopped(s):
		v.warn("Stopped", "%s is 'true' and nothing removes it; resume with: kubectl annotate inferenceservice %s -n %s %s-",
			stopAnnotation, s.Name, s.Namespace, stopAnnotation)
		if owned {
			v.action = remove
		}
	default:
		decideExternal(o, &v, owned)
	}
	return v
}

func decideExternal(o observed, v *verdict, owned bool) {
	s := o.service
	so, warning, err := Map(s)
	if err != nil {
		v.warn("InvalidAutoscaling", "%v", err)
		return
	}
	if foreign := rival(o, owned); foreign != nil {
		v.notices = append(v.notices, *foreign)
		return
	}
	v.action, v.apply = apply, so
	if warning != "" {
		v.warn("FixedReplicas", "%s", warning)
	}
	for _, t := range so.Spec.Triggers {
		checkAuthentication(o, v, t)
	}
}

// rival is another autoscaler of the same Deployment, which is never fought.
func rival(o observed, owned bool) *notice {
	target, ns := predictorName(o.service.Name), o.service.Namespace
	taken := func(kind, name string) *notice {
		return &notice{true, "AnotherAutoscaler", fmt.Sprintf(
			"Deployment %s is scaled by %s %s already, so that nothing is created; remove it with: kubectl delete %s %s -n %s",
			target, kind, name, strings.ToLower(kind), name, ns)}
	}
	if o.own != nil && !owned {
		return taken("ScaledObject", o.own.Name)
	}
	for _, other := range o.others {
		if other.Spec.ScaleTargetRef.Name == target {
			return taken("ScaledObject", other.Name)
		}
	}
	for _, h := range o.hpas {
		switch ref := h.Spec.ScaleTargetRef; {
		case ref.Kind != "Deployment" || ref.Name != target:
		case ownedBy(h.OwnerReferences, ScaledObjectKind.Kind, target):
		case ownedBy(h.OwnerReferences, InferenceServiceKind.Kind, o.service.Name):
			return &notice{false, "WaitingForHPA", fmt.Sprintf("KServe removes its HorizontalPodAutoscaler %s first", h.Name)}
		default:
			return taken("HorizontalPodAutoscaler", h.Name)
		}
	}
	return nil
}

// checkAuthentication learns from KEDA's and the HPA's words what is wrong with
// the credentials; the Secret itself is never read.
func checkAuthentication(o observed, v *verdict, t Trigger) {
	ns := o.service.Namespace
	if t.AuthenticationRef == nil {
		return
	}
	name := t.AuthenticationRef.Name
	secrets, found := o.auths[name]
	if !found {
		v.warn("AuthenticationMissing", "TriggerAuthentication %s, which authenticationRef.authenticationRef.name gives, is not in namespace %s; "+
			"apply it, or name one of: kubectl get triggerauthentication -n %s", name, ns, ns)
		return
	}
	word := complaint(o)
	secret := strings.Join(secrets, ", ")
	switch {
	case strings.Contains(word, "401") || strings.Contains(word, "403"):
		v.warn("CredentialsRefused", "the metrics server refuses the credentials in Secret %s (TriggerAuthentication %s); "+
			"compare them with: kubectl get secret %s -n %s -o yaml; nothing scales in meanwhile. KEDA says: %s", secret, name, secret, ns, word)
	case strings.Contains(word, "username") || strings.Contains(word, "password"):
		v.warn("CredentialsMissing", "TriggerAuthentication %s finds no credentials in Secret %s; its name and keys must match: "+
			"kubectl describe triggerauthentication %s -n %s. KEDA says: %s", name, secret, name, ns, word)
	}
}

// complaint is the newest error of KEDA or of its HPA about the service's metrics.
func complaint(o observed) string {
	if o.own == nil {
		return ""
	}
	target := predictorName(o.service.Name)
	for _, h := range o.hpas {
		if !ownedBy(h.OwnerReferences, ScaledObjectKind.Kind, target) {
			continue
		}
		for _, c := range h.Status.Conditions {
			if c.Type == autoscalingv2.ScalingActive && c.Status == "False" && strings.HasPrefix(c.Reason, "FailedGet") {
				return c.Message
			}
		}
	}
	if c, ok := condition(o.own.Status.Conditions, "Ready"); ok && c.Status == "False" {
		return c.Message
	}
	return ""
}

func ownedBy(refs []metav1.OwnerReference, kind, name string) bool {
	for _, r := range refs {
		if r.Kind == kind && r.Name == name && r.Controller != nil && *r.Controller {
			return true
		}
	}
	return false
}
