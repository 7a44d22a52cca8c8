package promsim

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// A store finds series by their labels. It is a storage.Queryable.
type store struct {
	families []*family // by name
	byName   map[string]*family
	byLabels map[string]*series
	reach    int64 // how far back any question goes
	swept    int64
	marks    uint64 // evaluations of rules so far
}

// A family is the series of one metric name by their labels: their order, and with it
// the last bit of a sum, is then no matter of what was forgotten.
type family struct {
	name   string
	series []*series
	// version changes whenever series does.
	version uint64
}

func newStore(reach int64) *store {
	return &store{byName: map[string]*family{}, byLabels: map[string]*series{}, reach: reach, swept: math.MinInt64}
}

func (st *store) family(name string) *family {
	f := st.byName[name]
	if f == nil {
		f = &family{name: name, version: 1}
		i, _ := slices.BinarySearchFunc(st.families, name, func(f *family, name string) int { return strings.Compare(f.name, name) })
		st.families = slices.Insert(st.families, i, f)
		st.byName[name] = f
	}
	return f
}

// write adds a sample to the series that ref points at, which from then on is found
// by queries; it is replaced by the one that already has its labels.
func (st *store) write(ref **series, t int64, v float64) {
	*ref = st.list(*ref)
	(*ref).add(t, v, st.reach)
}

// find is the series with these labels, or one that is not listed yet.
func (st *store) find(l labels.Labels) *series {
	if s := st.byLabels[string(l.Bytes(nil))]; s != nil {
		return s
	}
	return &series{lset: l}
}

func (st *store) list(s *series) *series {
	if s.listed {
		return s
	}
	key := string(s.lset.Bytes(nil))
	if other := st.byLabels[key]; other != nil {
		return other
	}
	s.family = st.family(s.lset.Get(model.MetricNameLabel))
	i, _ := slices.BinarySearchFunc(s.family.series, s.lset, func(s *series, l labels.Labels) int { return labels.Compare(s.lset, l) })
	s.family.series = slices.Insert(s.family.series, i, s)
	s.family.version++
	s.listed = true
	st.byLabels[key] = s
	return s
}

// sweep drops the series whose last sample no question reaches any more.
func (st *store) sweep(now int64) {
	if st.swept > now-st.reach {
		return
	}
	st.swept = now
	for _, f := range st.families {
		n := len(f.series)
		f.series = slices.DeleteFunc(f.series, func(s *series) bool {
			if s.newest() >= now-st.reach {
				return false
			}
			s.listed = false
			delete(st.byLabels, string(s.lset.Bytes(nil)))
			return true
		})
		if len(f.series) < n {
			f.version++
		}
	}
}

// match are the series with these labels, by name and labels.
func (st *store) match(matchers []*labels.Matcher) []*series {
	families := st.families
	if name := nameOf(matchers); name != "" {
		families = []*family{st.byName[name]}
	}
	var found []*series
	for _, f := range families {
		if f != nil {
			found = append(found, f.match(matchers)...)
		}
	}
	return found
}

func (f *family) match(matchers []*labels.Matcher) []*series {
	var found []*series
	for _, s := range f.series {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.lset.Get(m.Name)) }) {
			found = append(found, s)
		}
	}
	return found
}

// nameOf is the metric name that the matchers fix, or empty.
func nameOf(matchers []*labels.Matcher) string {
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// Querier makes the store a storage.Queryable.
func (st *store) Querier(int64, int64) (storage.Querier, error) { return querier{st}, nil }

type querier struct{ *store }

// Select returns whole series: the engine takes the samples that it asked for.
func (q querier) Select(_ context.Context, sorted bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	found := q.match(matchers)
	if sorted {
		slices.SortStableFunc(found, func(a, b *series) int { return labels.Compare(a.lset, b.lset) })
	}
	return &seriesSet{found, 0}
}

// LabelValues and LabelNames are asked for by nothing in PromQL that is switched on.
func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) Close() error { return nil }

type seriesSet struct {
	series []*series
	next   int
}

func (s *seriesSet) Next() bool                      { s.next++; return s.next <= len(s.series) }
func (s *seriesSet) At() storage.Series              { return s.series[s.next-1] }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }
