package simulate

import (
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/score"
)

// fault is why a contender's figures say nothing of what scales, and what to do; nil if they
// do.
func (c *Contender) fault() error {
	ready := Over(c.Results, func(r score.Result) float64 { return r.AverageReady })
	switch {
	case ready.Mean == 0:
		return hint.With(fmt.Errorf("%s: no replica was ever ready, and every request failed", c.Name),
			"a minimum of 1, or Flyball's gateway, which wakes a service of class external (docs/gateway.md)")
	case c.blind == len(c.Results):
		return hint.With(fmt.Errorf("%s: it never read a value: nothing answered %s", c.Name, strings.Join(c.unread, ", ")),
			"a query must select the series of this service by its labels, and make one of all pods' by sum() or avg(): KEDA refuses several (docs/simulate.md)")
	}
	return nil
}

// Faults are of the contenders whose figures say nothing; whole tells that it is so of what
// the manifests say, or of all. Partly blind ones have a warning.
func (c *Comparison) Faults() (faults []error, warnings []string, whole bool) {
	for _, one := range c.Contenders {
		switch err := one.fault(); {
		case err != nil:
			faults = append(faults, err)
			whole = whole || one.own
		case len(one.unread) > 0:
			warnings = append(warnings, fmt.Sprintf("%s: nothing ever answered %s", one.Name, strings.Join(one.unread, ", ")))
		}
	}
	return faults, warnings, whole || len(faults) > 0 && len(faults) == len(c.Contenders)
}
