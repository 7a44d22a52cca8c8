package scrape

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Service is what is scaled.
type Service struct{ Namespace, Name string }

// A family is what one query asks for.
type family struct {
	of      reading.Family
	signals []reading.Signal
	parts   []string // suffixes of the series' names, one for each signal
}

// families are those of the signals.
func families(signals []reading.Signal) ([]family, error) {
	var all []family
	for _, s := range signals {
		d := s.Definition()
		if d.Router || d.Func != reading.Last && !s.Cumulative() {
			return nil, fmt.Errorf("reading signal %v: only what a pod counts or shows is read, no window and no router", s)
		}
		i := slices.IndexFunc(all, func(f family) bool { return f.of == d.Family })
		if i < 0 {
			i = len(all)
			all = append(all, family{of: d.Family})
		}
		all[i].signals, all[i].parts = append(all[i].signals, s), append(all[i].parts, vllm.Suffix(s))
	}
	return all, nil
}

// spelled is a name's place: the name among those of the family, and the part.
type spelled struct{ rank, part uint8 }

// names are all that series of the family may be called.
func (f family) names() map[string]spelled {
	all := map[string]spelled{}
	for rank, name := range vllm.Names(f.of) {
		for part, suffix := range f.parts {
			if first := slices.Index(f.parts, suffix); first == part {
				all[name+suffix] = spelled{uint8(rank), uint8(part)}
			}
		}
	}
	return all
}

// query asks for the samples of the last time in some namespaces.
func (f family) query(namespaces []string, window string) string {
	var names, quoted []string
	for name := range f.names() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, n := range namespaces {
		quoted = append(quoted, regexp.QuoteMeta(n))
	}
	return fmt.Sprintf("{__name__=~%q,namespace=~%q}[%s]", strings.Join(names, "|"), strings.Join(quoted, "|"), window)
}
