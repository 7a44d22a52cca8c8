package cli

import (
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/authority"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
)

type certsOptions struct {
	namespace, keda string
	days            int
}

func newCerts(s *terminal.Streams) *cobra.Command {
	var o certsOptions
	cmd := &cobra.Command{
		Use:   "certs",
		Short: "Print new certificates for the controller, the scaler and KEDA, to be applied",
		Long: `Print the Secrets that Flyball's servers and KEDA prove by who they are, and the
ClusterTriggerAuthentication by which KEDA finds its own. Without cert-manager this is all
that an installation needs besides its manifests; with it, see docs/install.md.

Nothing is asked of a cluster, and the keys of the authorities are not kept: to renew, run it
again and apply all of it. The servers and KEDA read their files again; for up to some minutes
until each has the new ones calls between them fail, and replicas stay as they are. The
caBundle of the drain webhook has to follow.`,
		Example: "  flyball certs | kubectl apply -f -\n" +
			"  flyball certs --keda-namespace keda-system --days 90 | kubectl apply -f -",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.print(s.Out, time.Now()) },
	}
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", config.Namespace, "namespace of Flyball")
	cmd.Flags().StringVar(&o.keda, "keda-namespace", "keda", "namespace of KEDA's operator")
	cmd.Flags().IntVar(&o.days, "days", 365, "days that the certificates are good for")
	return cmd
}

func (o certsOptions) print(w io.Writer, now time.Time) error {
	switch {
	case o.days < 1:
		return hint.With(fmt.Errorf("--days %d: a certificate would have expired", o.days), "give 1 or more")
	case terminal.IsTerminal(w):
		return hint.With(errors.New("this would print private keys on the terminal"), "flyball certs | kubectl apply -f -")
	}
	until := now.AddDate(0, 0, o.days)
	for _, signed := range []struct {
		by      string
		secrets []config.CertificateSecret
	}{
		{"flyball", []config.CertificateSecret{config.ControllerSecret(o.namespace)}},
		{config.Scaler, []config.CertificateSecret{config.ScalerSecret(o.namespace), config.KEDASecret(o.keda)}},
	} {
		by, err := authority.New(signed.by, until)
		if err != nil {
			return err
		}
		for _, c := range signed.secrets {
			if err := printSecret(w, c, by); err != nil {
				return err
			}
		}
	}
	how, err := config.Files.ReadFile("keda/trigger-authentication.yaml")
	if err != nil {
		return err
	}
	_, err = w.Write(how)
	return err
}

func printSecret(w io.Writer, c config.CertificateSecret, by *authority.Authority) error {
	issued, err := by.Issue(pkix.Name{CommonName: c.Name}, c.Hosts...)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: c.Name},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{"ca.crt": by.PEM, corev1.TLSCertKey: issued.Certificate, corev1.TLSPrivateKeyKey: issued.Key},
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s---\n", text)
	return err
}
