package manifest_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
)

const scaledText = `# a comment
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: a
  namespace: demo
  annotations: {x/y.z: "1"}
spec:
  scaleTargetRef: &target {name: b}
  minReplicaCount: 3
  triggers:
  - type: cron
    metadata: {timezone: UTC, desiredReplicas: "3"}
  - &first
    type: prometheus
    metadata: {threshold: '16'}
  - *first
  fallback: &low {failureThreshold: 3, replicas: 2}
  advanced:
    scalingModifiers:
      <<: [*low, {formula: x}]
      target: '3'
`

func read(t *testing.T, text string) []*manifest.Document {
	t.Helper()
	docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// INV-1: each field has the line of its key, in lists, behind aliases and merges too.
func TestAt(t *testing.T) {
	d := read(t, scaledText)[0]
	for path, want := range map[string]struct {
		line int
		text string
	}{
		"": {2, ""}, "kind": {3, "ScaledObject"}, "metadata.annotations[x/y.z]": {7, "1"}, "spec.nothing.at": {8, ""},
		"spec.triggers": {11, ""}, "spec.triggers[0].metadata.desiredReplicas": {13, "3"}, "spec.triggers[1]": {14, ""},
		"spec.triggers[1].metadata.threshold": {16, "16"}, "spec.triggers[2]": {17, ""}, "spec.triggers[2].metadata.threshold": {16, "16"},
		"spec.triggers[9].type": {11, ""}, "spec.advanced.scalingModifiers.formula": {21, "x"}, "spec.advanced.scalingModifiers.replicas": {18, "2"},
		"spec.advanced.scalingModifiers.target": {22, "3"}, "spec.minReplicaCount.x": {10, ""},
	} {
		f := d.At(path)
		if f.Line() != want.line || f.Text() != want.text || f.Path() != path {
			t.Errorf("At(%s) = %s:%d %q, want %d %q", path, f.Path(), f.Line(), f.Text(), want.line, want.text)
		}
	}
	var paths []string
	d.Get("spec", "triggers").Scalars(func(f manifest.Field) { paths = append(paths, f.Path()) })
	want := []string{"spec.triggers[0].type", "spec.triggers[0].metadata.timezone", "spec.triggers[0].metadata.desiredReplicas", "spec.triggers[1].type", "spec.triggers[1].metadata.threshold"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("Scalars: -want +got\n%s", diff)
	}
}

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"several": {scaledText + "---\n# nothing\n---\n~\n---\nkind: Other\n", []string{"2 ScaledObject demo/a", "28 Other"}},
		"windows": {strings.ReplaceAll(scaledText, "\n", "\r\n"), []string{"2 ScaledObject demo/a"}},
		"a list":  {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {generateName: p-}\n-\n", []string{"4 Pod p-"}},
		"JSON":    {"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\n\"metadata\":{\"name\":\"a\"}}", []string{"1 Deployment a"}},
	} {
		var got []string
		for _, d := range read(t, tc.text) {
			got = append(got, strconv.Itoa(d.Line)+" "+d.String())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: Read: -want +got\n%s", name, diff)
		}
	}
}

// As the API server reads it: autoscaling is not autoScaling.
func TestIntoCase(t *testing.T) {
	var got struct {
		MinReplicas int `json:"minReplicas"`
	}
	if err := read(t, "kind: A\nminreplicas: 3\n")[0].Into(&got); err != nil || got.MinReplicas != 0 {
		t.Errorf("Into reads minreplicas as %d, %v, want 0", got.MinReplicas, err)
	}
}

// What kubectl does not take either, with a bound on what aliases may make of it.
func TestReadRefuses(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'l'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+", ", 9), ", ") + "]\n"
	}
	const object = " | a manifest is an object with apiVersion, kind and metadata; put --- between several, or make them the items of a kind: List"
	for text, want := range map[string]string{
		"a: [1\nb":                           "reading f.yaml: line 2: did not find expected ',' or ']' | it must be YAML or JSON as kubectl takes it",
		"a: {{ .Values.a }}\nb: {{- if x }}": "reading f.yaml: line 1: did not find expected node content | it looks like a template; render it first: helm template …, and give what that prints with -f -",
		"\x00\x01":                           "reading f.yaml: control characters are not allowed | it must be YAML or JSON as kubectl takes it",
		"a: 1\na: 2":                         "reading f.yaml: unmarshal errors:\n  line 2: mapping key \"a\" already defined at line 1 | it must be YAML or JSON as kubectl takes it",
		"a: &a [*a]":                         "reading f.yaml: anchor 'a' value contains itself | it must be YAML or JSON as kubectl takes it",
		"kind: A\n---\n- kind: A\n":          "reading f.yaml: line 3: a list, where an object is expected" + object,
		"just text":                          "reading f.yaml: line 1: a value, where an object is expected" + object,
		"kind: List\nitems: [{kind: A}, 3]":  "reading f.yaml: line 2: a value, where an object is expected" + object,
		bomb:                                 "reading f.yaml: document contains excessive aliasing | it must be YAML or JSON as kubectl takes it",
		strings.Repeat("[", 20000):           "reading f.yaml: exceeded max depth of 10000 | it must be YAML or JSON as kubectl takes it",
	} {
		_, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(text)})
		if got := said(err); got != want {
			t.Errorf("Read(%.40q) = %s\nwant %s", text, got, want)
		}
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error() + " | " + strings.Join(hint.Of(err), "; ")
}

// INV-1, INV-3: no input makes it fail otherwise than by an error, and what is read is
// bounded.
func FuzzRead(f *testing.F) {
	f.Add(scaledText)
	f.Add("a: &a [*a]\nkind: &b {<<: *b}")
	f.Add("apiVersion: v1\nkind: List\nitems: &i [*i, {apiVersion: keda.sh/v1alpha1, kind: ScaledObject, spec: &s {<<: [*s, *s], triggers: *i}}]")
	f.Add("apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: 3}\nspec: {predictor: {minReplicas: [], autoscaling: {metrics: 4}}}")
	f.Add("apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{name: 3, imge: x, resources: {limits: {a: q}}}]}}}")
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := manifest.Read(manifest.File{Name: "f", Text: []byte(text)})
		if err != nil {
			return
		}
		schemas := manifest.NewSchemas()
		for _, d := range docs {
			unknown, refused := schemas.Check(d)
			_, more, wrong := manifest.Strict[deployment](d)
			for _, list := range [][]*manifest.Fault{unknown, refused, more, wrong} {
				for _, fault := range list {
					if fault.What == "" || fault.Fix == "" || d.At(fault.Path).Line() < 1 || fault.Error() == "" {
						t.Errorf("fault %+v says too little", fault)
					}
				}
			}
		}
	})
}
