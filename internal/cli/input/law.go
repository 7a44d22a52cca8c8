package input

import (
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/law/spec"
)

// Law is the law that a text names: NAME or NAME:KEY=VALUE,….
func Law(text string) (spec.Spec, error) {
	name, parameters, _ := strings.Cut(text, ":")
	found, err := catalog.Find(name)
	if err == nil {
		return found, takesAll(found, parameters)
	}
	var names []string
	for _, s := range catalog.Specs() {
		names = append(names, s.Name)
	}
	return found, hint.Meant(fmt.Errorf("no law %q", name), name, names, "flyball laws lists them")
}

// takesAll says which of KEY=VALUE,… is no parameter of the law; catalog.Make says what is
// wrong with values.
func takesAll(s spec.Spec, parameters string) error {
	for pair := range strings.SplitSeq(parameters, ",") {
		key, _, ok := strings.Cut(pair, "=")
		if !ok || s.Takes(key) {
			continue
		}
		var names []string
		for _, p := range s.Params {
			names = append(names, p.Name)
		}
		return hint.Meant(fmt.Errorf("law %s has no parameter %q", s.Name, key), key, names, fmt.Sprintf("flyball laws %s shows them", s.Name))
	}
	return nil
}
