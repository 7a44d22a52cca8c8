package workload

import "time"

// Part is what arrives between two times, the first of which is then the start. Of a
// workload that drains there is none: when its requests arrive depends on the fleet.
func (w Workload) Part(from, until time.Duration) Workload {
	open := w.Open
	w.Requests *= float64(until-from) / float64(w.Span)
	w.Span = until - from
	w.Open = func(seed uint64) Source { return &part{open(seed), from, until} }
	return w
}

type part struct {
	whole       Source
	from, until time.Duration
}

func (p *part) Next() (Request, bool) {
	for {
		r, ok := p.whole.Next()
		if !ok || r.At >= p.until {
			return Request{}, false
		}
		if r.At >= p.from {
			r.At -= p.from
			return r, true
		}
	}
}
