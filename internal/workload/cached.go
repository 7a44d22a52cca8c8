package workload

import "fmt"

// withCached lets every prompt begin with the same text, which takes a share of it: so much
// is in the prefix cache of an engine that has read a prompt as long before. Most traces do
// not say which prompts begin alike, and how soon a first token comes depends on it.
func (w Workload) withCached(share float64) (Workload, error) {
	switch {
	case share > 1:
		return Workload{}, fmt.Errorf("cached=%v: must be from 0 to 1, the share of each prompt that is known", share)
	case w.Alike == SomeAlike:
		return Workload{}, fmt.Errorf("cached=%v: the prompts begin alike by what the workload says itself: leave it out", share)
	}
	open := w.Open
	w.Alike = SomeAlike
	w.Open = func(seed uint64) Source { return &cachedSource{open(seed), share} }
	return w, nil
}

type cachedSource struct {
	Source
	share float64
}

// commonText is no content that a trace or a generator draws.
const commonText = 0x636f6d6d6f6e

func (c *cachedSource) Next() (Request, bool) {
	r, ok := c.Source.Next()
	if until := int(c.share * float64(r.Input)); ok && until > 0 {
		r.Prefix = []Share{{commonText, until}}
	}
	return r, ok
}
