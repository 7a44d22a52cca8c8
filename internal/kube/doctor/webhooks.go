package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/config"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// A hook is one admission webhook on a kind that matters here.
type hook struct {
	name    string
	config  admissionv1.WebhookClientConfig
	refuses bool // failurePolicy Fail: without it nothing of this kind can change
}

func (d Doctor) webhooks(ctx context.Context) []Check {
	var validating admissionv1.ValidatingWebhookConfigurationList
	var mutating admissionv1.MutatingWebhookConfigurationList
	for _, list := range []client.ObjectList{&validating, &mutating} {
		if err := d.Cluster.List(ctx, list); err != nil {
			return []Check{unseen("webhooks", err)}
		}
	}
	var all []Check
	for _, kind := range []struct{ group, resource, lost, fix string }{
		{
			kserve.KEDAGroup, "scaledobjects", "KEDA refuses no second autoscaler on a target and no bad ScaledObject",
			"install KEDA's admission webhooks",
		},
		{
			kserve.Group, "inferenceservices", "KServe refuses no bad InferenceService and fills in no defaults",
			"install KServe's webhooks",
		},
	} {
		hooks := hooksOn(kind.group, kind.resource, validating.Items, mutating.Items)
		if len(hooks) == 0 {
			all = append(all, Check{Warn, "webhook " + kind.resource, "none: " + kind.lost, kind.fix})
		}
		for _, h := range hooks {
			all = append(all, d.webhook(ctx, kind.resource, h))
		}
	}
	for _, h := range hooksOn("", "pods", nil, mutating.Items) {
		if s := h.config.Service; s != nil && s.Name == config.DrainWebhook {
			all = append(all, d.webhook(ctx, "pods", h))
		}
	}
	return all
}

func hooksOn(group, resource string, v []admissionv1.ValidatingWebhookConfiguration, m []admissionv1.MutatingWebhookConfiguration) []hook {
	touches := func(r admissionv1.RuleWithOperations) bool {
		return slices.Contains(r.APIGroups, group) && slices.Contains(r.Resources, resource)
	}
	refuses := func(p *admissionv1.FailurePolicyType) bool { return p == nil || *p == admissionv1.Fail }
	var all []hook
	for _, c := range v {
		for _, w := range c.Webhooks {
			if slices.ContainsFunc(w.Rules, touches) {
				all = append(all, hook{w.Name, w.ClientConfig, refuses(w.FailurePolicy)})
			}
		}
	}
	for _, c := range m {
		for _, w := range c.Webhooks {
			if slices.ContainsFunc(w.Rules, touches) {
				all = append(all, hook{w.Name, w.ClientConfig, refuses(w.FailurePolicy)})
			}
		}
	}
	slices.SortFunc(all, func(a, b hook) int { return strings.Compare(a.name, b.name) })
	return all
}

func (d Doctor) webhook(ctx context.Context, resource string, h hook) Check {
	broken := Check{Warn, "webhook " + resource, h.name + ": ", "see the logs of the program behind it; it is skipped while it is away"}
	if h.refuses {
		broken.Result, broken.Fix = Fail, "see the logs of the program behind it; until it answers, every change of "+resource+" is refused"
	}
	s := h.config.Service
	if s == nil {
		return Check{OK, broken.Name, h.name, ""}
	}
	if len(h.config.CABundle) == 0 {
		broken.Found += "no caBundle, the API server cannot trust it"
		return broken
	}
	if end := lastDay(h.config.CABundle); !end.IsZero() && time.Now().After(end) {
		broken.Found += "its caBundle has expired at " + end.UTC().Format(time.RFC3339)
		return broken
	}
	var service corev1.Service
	switch err := d.Cluster.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.Name}, &service); {
	case apierrors.IsNotFound(err):
		broken.Found += fmt.Sprintf("Service %s/%s does not exist", s.Namespace, s.Name)
		return broken
	case err != nil:
		return unseen(broken.Name, err)
	case len(service.Spec.Selector) == 0:
		return Check{OK, broken.Name, h.name, ""}
	}
	var behind corev1.PodList // EndpointSlices would say the same, but may not hold the lab's loopback addresses
	if err := d.Cluster.List(ctx, &behind, client.InNamespace(s.Namespace), client.MatchingLabels(service.Spec.Selector)); err != nil {
		return unseen(broken.Name, err)
	}
	if slices.ContainsFunc(behind.Items, ready) {
		return Check{OK, broken.Name, fmt.Sprintf("%s by %s/%s", h.name, s.Namespace, s.Name), ""}
	}
	broken.Found += fmt.Sprintf("no pod is ready behind Service %s/%s", s.Namespace, s.Name)
	return broken
}

// lastDay is that of the certificate of a bundle which is good for longest; zero if none
// can be read.
func lastDay(bundle []byte) (end time.Time) {
	for {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			return end
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && c.NotAfter.After(end) {
			end = c.NotAfter
		}
	}
}

func ready(p corev1.Pod) bool {
	return p.DeletionTimestamp == nil && slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
