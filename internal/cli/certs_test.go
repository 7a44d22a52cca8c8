package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
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
	code, out, errOut := runs("certs", "--keda-namespace", "keda", "--days", "3")
	if code != 0 || errOut != "" {
		t.Fatalf("exit code %d, stderr %q", code, errOut)
	}
	secrets, authentications := map[string]corev1.Secret{}, 0
	documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(out), 4096)
	for {
		o := corev1.Secret{}
		if err := documents.Decode(&o); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if o.Kind == "ClusterTriggerAuthentication" && o.Name == "flyball" {
			authentications++
			continue
		}
		secrets[o.Namespace+"/"+o.Name] = o
	}
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
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(secrets[other].Data["ca.crt"])
			_, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
			if want := name == other || !strings.Contains(name+other, "controller"); (err == nil) != want {
				t.Errorf("%s by the authority of %s: %v, want trust: %v", name, other, err, want)
			}
		}
	}
	if diff := cmp.Diff(requested(t), got); diff != "" || authentications != 1 {
		t.Errorf("%d ClusterTriggerAuthentications, DNS names: -cert-manager's +printed\n%s", authentications, diff)
	}
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
			if documents.Decode(&o.Object) == io.EOF {
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
