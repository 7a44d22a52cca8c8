package explain

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// A Claimant is a service that serves a model.
type Claimant struct {
	Namespace, Name string
	Created         time.Time
	Claims          []string // model names that it claims within its namespace
}

// Owner is which of the services that serve a model gets the requests that name only the
// model: one of the namespace that had the name first; there the one that claims it, else
// the first. So no tenant takes a name from another, and a namespace's own may move it.
func Owner(model string, all []Claimant) Claimant {
	first := slices.MinFunc(all, older)
	var best *Claimant
	claims := func(c Claimant) bool { return slices.Contains(c.Claims, model) }
	for i := range all {
		c := &all[i]
		switch {
		case c.Namespace != first.Namespace:
		case best == nil, claims(*c) && !claims(*best), claims(*c) == claims(*best) && older(*c, *best) < 0:
			best = c
		}
	}
	return *best
}

func older(a, b Claimant) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// Assign leaves each model to its owner.
func Assign(all []Backend) []Backend {
	by := map[string][]Claimant{}
	claimant := func(b Backend) Claimant { return Claimant{b.Namespace, b.Name, b.Created, b.Claims} }
	for _, b := range all {
		for _, m := range b.Models {
			by[m] = append(by[m], claimant(b))
		}
	}
	assigned := slices.Clone(all)
	for i, b := range assigned {
		assigned[i].Models = slices.DeleteFunc(slices.Clone(b.Models), func(m string) bool {
			owner := Owner(m, by[m])
			return owner.Namespace != b.Namespace || owner.Name != b.Name
		})
	}
	return assigned
}

// Models are those that a pod's arguments say it serves, sorted; none where they cannot
// be told.
func Models(p *corev1.PodSpec) []string {
	models, _, err := served(p)
	if err != nil {
		return nil
	}
	return models
}
