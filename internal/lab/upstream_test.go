//go:build linux

package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const shippedKServe = `apiVersion: v1
kind: Service
metadata: {name: kserve-webhook-server-service, namespace: kserve}
spec: {ports: [{port: 443, targetPort: webhook-server}]}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: serving-cert, namespace: kserve}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: kserve-controller-manager, namespace: kserve}
spec:
  template:
    spec:
      containers:
      - name: manager
        args: [--metrics-addr=127.0.0.1:8080, --leader-elect]
        ports: [{containerPort: 9443, name: webhook-server}]
      - {name: kube-rbac-proxy, image: proxy}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: inferenceservice.serving.kserve.io}
webhooks:
- {name: a, clientConfig: {service: {name: s, namespace: kserve}}}
`

func TestKServeManifest(t *testing.T) {
	bin := t.TempDir()
	if err := os.MkdirAll(filepath.Join(bin, "manifests"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "manifests", "kserve.yaml"), []byte(shippedKServe), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := newPKI(t.TempDir(), "127.42.0.1", "127.42.128.1")
	if err != nil {
		t.Fatal(err)
	}
	l := &Lab{cfg: Config{Bin: bin}, claim: &claim{net: "127.42"}, pki: keys}
	got, err := l.kserveManifest(webhookPorts{kserve: 31443})
	if err != nil {
		t.Fatal(err)
	}
	text := string(got)
	for _, want := range []string{"targetPort: 31443", "port: 9443", "--webhook-port=31443", "type: Recreate", "caBundle: ", "name: kserve-webhook-server-cert"} {
		if !strings.Contains(text, want) {
			t.Errorf("the manifest lacks %q", want)
		}
	}
	for _, wrong := range []string{"--leader-elect", "kube-rbac-proxy", "cert-manager.io"} {
		if strings.Contains(text, wrong) {
			t.Errorf("the manifest still has %q", wrong)
		}
	}
}
