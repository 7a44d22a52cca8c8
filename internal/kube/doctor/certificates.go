package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

const (
	// soon is how long before its end a certificate is warned of: whoever renews it has not.
	soon = 7 * 24 * time.Hour

	issueAgain = "issue both again with flyball certs | kubectl apply -f -, or see cert-manager's Certificates flyball-scaler and flyball-keda"
)

// A side is the certificate that one shows the other, and whose it believes.
type side struct {
	certificate *x509.Certificate
	roots       *x509.CertPool
}

// certificates are those by which KEDA and the scaler know each other.
func (d Doctor) certificates(ctx context.Context, namespace string) []Check {
	ours, check := d.certificate(ctx, "scaler certificate", config.ScalerSecret(namespace))
	all := []Check{check}
	keda, err := d.deployments(ctx, "keda-operator")
	if err != nil || len(keda) != 1 { // the check of the programs says so
		return all
	}
	theirs, check := d.certificate(ctx, "keda certificate", config.KEDASecret(keda[0].Namespace))
	if ours.certificate != nil && theirs.certificate != nil {
		if !signs(theirs.roots, ours.certificate, x509.ExtKeyUsageServerAuth) || !signs(ours.roots, theirs.certificate, x509.ExtKeyUsageClientAuth) {
			check = Check{Fail, check.Name, fmt.Sprintf("Secrets %s and %s are signed by different authorities: KEDA and the scaler reject each other", config.ScalerCertificate, config.KEDACertificate), issueAgain}
		}
	}
	return append(append(all, check), d.authentication(ctx)...)
}

// certificate looks at that of a Secret, and never at its key.
func (d Doctor) certificate(ctx context.Context, name string, s config.CertificateSecret) (side, Check) {
	var secret corev1.Secret
	at := fmt.Sprintf("Secret %s/%s", s.Namespace, s.Name)
	switch err := d.Cluster.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.Name}, &secret); {
	case apierrors.IsNotFound(err):
		return side{}, Check{Fail, name, "no " + at, issueAgain}
	case err != nil:
		return side{}, unseen(name, err)
	}
	roots := x509.NewCertPool()
	block, _ := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil || !roots.AppendCertsFromPEM(secret.Data[corev1.ServiceAccountRootCAKey]) {
		return side{}, Check{Fail, name, at + " lacks a certificate in tls.crt or ca.crt", issueAgain}
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return side{}, Check{Fail, name, fmt.Sprintf("%s: tls.crt is no certificate: %v", at, err), issueAgain}
	}
	return side{c, roots}, standing(name, at, c, s.Hosts)
}

// standing is how a certificate is.
func standing(name, at string, c *x509.Certificate, hosts []string) Check {
	for _, host := range hosts {
		if c.VerifyHostname(host) != nil {
			return Check{Fail, name, fmt.Sprintf("%s is not valid for %s, only for %v", at, host, c.DNSNames), issueAgain}
		}
	}
	end := c.NotAfter.UTC().Format(time.RFC3339)
	switch left := time.Until(c.NotAfter); {
	case left <= 0:
		return Check{Fail, name, at + " has expired at " + end, issueAgain}
	case left < soon:
		return Check{Warn, name, at + " expires at " + end, issueAgain}
	}
	return Check{OK, name, at + ", until " + end, ""}
}

// signs tells whether one of the authorities has signed a certificate, expired or not.
func signs(roots *x509.CertPool, c *x509.Certificate, use x509.ExtKeyUsage) bool {
	_, err := c.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.NotAfter.Add(-time.Second), KeyUsages: []x509.ExtKeyUsage{use}})
	return err == nil
}

// authentication is what has KEDA show its certificate.
func (d Doctor) authentication(ctx context.Context) []Check {
	const name = "keda authentication"
	o := cluster.NewObject(kserve.ScaledObjectKind.GroupVersion().WithKind("ClusterTriggerAuthentication"))
	switch err := d.Cluster.Get(ctx, client.ObjectKey{Name: config.Authentication}, o); {
	case meta.IsNoMatchError(err): // the check of the APIs says so
		return nil
	case apierrors.IsNotFound(err):
		return []Check{{Fail, name, "no ClusterTriggerAuthentication " + config.Authentication + ", by which KEDA asks the scaler", installScaler}}
	case err != nil:
		return []Check{unseen(name, err)}
	}
	return []Check{{OK, name, "ClusterTriggerAuthentication " + config.Authentication, ""}}
}
