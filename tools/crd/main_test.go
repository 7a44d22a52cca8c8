package main

import (
	"os"
	"path/filepath"
	"testing"
)

// What is committed is what the types say (make crd).
func TestGenerated(t *testing.T) {
	out := t.TempDir()
	if err := generate(t.Context(), "../..", out, out); err != nil {
		t.Fatal(err)
	}
	for folder, name := range map[string]string{
		"../../config/crd": "flyball.dev_inferenceautoscalers.yaml", "../../api/v1alpha1": "zz_generated.deepcopy.go",
	} {
		want, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not what api/v1alpha1 says (make crd): %v", name, err)
		}
	}
}

// kubectl explain breaks lines itself, and keeps those that are broken.
func TestParagraphs(t *testing.T) {
	for text, want := range map[string]string{
		"one":                                   "one",
		"One is\nto be one.":                    "One is to be one.",
		"One.\nStill.\n\nTwo\ngoes on.":         "One. Still.\n\nTwo goes on.",
		"Any of:\n- one that\ngoes on\n- two":   "Any of:\n- one that goes on\n- two",
		"Any of:\n\n1. one\n2) two\n* three":    "Any of:\n\n1. one\n2) two\n* three",
		"As:\n  kubectl get ias\nshows\n-1 too": "As:\n  kubectl get ias shows -1 too",
	} {
		if got := paragraphs(text); got != want {
			t.Errorf("paragraphs(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestJoined(t *testing.T) {
	const crd = `---
spec:
  versions:
  - schema:
      description: |-
        So many of
        its requests.
      minimum: 1
      properties:
        description:
          description: |-
            A name.
      rule: |-
        a
        b
`
	const want = `---
spec:
  versions:
  - schema:
      description: So many of its requests.
      minimum: 1
      properties:
        description:
          description: A name.
      rule: |-
        a
        b
`
	if got, err := joined([]byte(crd)); err != nil || string(got) != want {
		t.Errorf("joined() = %s, %v, want\n%s", got, err, want)
	}
}
