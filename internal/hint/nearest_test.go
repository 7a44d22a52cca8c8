package hint_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
)

func TestNearest(t *testing.T) {
	names := []string{"hpa", "keda", "kpa", "static", "qwen3-14b-h100", "qwen3-32b-h100-tp2"}
	for word, want := range map[string]string{
		"hpx": "hpa", "KEDA": "keda", "statik": "static", "qwen3-14b": "qwen3-14b-h100", "qwen-14b-h100": "qwen3-14b-h100",
		"something-else": "", "": "", "z": "", "kqq": "", "kead": "keda",
	} {
		if got := hint.Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestMeant(t *testing.T) {
	err := errors.New("no such law")
	for word, want := range map[string]string{"hpx": "did you mean hpa? flyball laws lists them", "zzzzzzzz": "flyball laws lists them"} {
		if diff := cmp.Diff([]string{want}, hint.Of(hint.Meant(err, word, []string{"hpa"}, "flyball laws lists them"))); diff != "" {
			t.Errorf("Meant(%q): -want +got\n%s", word, diff)
		}
	}
}
