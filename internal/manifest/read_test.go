package manifest_test

import (
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
)

type thing struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Replicas int `json:"replicas"`
		Items    []struct {
			Name string `json:"name"`
		} `json:"items"`
	} `json:"spec"`
}

const thingText = `# a comment
apiVersion: v1
kind: Thing
metadata:
  name: a
  annotations: {x/y.z: "1"}
spec:
  replicas: 3
  items:
  - &first {name: b}
  - *first
`

// INV-1, INV-2: a fault has file, line, object and field, and the nearest field.
func TestDecode(t *testing.T) {
	for _, tc := range []struct{ old, with, want string }{
		{"", "", ""},
		{"replicas: 3", "replica: 3", "f.yaml:8: Thing default/a: spec.replica: there is no such field, or none that can be simulated | did you mean replicas?"},
		{"replicas: 3", "replicas: three", `f.yaml:8: Thing default/a: spec.replicas: "three" is not a whole number | write a whole number`},
		{`"1"`, "1", `f.yaml:6: Thing default/a: metadata.annotations[x/y.z]: "1" is not text | quote it: '1'`},
		{"replicas: 3", "replicas: 3\n  replicas: 4", "reading f.yaml: unmarshal errors:\n  line 9: mapping key \"replicas\" already defined at line 8 | it must be YAML or JSON as kubectl takes it"},
		{"items:", "items: 4\n  others:", `f.yaml:9: Thing default/a: spec.items: "4" is not a list | write a list`},
	} {
		docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(strings.Replace(thingText, tc.old, tc.with, 1))})
		if err == nil {
			_, err = manifest.Decode[thing](docs[0])
		}
		got := ""
		if err != nil {
			got = err.Error() + " | " + strings.Join(hint.Of(err), "; ")
		}
		if got != tc.want {
			t.Errorf("%s: Decode = %s\nwant %s", tc.with, got, tc.want)
		}
	}
}

func TestLine(t *testing.T) {
	docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(thingText)})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"": 2, "kind": 3, "metadata.annotations[x/y.z]": 6, "spec.items[0].name": 10, "spec.items[1]": 11, "spec.nothing.at": 7,
	} {
		if got := docs[0].Line(path); got != want {
			t.Errorf("Line(%q) = %d, want %d", path, got, want)
		}
	}
}
