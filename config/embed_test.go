package config

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

func load(t *testing.T, name string, into any) {
	t.Helper()
	data, err := fs.ReadFile(Files, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("reading %s: %v", name, err)
	}
}

// The same rules stand in two files, because kustomize cannot wrap one in the other.
func TestRulesAreTheSame(t *testing.T) {
	for _, name := range []string{"prometheus/rules.yaml", "monitoring/alerts.yaml"} {
		var plain struct{ Groups any }
		var operators struct{ Spec struct{ Groups any } }
		load(t, name, &plain)
		load(t, path.Join(path.Dir(name), "prometheusrule.yaml"), &operators)
		if diff := cmp.Diff(plain.Groups, operators.Spec.Groups); plain.Groups == nil || diff != "" {
			t.Errorf("%s and prometheusrule.yaml: -plain +operator's\n%s", name, diff)
		}
	}
}

// A node that ends, or is drained, leaves one replica of each.
func TestOneReplicaStays(t *testing.T) {
	for _, name := range []string{"manager", "gateway", "scaler"} {
		var d appsv1.Deployment
		load(t, name+"/deployment.yaml", &d)
		var b policyv1.PodDisruptionBudget
		load(t, name+"/disruption-budget.yaml", &b)
		spread := d.Spec.Template.Spec.TopologySpreadConstraints
		if *d.Spec.Replicas != 2 || len(spread) != 1 || spread[0].TopologyKey != corev1.LabelHostname {
			t.Errorf("%s: %d replicas, spread by %v, want 2 by node", name, *d.Spec.Replicas, spread)
		}
		if b.Spec.MinAvailable.IntValue() != 1 || !cmp.Equal(b.Spec.Selector, d.Spec.Selector) || !cmp.Equal(spread[0].LabelSelector, d.Spec.Selector) {
			t.Errorf("%s: budget = %+v, spread = %+v, want those of %v", name, b.Spec, spread, d.Spec.Selector)
		}
	}
}

// What the pod security standard "restricted" asks for, and a root that is read-only.
func TestDeploymentsAreRestricted(t *testing.T) {
	for _, name := range []string{"manager", "gateway", "scaler"} {
		var d appsv1.Deployment
		load(t, name+"/deployment.yaml", &d)
		pod := d.Spec.Template.Spec
		// A volume of the pod's own has a bound, or it could fill the node's disk.
		other := slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool {
			return v.Projected == nil && (v.EmptyDir == nil || v.EmptyDir.SizeLimit == nil)
		})
		if pod.HostNetwork || pod.HostPID || other || len(pod.Containers) != 1 {
			t.Errorf("%s: pod = %+v, want restricted", name, pod)
		}
		want := corev1.PodSecurityContext{
			RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}
		if diff := cmp.Diff(want, *pod.SecurityContext); diff != "" {
			t.Errorf("%s: pod: -want +got\n%s", name, diff)
		}
		wantContainer := corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
		if diff := cmp.Diff(wantContainer, *pod.Containers[0].SecurityContext); diff != "" {
			t.Errorf("%s: container: -want +got\n%s", name, diff)
		}
	}
}

// No wildcard and no Secret in any role. Nothing writes a scale, unless the role for the engine
// native is added: KEDA takes what it finds at zero and has not scaled itself for a service that
// nobody asks for (K10), so what Flyball scales is never KEDA's.
func TestRolesAreNarrow(t *testing.T) {
	roles := 0
	err := fs.WalkDir(Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		text, err := fs.ReadFile(Files, name)
		if err != nil {
			return err
		}
		for doc := range bytes.SplitSeq(text, []byte("\n---\n")) {
			if narrow(t, name, doc) {
				roles++
			}
		}
		return nil
	})
	if err != nil || roles < 9 {
		t.Errorf("%d roles, %v, want at least 9", roles, err)
	}
}

