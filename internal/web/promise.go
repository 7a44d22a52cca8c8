package web

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/score"
)

// A Promise is the share of requests that are to meet all objectives, and the share that did.
type Promise struct {
	Share      float64     `json:"share"`
	Objectives []Objective `json:"objectives"`
	Kept       *float64    `json:"kept"` // null: not known, or no request
}

// An Objective is one latency.
type Objective struct {
	Metric string   `json:"metric"` // ttft, tpot
	Target float64  `json:"targetSeconds"`
	Kept   *float64 `json:"kept"` // the share that met this one
}

// A Subject is a service, as a Prometheus is asked about it.
type Subject struct {
	Service    string            // namespace/name
	Pods       string            // a regular expression of their names; "": those of the InferenceService
	Objectives []score.Objective // none: nothing is promised
}

// Kept is which share of the requests met each objective, and which all; NaN: there was none.
type Kept struct {
	Each []float64
	All  float64
}

// subjectOf is that of a row. Objectives that cannot be read promise nothing.
func subjectOf(r explain.Row) Subject {
	s := Subject{Service: id(r.Namespace, r.Name)}
	if len(r.Objectives) == 0 {
		return s
	}
	if p, refused := objective.Parse(strings.Join(r.Objectives, ",")); refused == nil {
		s.Objectives = p
	}
	if w := objective.ParseWorkload(r.Target); w != (objective.Workload{Kind: "Deployment", Name: kserve.PredictorName(r.Name)}) {
		s.Pods = w.Pods()
	}
	return s
}

// promise is what a subject promises; nil: nothing.
func (s Subject) promise() *Promise {
	if len(s.Objectives) == 0 {
		return nil
	}
	p := &Promise{Share: objective.Promise(s.Objectives).Share()}
	for _, o := range s.Objectives {
		p.Objectives = append(p.Objectives, Objective{Metric: o.Metric.String(), Target: o.Target.Seconds()})
	}
	return p
}

// keeps is the promise with what was kept of it.
func (p *Promise) keeps(k Kept) *Promise {
	if p == nil || len(k.Each) != len(p.Objectives) {
		return p
	}
	with := *p
	with.Kept, with.Objectives = share(k.All), slices.Clone(p.Objectives)
	for i := range with.Objectives {
		with.Objectives[i].Kept = share(k.Each[i])
	}
	return &with
}

// share is as it is shown, to a thousandth: finer, it would change each row at each look. It is
// rounded down: what is not kept is not shown as kept.
func share(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return new(math.Floor(1000*x+1e-6) / 1000)
}

const (
	// keptSpan is the time of which a row says what was kept, that of its line.
	keptSpan = trend
	// keptEvery is between two questions of what was kept.
	keptEvery = 30 * time.Second
)

// promises counts a service.
func (s *Strip) promises(one Service) {
	switch p := one.Promise; {
	case p == nil || one.Mode != autoscaler.ModeObjective:
		if one.Attention {
			s.Amiss++
		}
	case p.Kept == nil:
		s.Promised, s.Untold = s.Promised+1, s.Untold+1
	case *p.Kept >= p.Share:
		s.Promised, s.Keeping = s.Promised+1, s.Keeping+1
	default:
		s.Promised++
	}
}

// untold is a note of why it is not known what is kept.
func (b *book) untold() []Note {
	promised := slices.ContainsFunc(slices.Collect(maps.Values(b.pages)), func(p *page) bool { return p.service.Promise != nil })
	switch {
	case !promised:
		return nil
	case b.config.Keep == nil:
		return []Note{{Info, "promises", "what is kept of them is counted by a Prometheus, and none is named", "flyball dashboard --prometheus http://…"}}
	case b.unkept != "":
		return []Note{{Warn, "promises", "what is kept of them cannot be told: " + b.unkept, ""}}
	}
	return nil
}

// due are the rows with a promise, if it is time to ask what they keep.
func (b *book) due() (ids []string, subjects []Subject) {
	if b.view.At.Sub(b.asked) < keptEvery {
		return nil, nil
	}
	b.asked = b.view.At
	for _, key := range slices.Sorted(maps.Keys(b.pages)) {
		if s := b.pages[key].subject; len(s.Objectives) > 0 {
			ids, subjects = append(ids, key), append(subjects, s)
		}
	}
	return ids, subjects
}

// learn asks what is kept, for the next look to show. Where it cannot be told the rows say
// nothing of it, and a note says why.
func (s *Server) learn(ctx context.Context) {
	if s.config.Keep == nil {
		return
	}
	s.mu.Lock()
	ids, subjects := s.book.due()
	s.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	all, err := s.config.Keep(ctx, subjects, keptSpan)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.kept, s.book.unkept = map[string]Kept{}, ""
	if err != nil {
		s.book.unkept = err.Error()
		return
	}
	for i := range min(len(ids), len(all)) {
		s.book.kept[ids[i]] = all[i]
	}
}
