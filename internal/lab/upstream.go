//go:build linux

package lab

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/authority"
)

// webhookPorts are of the two servers that bind every address of the machine
// (their programs have a flag for the port only), so that labs must not share them.
type webhookPorts struct{ keda, kserve int }

func (l *Lab) webhookPorts() (webhookPorts, error) {
	keda, err := freePort("", 0)
	if err != nil {
		return webhookPorts{}, err
	}
	kserve, err := freePort("", 0)
	return webhookPorts{keda, kserve}, err
}

// podKubeconfig is where the node agent puts what a container would find as its
// in-cluster configuration.
const podKubeconfig = "/var/run/secrets/kubernetes.io/serviceaccount/kubeconfig"

// change edits one object of a shipped manifest; false leaves it out.
type change func(*unstructured.Unstructured) (bool, error)

// kedaManifest is KEDA as shipped, with the lab in the place of its certificate
// rotation, and with addresses in place of wildcards and of a cluster DNS name.
func (l *Lab) kedaManifest(ports webhookPorts) ([]byte, error) {
	secrets, err := l.kedaSecrets()
	if err != nil {
		return nil, err
	}
	operator := l.claim.net + ".128.10" // cluster address of the operator's Service: gRPC takes no HTTP proxy for its name
	adapter := l.claim.net + ".128.11"
	extra := map[string][]any{
		"keda-operator": {"--enable-cert-rotation=false", "--cert-dir=/certs", "--metrics-bind-address=$(POD_IP):8080",
			"--health-probe-bind-address=$(POD_IP):8081", "--metrics-service-bind-address=$(POD_IP):9666"},
		"keda-metrics-apiserver": {"--bind-address=$(POD_IP)", "--port=0",
			"--lister-kubeconfig=" + podKubeconfig, "--authentication-kubeconfig=" + podKubeconfig, "--authorization-kubeconfig=" + podKubeconfig,
			"--metrics-service-address=" + operator + ":9666",
			"--metrics-service-grpc-authority=keda-operator.keda.svc.cluster.local"},
		"keda-admission": {"--metrics-bind-address=$(POD_IP):8080", "--health-probe-bind-address=$(POD_IP):8081",
			"--cert-dir=/certs", "--port=" + strconv.Itoa(ports.keda)},
	}
	before := append(secrets, adapterService(adapter)...)
	return l.shipped("keda", before, func(o *unstructured.Unstructured) (bool, error) {
		switch o.GetKind() {
		case "Deployment":
			if o.GetName() == "keda-admission" {
				if err := recreate(o); err != nil {
					return false, err
				}
			}
			return true, editContainer(o, extra[o.GetName()])
		case "Service":
			switch o.GetName() {
			case "keda-admission-webhooks":
				return true, unprivileged(o, int64(ports.keda))
			case "keda-metrics-apiserver":
				o.Object["spec"] = map[string]any{"type": "ExternalName", "externalName": adapter}
				return true, nil
			case "keda-operator":
				return true, unstructured.SetNestedField(o.Object, operator, "spec", "clusterIP")
			}
		case "CustomResourceDefinition":
			return false, nil // applied before
		case "APIService":
			if err := unstructured.SetNestedField(o.Object, int64(6443), "spec", "service", "port"); err != nil {
				return false, err
			}
			return true, unstructured.SetNestedField(o.Object, l.caBundle(), "spec", "caBundle")
		}
		return true, l.trustWebhooks(o)
	})
}

// kedaSecrets are KEDA's certificates: as a server, and as a client of the scaler.
func (l *Lab) kedaSecrets() ([]byte, error) {
	server, err := l.pki.ca.Issue(pkix.Name{CommonName: "keda"},
		"keda-operator.keda.svc.cluster.local", "keda-operator.keda.svc", "keda-metrics-apiserver.keda.svc", "keda-admission-webhooks.keda.svc")
	if err != nil {
		return nil, err
	}
	own := config.KEDASecret("keda")
	client, err := l.pki.ca.Issue(pkix.Name{CommonName: "keda"}, own.Hosts...)
	if err != nil {
		return nil, err
	}
	return append(l.tlsSecret("keda", "kedaorg-certs", server), l.tlsSecret(own.Namespace, own.Name, client)...), nil
}

// adapterService leads to KEDA's adapter. The API server calls an aggregated API
// only if its Service has endpoints, which cannot be loopback addresses, or is an
// ExternalName: so the shipped Service becomes one, and names this one's address.
func adapterService(clusterIP string) []byte {
	return fmt.Appendf(nil, "apiVersion: v1\nkind: Service\nmetadata:\n  name: keda-metrics-apiserver-pods\n  namespace: keda\nspec:\n"+
		"  clusterIP: %s\n  selector:\n    app: keda-metrics-apiserver\n  ports:\n    - port: 6443\n---\n", clusterIP)
}

