package leave

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	webhooks "sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// webhookPath is where the API server asks about new pods.
const webhookPath = "/mutate-pods"

// WebhookSettings say where the API server asks about new pods; without an
// address it does not.
type WebhookSettings struct {
	Address      string // to listen on
	Certificates string // folder with tls.crt and tls.key
}

// AddWebhook serves on every replica, leader or not.
func AddWebhook(mgr ctrl.Manager, s WebhookSettings) error {
	host, text, err := net.SplitHostPort(s.Address)
	if err != nil {
		return fmt.Errorf("reading the address of the drain webhook: %w", err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("reading the port of the drain webhook: %w", err)
	}
	server := webhooks.NewServer(webhooks.Options{
		Host: host, Port: int(port), CertDir: s.Certificates,
		TLSOpts: []func(*tls.Config){func(c *tls.Config) {
			c.MinVersion, c.NextProtos = tls.VersionTLS13, []string{"http/1.1"}
		}},
	})
	server.Register(webhookPath, &webhooks.Admission{Handler: webhook{mgr.GetLogger()}})
	if err := mgr.AddReadyzCheck("drain webhook", server.StartedChecker()); err != nil {
		return fmt.Errorf("adding /readyz: %w", err)
	}
	if err := mgr.Add(server); err != nil {
		return fmt.Errorf("adding the drain webhook: %w", err)
	}
	return nil
}

// drainWebhook answers from the question alone: it asks no one and needs no rights.
type webhook struct{ log logr.Logger }

// Handle lets every pod in; some of them changed.
func (w webhook) Handle(_ context.Context, req admission.Request) admission.Response {
	var p corev1.Pod
	if err := json.Unmarshal(req.Object.Raw, &p); err != nil {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("reading the pod: %w", err))
	}
	before, err := json.Marshal(&p)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("writing the pod: %w", err))
	}
	added, refusal := lossless(&p.Spec)
	response := admission.Allowed("")
	if len(added) > 0 {
		after, err := json.Marshal(&p)
		if err != nil {
			return admission.Errored(http.StatusInternalServerError, fmt.Errorf("writing the pod: %w", err))
		}
		// Against what this program reads of the pod, so that fields which it does not
		// know stay as they are.
		response = admission.PatchResponseFromRaw(before, after)
	}
	if refusal != "" {
		service := req.Namespace + "/" + p.Labels[kserve.ServiceLabel]
		w.log.Info("a pod may end with a loss", "service", service, "pod", strings.TrimSuffix(p.GenerateName, "-"), "because", refusal)
		response = response.WithWarnings("flyball: " + refusal)
	}
	return response
}
