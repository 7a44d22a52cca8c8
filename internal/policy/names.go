package policy

import (
	"maps"
	"slices"

	"github.com/flyball-dev/flyball/internal/hint"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// meant is how to fix a name that is none of those known.
func meant(given string, names []string) string {
	if near := hint.Nearest(given, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "check its spelling and its place, or remove it"
}
