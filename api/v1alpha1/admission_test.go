//go:build e2e

package v1alpha1

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"
)

const stated = `
apiVersion: flyball.dev/v1alpha1
kind: InferenceAutoscaler
metadata: {name: llama, namespace: default}
spec:
  targetRef: {apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, name: llama}
  replicas: {min: 0, max: 8}
  objectives:
    - {metric: ttft, quantile: 0.9, target: 3s}
    - {metric: tpot, quantile: 0.9, target: 100ms}
  engine: keda
`

// apiServer is a real one of bin/lab, with the custom resource.
func apiServer(t *testing.T) client.Client {
	t.Helper()
	assets, err := filepath.Abs("../../bin/lab")
	if err != nil {
		t.Fatal(err)
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory: assets, ControlPlaneStartTimeout: 2 * time.Minute, ControlPlaneStopTimeout: time.Minute,
		CRDInstallOptions: envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{customResource(t)}},
	}
	config, err := env.Start()
	if err != nil {
		t.Fatalf("starting bin/lab/etcd and bin/lab/kube-apiserver: %v (build them with 'make lab')", err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Errorf("stopping the API server: %v", err)
		}
	})
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// object is the one above after replacements "old", "new", ….
func object(t *testing.T, replace ...string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	text := strings.NewReplacer(replace...).Replace(stated)
	if len(replace) > 0 && text == stated {
		t.Fatalf("%q is not in the object", replace[0])
	}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

// INV-2: what a real API server says.
func TestAdmission(t *testing.T) {
	c := apiServer(t)
	scheduled := func(schedule string, replace ...string) []string {
		return append(replace, "  targetRef:", "  schedules: [{name: office, start: 0 8 * * 1-5, end: 0 18 * * 1-5"+schedule+"}]\n  targetRef:")
	}
	deployment := []string{"serving.kserve.io/v1beta1, kind: InferenceService", "apps/v1, kind: Deployment"}
	for name, tc := range map[string]struct {
		replace []string
		want    string // in the refusal; "": it is taken
	}{
		"as documented":     {nil, ""},
		"a Deployment":      {append(deployment, "min: 0", "min: 1"), ""},
		"a StatefulSet":     {[]string{"serving.kserve.io/v1beta1, kind: InferenceService", "apps/v1, kind: StatefulSet", "min: 0", "min: 1"}, ""},
		"parts of a second": {[]string{"target: 3s", "target: 1m1.5s"}, ""},
		"asleep alone":      {deployment, "spec: Invalid value: replicas.min: at 0 nothing wakes a Deployment"},
		"another kind":      {[]string{"kind: InferenceService", "kind: ReplicaSet"}, `spec.targetRef.kind: Unsupported value: "ReplicaSet"`},
		"another version":   {[]string{"serving.kserve.io/v1beta1", "serving.kserve.io/v1alpha1"}, "spec.targetRef: Invalid value: apiVersion: it is serving.kserve.io/v1beta1"},
		"no name":           {[]string{"name: llama}\n  replicas", "name: \"\"}\n  replicas"}, "spec.targetRef.name"},
		"bounds":            {[]string{"min: 0, max: 8", "min: 9, max: 8"}, "spec.replicas: Invalid value: max: it is below min"},
		"none at most":      {[]string{"max: 8", "max: 0"}, "spec.replicas.max: Invalid value: 0"},
		"no objective":      {[]string{"objectives:\n    - {metric: ttft, quantile: 0.9, target: 3s}\n    - {metric: tpot, quantile: 0.9, target: 100ms}", "objectives: []"}, "spec.objectives"},
		"one metric twice":  {[]string{"metric: tpot", "metric: ttft"}, "spec.objectives[1]: Duplicate value"},
		"another metric":    {[]string{"metric: tpot", "metric: e2e"}, `spec.objectives[1].metric: Unsupported value: "e2e"`},
		"two shares":        {[]string{"tpot, quantile: 0.9", "tpot, quantile: 0.99"}, "give all one quantile"},
		"a share of all":    {[]string{"quantile: 0.9", "quantile: 1"}, "spec.objectives[0].quantile: Invalid value: 1: it is a share of the requests"},
		"a percentage":      {[]string{"quantile: 0.9", "quantile: 90"}, "as 0.9 for nine of ten"},
		"no unit":           {[]string{"target: 3s", `target: "3"`}, "spec.objectives[0].target: Invalid value: \"3\": it is a time above 0 with its unit"},
		"no time":           {[]string{"target: 3s", "target: 0s"}, "it is a time above 0"},
		"a word":            {[]string{"target: 3s", "target: soon"}, "as 3s, 1.5s or 100ms"},
		"advice":            {[]string{"engine: keda", "engine: advise"}, ""},
		"without KEDA":      {[]string{"engine: keda", "engine: native", "min: 0", "min: 1"}, ""},
		"native, asleep":    {[]string{"engine: keda", "engine: native"}, ""},
		"native, at night":  {scheduled(", min: 0", "min: 0, max: 8", "min: 1, max: 8", "  engine: keda", "  engine: native"), ""},
		"no pod to wake":    {append(deployment, "engine: keda", "engine: native"), "spec: Invalid value: replicas.min: at 0 nothing wakes a Deployment"},
		"another engine":    {[]string{"engine: keda", "engine: steam"}, `spec.engine: Unsupported value: "steam"`},
		"a schedule":        {scheduled(", timeZone: Europe/Berlin, min: 4"), ""},
		"one for nothing":   {scheduled(""), "spec.schedules[0]: Invalid value: it changes nothing; give min or max"},
		"one above the max": {scheduled(", min: 9"), "schedules: a max is below the min"},
		"one asleep":        {scheduled(", min: 0", append(deployment, "min: 0", "min: 1")...), "schedules: at a min of 0 nothing wakes a Deployment"},
		"a long name":       {[]string{"metadata: {name: llama", "metadata: {name: " + strings.Repeat("l", 55)}, "use at most 54 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.Create(t.Context(), object(t, tc.replace...), client.DryRunAll)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("Create() = %v, want %q", err, tc.want)
			}
		})
	}
}

// What is left out has the value that is documented.
func TestDefaults(t *testing.T) {
	c := apiServer(t)
	o := object(t, "min: 0, ", "", "\n  engine: keda", "")
	if err := c.Create(t.Context(), o, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
		t.Fatal(err)
	}
	engine, _, _ := unstructured.NestedString(o.Object, "spec", "engine")
	least, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas", "min")
	if engine != string(KEDA) || least != 1 {
		t.Errorf("engine %q and min %d, want keda and 1", engine, least)
	}
}