// narrow checks the role in a document; false if there is none.
func narrow(t *testing.T, name string, doc []byte) bool {
	t.Helper()
	var r rbacv1.ClusterRole
	if !bytes.Contains(doc, []byte("Role\n")) || yaml.Unmarshal(doc, &r) != nil || len(r.Rules) == 0 {
		return false
	}
	for _, rule := range r.Rules {
		all := slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs)
		wide := slices.ContainsFunc(all, func(s string) bool {
			return s == "*" || s == "secrets" || strings.HasSuffix(s, "/scale") && name != "native/role.yaml"
		})
		if wide || len(rule.NonResourceURLs) > 0 {
			t.Errorf("%s: %s may %v, want no wildcard, no secrets and no scale", name, r.Name, rule)
		}
	}
	return true
}

// What a role may write is listed here, beside the Events that each may: who adds to it has a
// reason.
func TestRolesWrite(t *testing.T) {
	got := map[string][]string{}
	for _, name := range []string{"rbac/role.yaml", "scaler/role.yaml", "native/role.yaml"} {
		text, err := fs.ReadFile(Files, name)
		if err != nil {
			t.Fatal(err)
		}
		var r rbacv1.ClusterRole
		doc, _, _ := bytes.Cut(text, []byte("\n---\n"))
		if err := yaml.Unmarshal(doc, &r); err != nil || len(r.Rules) == 0 {
			t.Fatalf("%s: %d rules, %v", name, len(r.Rules), err)
		}
		for _, rule := range r.Rules {
			for _, verb := range rule.Verbs {
				if verb != "get" && verb != "list" && verb != "watch" && rule.Resources[0] != "events" {
					got[r.Name] = append(got[r.Name], verb+" "+strings.Join(rule.Resources, ", "))
				}
			}
		}
	}
	want := map[string][]string{
		"flyball-controller":    {"create scaledobjects", "patch scaledobjects", "delete scaledobjects"},
		"flyball-scaler-native": {"update deployments/scale, statefulsets/scale"},
		"flyball-scaler":        {"create tokenreviews", "patch inferenceautoscalers/status", "create scaledobjects", "patch scaledobjects", "delete scaledobjects"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what roles may write: -want +got\n%s", diff)
	}
}

// What names the same thing in several files: KEDA finds its certificate, and the scaler
// knows it by that.
func TestScalerNames(t *testing.T) {
	var a struct {
		Metadata struct{ Name string }
		Spec     struct {
			SecretTargetRef []struct{ Parameter, Name, Key string }
		}
	}
	load(t, "keda/trigger-authentication.yaml", &a)
	got := map[string]string{}
	for _, r := range a.Spec.SecretTargetRef {
		got[r.Parameter] = r.Name + "/" + r.Key
	}
	want := map[string]string{
		"caCert": KEDACertificate + "/ca.crt", "tlsClientCert": KEDACertificate + "/tls.crt", "tlsClientKey": KEDACertificate + "/tls.key",
	}
	if diff := cmp.Diff(want, got); diff != "" || a.Metadata.Name != Authentication {
		t.Errorf("ClusterTriggerAuthentication %s: -want +got\n%s", a.Metadata.Name, diff)
	}
	var d appsv1.Deployment
	load(t, "scaler/deployment.yaml", &d)
	if source := d.Spec.Template.Spec.Volumes[0].Projected.Sources[0].Secret; d.Name != Scaler || source.Name != ScalerCertificate {
		t.Errorf("Deployment %s mounts Secret %s, want %s and %s", d.Name, source.Name, Scaler, ScalerCertificate)
	}
	text, err := os.ReadFile("cert-manager/scaler/certificates.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"secretName: " + ScalerCertificate + "\n", "secretName: " + KEDACertificate + "\n", "- " + KEDAName + " ",
		"- " + Scaler + "." + Namespace + " ", "- " + Scaler + "." + Namespace + ".svc\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("cert-manager/scaler/certificates.yaml has no %q", want)
		}
	}
}