// kserveManifest is KServe as shipped, with the lab in the place of cert-manager
// and without the kube-rbac-proxy sidecar, which serves metrics only.
func (l *Lab) kserveManifest(ports webhookPorts) ([]byte, error) {
	certs, err := l.pki.ca.Issue(pkix.Name{CommonName: "kserve"}, "kserve-webhook-server-service.kserve.svc")
	if err != nil {
		return nil, err
	}
	settings, err := manifests.ReadFile("manifests/kserve-config.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading KServe's configuration: %w", err)
	}
	before := append(l.tlsSecret("kserve", "kserve-webhook-server-cert", certs), settings...)
	return l.shipped("kserve", before, func(o *unstructured.Unstructured) (bool, error) {
		switch o.GetKind() {
		case "CustomResourceDefinition", "Certificate", "Issuer":
			return false, nil
		case "Deployment":
			if err := recreate(o); err != nil {
				return false, err
			}
			args := []any{"--metrics-addr=$(POD_IP):8080", "--health-probe-addr=$(POD_IP):8081", "--webhook-port=" + strconv.Itoa(ports.kserve)}
			return true, editContainer(o, args)
		case "Service":
			if o.GetName() == "kserve-webhook-server-service" {
				return true, unprivileged(o, int64(ports.kserve))
			}
		}
		return true, l.trustWebhooks(o)
	})
}

// shipped reads the manifest that 'make lab' rendered from the pinned module,
// and writes it changed, behind a namespace and what else must be there first.
func (l *Lab) shipped(name string, before []byte, edit change) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(l.cfg.Bin, "manifests", name+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest of %s: %w", name, err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n---\n", name)
	out.Write(before)
	dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		var raw runtime.RawExtension
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return out.Bytes(), nil
		} else if err != nil {
			return nil, fmt.Errorf("decoding the manifest of %s: %w", name, err)
		}
		if len(raw.Raw) == 0 || string(raw.Raw) == "null" {
			continue
		}
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(raw.Raw); err != nil { // integers stay integers
			return nil, fmt.Errorf("decoding the manifest of %s: %w", name, err)
		}
		keep, err := edit(o)
		if err != nil {
			return nil, fmt.Errorf("changing %s %s of %s: %w", o.GetKind(), o.GetName(), name, err)
		}
		if !keep {
			continue
		}
		text, err := sigsyaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("encoding %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		out.WriteString("\n---\n")
		out.Write(text)
	}
}

// editContainer adds args to the first container, where they win over the
// shipped ones, gives it POD_IP, and drops the sidecars.
func editContainer(o *unstructured.Unstructured, args []any) error {
	containers, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) == 0 {
		return fmt.Errorf("reading its containers: %w", err)
	}
	c, ok := containers[0].(map[string]any)
	if !ok {
		return errors.New("reading its first container: not an object")
	}
	old, _ := c["args"].([]any)
	kept := make([]any, 0, len(old)+len(args))
	for _, a := range old {
		if a != "--leader-elect" || o.GetNamespace() != "kserve" { // out of a cluster it finds no namespace for its lease
			kept = append(kept, a)
		}
	}
	c["args"] = append(kept, args...)
	env, _ := c["env"].([]any)
	c["env"] = append(env,
		map[string]any{"name": "POD_IP", "valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": "status.podIP"}}},
		map[string]any{"name": "KEDA_CLUSTER_OBJECT_NAMESPACE", "value": o.GetNamespace()}) // KEDA reads a file that only a container has
	return unstructured.SetNestedSlice(o.Object, []any{c}, "spec", "template", "spec", "containers")
}

// recreate stops the old pod before the new one starts: both would bind the same port.
func recreate(o *unstructured.Unstructured) error {
	return unstructured.SetNestedMap(o.Object, map[string]any{"type": "Recreate"}, "spec", "strategy")
}

// webhookPort takes the place of 443 in webhooks and their Services: on its own
// address a user who is not root may not listen below 1024.
const webhookPort = int64(9443)

// unprivileged moves a webhook's Service to webhookPort and leads it to the port
// that its server has.
func unprivileged(o *unstructured.Unstructured, target int64) error {
	ports, _, err := unstructured.NestedSlice(o.Object, "spec", "ports")
	if err != nil {
		return err
	}
	for _, p := range ports {
		if entry, ok := p.(map[string]any); ok && entry["port"] == int64(443) {
			entry["port"], entry["targetPort"] = webhookPort, target
		}
	}
	return unstructured.SetNestedSlice(o.Object, ports, "spec", "ports")
}

// trustWebhooks does cert-manager's part: the webhooks' clients trust the lab's authority.
func (l *Lab) trustWebhooks(o *unstructured.Unstructured) error {
	hooks, found, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil || !found {
		return err
	}
	for _, h := range hooks {
		hook, _ := h.(map[string]any)
		if err := unstructured.SetNestedField(hook, l.caBundle(), "clientConfig", "caBundle"); err != nil {
			return err
		}
		if err := unstructured.SetNestedField(hook, webhookPort, "clientConfig", "service", "port"); err != nil {
			return err
		}
	}
	return unstructured.SetNestedSlice(o.Object, hooks, "webhooks")
}

func (l *Lab) caBundle() string { return base64.StdEncoding.EncodeToString(l.pki.ca.PEM) }

func (l *Lab) tlsSecret(namespace, name string, p authority.Pair) []byte {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\ntype: kubernetes.io/tls\ndata:\n  ca.crt: %s\n  tls.crt: %s\n  tls.key: %s\n---\n",
		name, namespace, b64(l.pki.ca.PEM), b64(p.Certificate), b64(p.Key))
}
