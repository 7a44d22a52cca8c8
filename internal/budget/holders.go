package budget

import (
	"cmp"
	"maps"
	"slices"
)

// The holders that are no service and no namespace.
const (
	others = "others"
	rest   = "the rest"
	kept   = "kept for a higher priority"
)

// mostHolders is how many are told by name.
const mostHolders = 4

// tell says of each that is short which pool it was, and who has it.
func (s *sharing) tell() {
	told := make([][]Holder, len(s.pools))
	for i, w := range s.wants {
		g := &s.grants[i]
		if g.Replicas >= g.Wanted {
			continue
		}
		for _, p := range s.drawn[i] {
			if !s.full(p, w) {
				continue
			}
			if told[p] == nil {
				told[p] = s.holders(p)
			}
			g.Pool, g.Size, g.Holders = s.pools[p].Name, max(s.pools[p].GPUs, 0), told[p]
			if s.left[p] > 0 && s.kept[p] > w.Priority {
				g.Holders = append(slices.Clip(told[p]), Holder{kept, s.left[p]})
			}
			break
		}
	}
}

// holders are those of a pool, from the one with the most GPUs on.
func (s *sharing) holders(p int) []Holder {
	pool, has := s.pools[p], map[string]int{}
	for i, w := range s.wants {
		switch {
		case !pool.draws(w):
		case pool.Namespace == "": // what other namespaces run is not everybody's to know
			has[w.Namespace] += s.held(i)
		default:
			has[w.Name] += s.held(i)
		}
	}
	all := []Holder{}
	for _, name := range slices.Sorted(maps.Keys(has)) {
		if has[name] > 0 {
			all = append(all, Holder{name, has[name]})
		}
	}
	slices.SortStableFunc(all, func(a, b Holder) int { return cmp.Compare(b.GPUs, a.GPUs) })
	if len(all) > mostHolders {
		sum := Holder{Name: rest}
		for _, h := range all[mostHolders-1:] {
			sum.GPUs += h.GPUs
		}
		all = append(all[:mostHolders-1], sum)
	}
	if s.others[p] > 0 {
		all = append(all, Holder{others, s.others[p]})
	}
	return all
}

// held are the GPUs of a want: of what it is granted, and of pods that end.
func (s *sharing) held(i int) int {
	w := s.wants[i]
	return (s.grants[i].Replicas + max(w.Pods-w.Has, 0)) * w.GPUs
}
