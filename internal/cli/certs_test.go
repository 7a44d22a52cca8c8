package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// The certificates are those for which config/cert-manager asks, and each is trusted by whom
// it is shown to: nobody else is heard for a certificate of the scaler's authority.
func TestCerts(t *testing.T) {
	secrets := printedSecrets(t)
	got := map[string][]string{}
	for name, s := range secrets {
		pair, err := tls.X509KeyPair(s.Data["tls.crt"], s.Data["tls.key"])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got[name] = pair.Leaf.DNSNames
		if left := time.Until(pair.Leaf.NotAfter); left < 71*time.Hour || left > 73*time.Hour {
			t.Errorf("%s is good for %v, want 3 days", name, left)
		}
		for other := range secrets {
			want := name == other || !strings.Contains(name+other, "controller")
			if err := trusts(secrets[other].Data["ca.crt"], pair.Leaf); (err == nil) != want {
				t.Errorf("%s by the authority of %s: %v, want trust: %v", name, other, err, want)
			}
		}
	}
	if diff := cmp.Diff(requested(t), got); diff != "" {
		t.Errorf("DNS names: -cert-manager's +printed\n%s", diff)
	}
}

// printedSecrets are those of flyball certs, which prints one other object.
func printedSecrets(t *testing.T) map[string]corev1.Secret {
	t.Helper()
	code, out, errOut := runs("certs", "--keda-namespace", "keda", "--days", "3")
	if code != 0 || errOut != "" {
		t.Fatalf("exit code %d, stderr %q", code, errOut)
	}
	secrets, authentications := map[string]corev1.Secret{}, 0
	documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(out), 4096)
	for {
		o := corev1.Secret{}
		err := documents.Decode(&o)
		switch {
		case errors.Is(err, io.EOF):
			if authentications != 1 {
				t.Errorf("%d ClusterTriggerAuthentications, want 1", authentications)
			}
			return secrets
		case err != nil:
			t.Fatal(err)
		case o.Kind == "ClusterTriggerAuthentication" && o.Name == "flyball":
			authentications++
		default:
			secrets[o.Namespace+"/"+o.Name] = o
		}
	}
}

// trusts is nil where a certificate is good for whoever trusts an authority.
func trusts(authority []byte, shown *x509.Certificate) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	_, err := shown.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err
}

// requested are the DNS names that config/cert-manager gives to each Secret.
func requested(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, file := range []string{"certificate.yaml", "scaler/certificates.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../config/cert-manager", file))
		if err != nil {
			t.Fatal(err)
		}
		documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
		for {
			o := &unstructured.Unstructured{}
			if errors.Is(documents.Decode(&o.Object), io.EOF) {
				break
			}
			secret, _, _ := unstructured.NestedString(o.Object, "spec", "secretName")
			if names, there, _ := unstructured.NestedStringSlice(o.Object, "spec", "dnsNames"); there {
				all[o.GetNamespace()+"/"+secret] = slices.Clone(names)
			}
		}
	}
	return all
}

func TestCertsRefused(t *testing.T) {
	if code, out, errOut := runs("certs", "--days", "0"); code != 2 || out != "" || !strings.Contains(errOut, "hint: give 1 or more") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errOut)
	}
}
