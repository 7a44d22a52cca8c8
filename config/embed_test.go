package config

import (
	"io/fs"
	"path"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
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
	for _, name := range []string{"manager", "gateway"} {
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
	for _, name := range []string{"manager", "gateway"} {
		var d appsv1.Deployment
		load(t, name+"/deployment.yaml", &d)
		pod := d.Spec.Template.Spec
		other := slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Projected == nil })
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
