package promsim

import (
	"math"
	"strconv"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/schema"
)

// A vector has one place for every element that may be in a result, so that labels
// are worked out only when series come and go.
type vector struct {
	labels []labels.Labels
	values []float64
	has    []bool
	// version is that of the family the places were made for.
	version uint64
	// unsure is set where the order of equal bounds would matter: ask the engine.
	unsure bool
}

func unlabelledVector(v float64) vector {
	return vector{labels: []labels.Labels{labels.EmptyLabels()}, values: []float64{v}, has: []bool{true}}
}

// first is the element of a vector that has at most one.
func (v *vector) first() (float64, bool) {
	if len(v.has) == 0 || !v.has[0] {
		return 0, false
	}
	return v.values[0], true
}

func (v *vector) places(n int, version uint64) {
	*v = vector{labels: make([]labels.Labels, 0, n), values: make([]float64, n), has: make([]bool, n), version: version}
}

// A fixed is vector(c).
type fixed struct{ out vector }

func (f *fixed) eval(int64) *vector { return &f.out }

// A selector is the newest value of each series, or a function of its last samples.
type selector struct {
	family           *family
	matchers         []*labels.Matcher
	offset, lookback int64

	window int64 // 0: the newest value
	call   promql.FunctionCall
	args   parser.Expressions
	matrix promql.Matrix
	helper promql.EvalNodeHelper
	buf    []promql.FPoint

	series []*series
	out    vector
}

func (s *selector) eval(at int64) *vector {
	if s.out.version != s.family.version {
		s.series = s.family.match(s.matchers)
		s.out.places(len(s.series), s.family.version)
		for _, x := range s.series {
			l := x.lset
			if s.window > 0 {
				l = unnamed(l)
			}
			s.out.labels = append(s.out.labels, l)
		}
	}
	for i, x := range s.series {
		if s.window > 0 {
			s.out.values[i], s.out.has[i] = s.function(x, at)
		} else {
			s.out.values[i], s.out.has[i] = x.at(at-s.offset, s.lookback)
		}
	}
	return &s.out
}

// unnamed is what the engine leaves of labels when the value is no longer the metric.
func unnamed(l labels.Labels) labels.Labels { return l.DropReserved(schema.IsMetadataLabel) }

func (s *selector) function(x *series, at int64) (float64, bool) {
	until := at - s.offset
	var points []promql.FPoint
	points, s.buf = x.within(until-s.window, until, s.buf)
	if len(points) == 0 {
		return 0, false
	}
	s.matrix[0] = promql.Series{Metric: x.lset, Floats: points}
	s.helper.Ts, s.helper.Out = at, s.helper.Out[:0]
	out, _ := s.call(nil, s.matrix, s.args, &s.helper)
	if len(out) == 0 {
		return 0, false
	}
	return out[0].F, true
}

// A scaled is a vector and a number.
type scaled struct {
	of      node
	op      parser.ItemType
	by      float64
	swapped bool
	out     vector
}

func (s *scaled) eval(at int64) *vector {
	in := s.of.eval(at)
	if s.out.version != in.version || len(s.out.has) != len(in.has) {
		s.out.places(len(in.has), in.version)
		for _, l := range in.labels {
			s.out.labels = append(s.out.labels, unnamed(l))
		}
	}
	s.out.unsure = in.unsure
	copy(s.out.has, in.has)
	for i, v := range in.values {
		if s.swapped {
			s.out.values[i] = arithmetic(s.op, s.by, v)
		} else {
			s.out.values[i] = arithmetic(s.op, v, s.by)
		}
	}
	return &s.out
}

func arithmetic(op parser.ItemType, a, b float64) float64 {
	switch op {
	case parser.ADD:
		return a + b
	case parser.SUB:
		return a - b
	case parser.MUL:
		return a * b
	default:
		return a / b
	}
}

// A pair is an operation on two single elements without labels.
type pair struct {
	left, right node
	op          parser.ItemType
	out         vector
}

func (p *pair) eval(at int64) *vector {
	left, right := p.left.eval(at), p.right.eval(at)
	p.out.unsure = left.unsure || right.unsure
	a, hasLeft := left.first()
	b, hasRight := right.first()
	switch {
	case p.op == parser.LOR && hasLeft:
		p.out.values[0], p.out.has[0] = a, true
	case p.op == parser.LOR:
		p.out.values[0], p.out.has[0] = b, hasRight
	default:
		p.out.values[0], p.out.has[0] = arithmetic(p.op, a, b), hasLeft && hasRight
	}
	return &p.out
}

// A quantile is histogram_quantile of classic buckets.
type quantile struct {
	of  node
	phi float64
	// group is each input's place in the output, -1 without a bound; bound its le.
	group   []int
	bound   []float64
	buckets []promql.Buckets
	ties    bool
	out     vector
}

func (q *quantile) eval(at int64) *vector {
	in := q.of.eval(at)
	if q.out.version != in.version {
		q.regroup(in)
	}
	for g := range q.buckets {
		q.buckets[g] = q.buckets[g][:0]
	}
	for i, g := range q.group {
		if g >= 0 && in.has[i] {
			q.buckets[g] = append(q.buckets[g], promql.Bucket{UpperBound: q.bound[i], Count: in.values[i]})
		}
	}
	q.out.unsure = q.ties || in.unsure
	for g, b := range q.buckets {
		if q.out.has[g] = len(b) > 0; q.out.has[g] {
			q.out.values[g], _, _, _, _, _ = promql.BucketQuantile(q.phi, b)
		}
	}
	return &q.out
}

func (q *quantile) regroup(in *vector) {
	type bucket struct {
		group int
		bound float64
	}
	seen, groups := map[bucket]bool{}, map[string]int{}
	var outs []labels.Labels
	q.group, q.bound, q.ties = q.group[:0], q.bound[:0], false
	for _, l := range in.labels {
		bound, err := strconv.ParseFloat(l.Get(model.BucketLabel), 64)
		if err != nil || math.IsNaN(bound) {
			q.group, q.bound = append(q.group, -1), append(q.bound, 0)
			continue
		}
		key := string(l.BytesWithoutLabels(nil, model.BucketLabel))
		g, ok := groups[key]
		if !ok {
			g = len(groups)
			groups[key] = g
			outs = append(outs, unnamed(labels.NewBuilder(l).Del(model.BucketLabel).Labels()))
		}
		q.ties = q.ties || seen[bucket{g, bound}]
		seen[bucket{g, bound}] = true
		q.group, q.bound = append(q.group, g), append(q.bound, bound)
	}
	q.out.places(len(groups), in.version)
	q.out.labels = outs
	q.buckets = make([]promql.Buckets, len(groups))
}
