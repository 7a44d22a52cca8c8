package leave

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	webhooks "sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/lossless"
)

// webhookPath is where the API server asks about new pods.
const webhookPath = "/mutate-pods"

// WebhookSettings say where the API server asks about new pods; without an
// address it does not.
type WebhookSettings struct {
	Address      string // to listen on
	Certificates string // folder with tls.crt and tls.key
}

// AddWebhook serves on every replica, leader or not. What it returns fails while this one
// cannot answer.
func AddWebhook(mgr ctrl.Manager, s WebhookSettings) (ready func() error, err error) {
	host, text, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("reading the address of the drain webhook: %w", err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("reading the port of the drain webhook: %w", err)
	}
	server := webhooks.NewServer(webhooks.Options{
		Host: host, Port: int(port), CertDir: s.Certificates,
		TLSOpts: []func(*tls.Config){func(c *tls.Config) {
			c.MinVersion, c.NextProtos = tls.VersionTLS13, []string{"http/1.1"}
		}},
	})
	server.Register(webhookPath, &webhooks.Admission{Handler: webhook{mgr.GetLogger()}})
	started, valid := server.StartedChecker(), validCertificate(filepath.Join(s.Certificates, "tls.crt"), time.Now)
	if err := mgr.AddReadyzCheck("drain webhook", started); err != nil {
		return nil, fmt.Errorf("adding /readyz: %w", err)
	}
	if err := mgr.AddReadyzCheck("drain webhook certificate", valid); err != nil {
		return nil, fmt.Errorf("adding /readyz: %w", err)
	}
	if err := mgr.Add(server); err != nil {
		return nil, fmt.Errorf("adding the drain webhook: %w", err)
	}
	return func() error { return errors.Join(started(nil), valid(nil)) }, nil
}

// validCertificate fails once the certificate has expired: the API server then makes pods
// without asking, and nothing else would show it.
func validCertificate(file string, now func() time.Time) healthz.Checker {
	return func(*http.Request) error {
		end, err := CertificateEnd(file)
		if err == nil && now().After(end) {
			err = fmt.Errorf("the certificate of the drain webhook has expired at %s", end.UTC().Format(time.RFC3339))
		}
		return err
	}
}

// CertificateEnd is until when the first certificate of a file is good.
func CertificateEnd(file string) (time.Time, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return time.Time{}, fmt.Errorf("reading the certificate: none in %s", file)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the certificate: %w", err)
	}
	return c.NotAfter, nil
}

// webhook answers from the question alone: it asks no one and needs no rights.
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
	added, refusal := lossless.Add(&p.Spec)
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
