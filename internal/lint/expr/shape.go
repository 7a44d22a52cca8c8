package expr

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// A shape is what labels the series of an instant vector may have.
type shape struct {
	open   bool            // any label besides those that are fixed
	varies map[string]bool // labels that may differ between the series
	fixed  map[string]bool // labels that all series have alike
}

// several tells whether there may be more than one series.
func (s shape) several() bool { return s.open || len(s.varies) > 0 }

// Many tells whether an expression may give more than one series.
func Many(e parser.Expr) bool { return shapeOf(e).several() }

// Open tells whether the series of an expression may differ in any label.
func Open(e parser.Expr) bool { return shapeOf(e).open }

func one(names ...string) shape {
	s := shape{fixed: map[string]bool{}}
	for _, n := range names {
		s.fixed[n] = true
	}
	return s
}

func shapeOf(e parser.Expr) shape {
	switch n := peel(e).(type) {
	case *parser.VectorSelector:
		return shapeOfSelector(n)
	case *parser.MatrixSelector:
		return shapeOf(n.VectorSelector)
	case *parser.SubqueryExpr:
		return shapeOf(n.Expr)
	case *parser.UnaryExpr:
		return shapeOf(n.Expr)
	case *parser.AggregateExpr:
		return shapeOfAggregate(n)
	case *parser.Call:
		return shapeOfCall(n)
	case *parser.BinaryExpr:
		return shapeOfBinary(n)
	}
	return one()
}

func shapeOfSelector(n *parser.VectorSelector) shape {
	s := shape{open: true, fixed: map[string]bool{}}
	for _, m := range n.LabelMatchers {
		if m.Type == labels.MatchEqual && m.Name != model.MetricNameLabel {
			s.fixed[m.Name] = true
		}
	}
	return s
}

func shapeOfAggregate(n *parser.AggregateExpr) shape {
	in := shapeOf(n.Expr)
	switch n.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK:
		if k, ok := n.Param.(*parser.NumberLiteral); ok && k.Val < 2 && len(n.Grouping) == 0 && !n.Without {
			return one("from the series")
		}
		return in
	case parser.LIMIT_RATIO:
		return in
	case parser.COUNT_VALUES:
		return shape{varies: map[string]bool{"value": true}}
	}
	if n.Without {
		return in.without(n.Grouping)
	}
	return in.by(n.Grouping)
}

func (s shape) by(names []string) shape {
	out := shape{varies: map[string]bool{}, fixed: map[string]bool{}}
	for _, n := range names {
		switch {
		case s.fixed[n]:
			out.fixed[n] = true
		case s.open || s.varies[n]:
			out.varies[n] = true
		}
	}
	return out
}

func (s shape) without(names []string) shape {
	out := shape{open: s.open, varies: maps.Clone(s.varies), fixed: maps.Clone(s.fixed)}
	for _, n := range names {
		delete(out.varies, n)
		delete(out.fixed, n)
	}
	return out
}

func shapeOfCall(n *parser.Call) shape {
	switch n.Func.Name {
	case "vector", "time", "pi", "absent", "absent_over_time":
		return one()
	case "histogram_quantile":
		if len(n.Args) == 2 {
			return shapeOf(n.Args[1]).without([]string{labels.BucketLabel})
		}
	case "label_replace", "label_join":
		s := shapeOf(n.Args[0])
		return shape{s.open, s.varies, map[string]bool{"replaced": true}}
	}
	for _, arg := range n.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			return shapeOf(arg)
		}
	}
	return one()
}

func shapeOfBinary(n *parser.BinaryExpr) shape {
	switch {
	case n.LHS.Type() != parser.ValueTypeVector:
		return shapeOf(n.RHS)
	case n.RHS.Type() != parser.ValueTypeVector:
		return shapeOf(n.LHS)
	}
	left, right := shapeOf(n.LHS), shapeOf(n.RHS)
	matching := n.VectorMatching
	if matching == nil {
		matching = &parser.VectorMatching{}
	}
	switch {
	case n.Op == parser.LOR:
		return either(left, right, matching.On && len(matching.MatchingLabels) == 0)
	case n.Op == parser.LAND, n.Op == parser.LUNLESS, matching.Card == parser.CardManyToOne:
		return left
	case matching.Card == parser.CardOneToMany:
		return right
	case left.several() && !right.several(): // matched one to one with one series
		return right
	}
	return left
}

// either is the shape of "or". The right side adds what has other labels than the
// left. With the same on both sides, or when told to look at none (on()), that is
// nothing where the left has a series.
func either(left, right shape, onNone bool) shape {
	alike := maps.Equal(left.fixed, right.fixed) || onNone
	if !left.several() && !right.several() && alike {
		return left
	}
	return shape{open: left.several() || right.several(), varies: map[string]bool{"side": true}}
}

// Apart are the labels in which the series of an expression differ; of one that is Open,
// besides all others.
func Apart(e parser.Expr) []string {
	return slices.Sorted(maps.Keys(shapeOf(e).varies))
}
