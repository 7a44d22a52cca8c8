package numbers

import (
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/manifest"
)

// INV-1.
func TestOfScaledObject(t *testing.T) {
	const triggers = "spec:\n  triggers:\n  - metadata: {threshold: \"4\"}\n  - metadata: {start: 0 8 * * *}\n  - metadata: {value: \"80\"}\n"
	for text, want := range map[string]string{
		triggers: "spec.triggers[0].metadata.threshold spec.triggers[2].metadata.value",
		triggers + "  advanced: {scalingModifiers: {formula: a, target: \"2\"}}\n": "spec.advanced.scalingModifiers.target",
		"spec: {triggers: [{metadata: {objectives: \"ttft:p90:3s\"}}]}\n":          "",
	} {
		docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte("apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\n" + text)})
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, f := range OfScaledObject(docs[0]) {
			paths = append(paths, f.Path())
		}
		if got := strings.Join(paths, " "); got != want {
			t.Errorf("OfScaledObject(%s) = %s, want %s", text, got, want)
		}
	}
}
