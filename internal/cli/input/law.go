package input

import (
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/law"
)

// Law is the law that a text names: NAME or NAME:KEY=VALUE,….
func Law(text string) (law.Spec, error) {
	name, parameters, _ := strings.Cut(text, ":")
	spec, err := law.Find(name)
	if err == nil {
		return spec, takesAll(spec, parameters)
	}
	var names []string
	for _, s := range law.Specs() {
		names = append(names, s.Name)
	}
	return spec, hint.Meant(fmt.Errorf("no law %q", name), name, names, "flyball laws lists them")
}

// takesAll says which of KEY=VALUE,… is no parameter of the law; law.New says what is
// wrong with values.
func takesAll(spec law.Spec, parameters string) error {
	for pair := range strings.SplitSeq(parameters, ",") {
		key, _, ok := strings.Cut(pair, "=")
		if !ok || spec.Takes(key) {
			continue
		}
		var names []string
		for _, p := range spec.Params {
			names = append(names, p.Name)
		}
		return hint.Meant(fmt.Errorf("law %s has no parameter %q", spec.Name, key), key, names, fmt.Sprintf("flyball laws %s shows them", spec.Name))
	}
	return nil
}
