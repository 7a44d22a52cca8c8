package promsim

import (
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/kahansum"
)

// An aggregate is sum, avg, min, max or count, of all or by labels. It adds up as the
// engine does (evaluator.aggregation in promql/engine.go), in the same order.
type aggregate struct {
	of     node
	op     parser.ItemType
	by     []string
	group  []int
	groups []accumulator
	out    vector
}

// An accumulator is one group.
type accumulator struct {
	count, value, mean, rest float64
	incremental              bool // the sum would overflow: mean and rest are of the mean
}

func (a *aggregate) eval(at int64) *vector {
	in := a.of.eval(at)
	if a.out.version != in.version {
		a.regroup(in)
	}
	clear(a.groups)
	for i, g := range a.group {
		if in.has[i] {
			a.groups[g].add(a.op, in.values[i])
		}
	}
	a.out.unsure = in.unsure
	for g := range a.groups {
		a.out.values[g], a.out.has[g] = a.groups[g].result(a.op)
	}
	return &a.out
}

func (a *aggregate) regroup(in *vector) {
	groups := map[string]int{}
	var outs []labels.Labels
	a.group = a.group[:0]
	for _, l := range in.labels {
		out := labels.EmptyLabels()
		if len(a.by) > 0 {
			out = labels.NewBuilder(l).Keep(a.by...).Labels()
		}
		key := string(out.Bytes(nil))
		g, ok := groups[key]
		if !ok {
			g = len(groups)
			groups[key] = g
			outs = append(outs, out)
		}
		a.group = append(a.group, g)
	}
	a.out.places(len(groups), in.version)
	a.out.labels = outs
	a.groups = make([]accumulator, len(groups))
}

func (a *accumulator) add(op parser.ItemType, v float64) {
	a.count++
	if a.count == 1 {
		a.value, a.mean = v, v
		return
	}
	switch op {
	case parser.SUM:
		a.value, a.rest = kahansum.Inc(v, a.value, a.rest)
	case parser.AVG:
		a.average(v)
	case parser.MAX:
		if a.value < v || math.IsNaN(a.value) {
			a.value = v
		}
	case parser.MIN:
		if a.value > v || math.IsNaN(a.value) {
			a.value = v
		}
	}
}

func (a *accumulator) average(v float64) {
	if !a.incremental {
		sum, rest := kahansum.Inc(v, a.value, a.rest)
		if !math.IsInf(sum, 0) {
			a.value, a.rest = sum, rest
			return
		}
		a.incremental = true
		a.mean = a.value / (a.count - 1)
		a.rest /= a.count - 1
	}
	q := (a.count - 1) / a.count
	a.mean, a.rest = kahansum.Inc(v/a.count, q*a.mean, q*a.rest)
}

func (a *accumulator) result(op parser.ItemType) (float64, bool) {
	switch {
	case a.count == 0:
		return 0, false
	case op == parser.SUM:
		return a.value + a.rest, true
	case op == parser.COUNT:
		return a.count, true
	case op != parser.AVG:
		return a.value, true
	case a.incremental:
		return a.mean + a.rest, true
	}
	return a.value/a.count + a.rest/a.count, true
}
