package manifest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/flyball-dev/flyball/internal/manifest"
)

type deployment = appsv1.Deployment

func faults(list ...[]*manifest.Fault) string {
	var all []string
	for _, some := range list {
		for _, f := range some {
			all = append(all, f.Error()+" | "+f.Fix)
		}
	}
	return strings.Join(all, "\n")
}

// INV-2: what the custom resources' own schemas do not have or do not take.
func TestCheck(t *testing.T) {
	good := strings.Replace(scaledText, "<<: [*low, {formula: x}]", "formula: x", 1)
	for _, tc := range []struct{ old, with, want string }{
		{"", "", ""},
		{"formula: x", "<<: [*low, {formula: x}]", "f.yaml:18: ScaledObject demo/a: spec.advanced.scalingModifiers.failureThreshold: there is no such field | check its spelling and its place, or remove it\n" +
			"f.yaml:18: ScaledObject demo/a: spec.advanced.scalingModifiers.replicas: there is no such field | check its spelling and its place, or remove it"},
		{"minReplicaCount", "minReplicaCont", "f.yaml:10: ScaledObject demo/a: spec.minReplicaCont: there is no such field | did you mean minReplicaCount?"},
		{"minReplicaCount: 3", "minReplicaCount: three", `f.yaml:10: ScaledObject demo/a: spec.minReplicaCount: "three" is not a whole number | write a whole number`},
		{"threshold: '16'", "threshold: 16", "f.yaml:16: ScaledObject demo/a: spec.triggers[1].metadata.threshold: \"16\" is not text | quote it: '16'\n" +
			"f.yaml:16: ScaledObject demo/a: spec.triggers[2].metadata.threshold: \"16\" is not text | quote it: '16'"},
		{"type: cron", "typ: cron", "f.yaml:12: ScaledObject demo/a: spec.triggers[0].typ: there is no such field | did you mean type?\n" +
			"f.yaml:12: ScaledObject demo/a: spec.triggers[0].type: is required | give it"},
		{"minReplicaCount: 3", "fallback2: {}\n  pollingInterval: [1]", "f.yaml:10: ScaledObject demo/a: spec.fallback2: there is no such field | did you mean fallback?\n" +
			"f.yaml:11: ScaledObject demo/a: spec.pollingInterval: a list is not a whole number | write a whole number"},
		{"kind: ScaledObject", "kind: ScaledJob", ""},
	} {
		text := strings.Replace(good, tc.old, tc.with, 1)
		unknown, refused := manifest.NewSchemas().Check(read(t, text)[0])
		if diff := cmp.Diff(tc.want, faults(unknown, refused)); diff != "" {
			t.Errorf("%s: Check: -want +got\n%s", tc.with, diff)
		}
	}
}

// A kind of Kubernetes' own is read as its API server does.
func TestStrict(t *testing.T) {
	const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: proxy
        args: [a]
      - name: server
        image: x
`
	for _, tc := range []struct{ old, with, want string }{
		{"", "", ""},
		{"image: x", "imge: x", "f.yaml:12: Deployment a: spec.template.spec.containers[1].imge: there is no such field | did you mean image?"},
		{"image: x", "args: x", `f.yaml:12: Deployment a: spec.template.spec.containers[1].args: "x" is not a list | write a list`},
		{"replicas: 2", "replicas: many", `f.yaml:5: Deployment a: spec.replicas: "many" is not a whole number | write a whole number`},
		{"name: server", "name: 3", `f.yaml:11: Deployment a: spec.template.spec.containers[1].name: "3" is not text | quote it: '3'`},
		{"image: x", "resources: {limits: {cpu: x}}", "f.yaml:1: Deployment a: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' | correct the value; kubectl explain shows what it may be"},
	} {
		got, unknown, refused := manifest.Strict[deployment](read(t, strings.Replace(text, tc.old, tc.with, 1))[0])
		if diff := cmp.Diff(tc.want, faults(unknown, refused)); diff != "" {
			t.Errorf("%s: Strict: -want +got\n%s", tc.with, diff)
		}
		if tc.want == "" && (*got.Spec.Replicas != 2 || len(got.Spec.Template.Spec.Containers) != 2) {
			t.Errorf("Strict = %+v", got)
		}
	}
}

// The schemas are those of the versions that the lab pins; make schemas writes them.
func TestSchemasAreThePinnedOnes(t *testing.T) {
	names, err := filepath.Glob("schemas/*.json.gz")
	if err != nil || len(names) != 6 {
		t.Fatalf("%d schemas, %v, want 6", len(names), err)
	}
	for _, name := range names {
		compressed, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := manifest.Unpack(compressed)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		module, version, _ := strings.Cut(file.Source, " ")
		lab := map[string]string{"github.com/kserve/kserve": "kserve", "github.com/kedacore/keda/v2": "keda"}[module]
		gomod, err := os.ReadFile(filepath.Join("..", "..", "lab", lab, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(module+" "+version) + `\b`).Match(gomod) {
			t.Errorf("%s is of %s, which lab/%s/go.mod does not pin: make schemas", name, file.Source, lab)
		}
	}
}
