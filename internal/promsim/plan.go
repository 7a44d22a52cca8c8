package promsim

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// A node is a part of a query that is evaluated without the engine.
type node interface {
	// eval is the value at a time. The vector is the node's own and valid until the
	// next call.
	eval(at int64) *vector
}

// A planner makes nodes of a query. Each method returns nil for what is the engine's.
type planner struct {
	store    *store
	lookback int64
}

// plan is the whole query, or nil.
func (p planner) plan(query string) node {
	expr, err := parseExpr(query)
	if err != nil {
		return nil
	}
	return p.vector(expr)
}

func (p planner) vector(e parser.Expr) node {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return p.vector(n.Expr)
	case *parser.VectorSelector:
		if s := p.selector(n); s != nil {
			return s
		}
	case *parser.AggregateExpr:
		return p.aggregate(n)
	case *parser.BinaryExpr:
		return p.binary(n)
	case *parser.Call:
		switch n.Func.Name {
		case "vector":
			if c, ok := constant(n.Args[0]); ok {
				return &fixed{unlabelledVector(c)}
			}
		case "histogram_quantile":
			return p.quantile(n)
		default:
			return p.overTime(n)
		}
	}
	return nil
}

// selector is an instant selector of one metric name, without @.
func (p planner) selector(n *parser.VectorSelector) *selector {
	name := nameOf(n.LabelMatchers)
	plain := n.Timestamp == nil && n.StartOrEnd == 0 && n.OriginalOffsetExpr == nil && !n.Anchored && !n.Smoothed
	if name == "" || !plain {
		return nil
	}
	return &selector{
		family: p.store.family(name), matchers: n.LabelMatchers,
		offset: n.OriginalOffset.Milliseconds(), lookback: p.lookback,
	}
}

// overTime is a function of one range selector. The function itself is the engine's.
func (p planner) overTime(n *parser.Call) node {
	functions := []string{
		"rate", "increase", "delta", "irate", "idelta",
		"avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "count_over_time",
	}
	if !slices.Contains(functions, n.Func.Name) || len(n.Args) != 1 {
		return nil
	}
	m, ok := n.Args[0].(*parser.MatrixSelector)
	if !ok || m.RangeExpr != nil {
		return nil
	}
	v, ok := m.VectorSelector.(*parser.VectorSelector)
	if !ok {
		return nil
	}
	s := p.selector(v)
	if s == nil {
		return nil
	}
	v.Offset = v.OriginalOffset // the engine sets it before it calls the function
	s.window, s.args = m.Range.Milliseconds(), n.Args
	s.call = promql.FunctionCalls[n.Func.Name]
	s.matrix = make(promql.Matrix, 1)
	s.helper.Out = make(promql.Vector, 0, 1)
	s.helper.LookbackDelta = time.Duration(p.lookback) * time.Millisecond
	return s
}

// aggregate is an aggregation by labels, or of all, over what keeps the order of the
// series: a sum in another order could differ in its last bit.
func (p planner) aggregate(n *parser.AggregateExpr) node {
	switch n.Op {
	case parser.SUM, parser.AVG, parser.MIN, parser.MAX, parser.COUNT:
	default:
		return nil
	}
	if n.Without || n.Param != nil {
		return nil
	}
	of := p.vector(n.Expr)
	switch inner := of.(type) {
	case *selector:
	case *scaled:
		if _, ok := inner.of.(*selector); !ok {
			return nil
		}
	case *quantile:
		if n.Op == parser.SUM || n.Op == parser.AVG {
			return nil
		}
	default:
		return nil
	}
	return &aggregate{of: of, op: n.Op, by: n.Grouping}
}

func (p planner) quantile(n *parser.Call) node {
	phi, ok := constant(n.Args[0])
	if !ok {
		return nil
	}
	switch of := p.vector(n.Args[1]).(type) {
	case *selector:
		return &quantile{of: of, phi: phi}
	case *aggregate:
		return &quantile{of: of, phi: phi}
	}
	return nil
}

func (p planner) binary(n *parser.BinaryExpr) node {
	if m := n.VectorMatching; m != nil {
		return p.pair(n, m)
	}
	if n.Op != parser.ADD && n.Op != parser.SUB && n.Op != parser.MUL && n.Op != parser.DIV {
		return nil
	}
	if c, ok := constant(n.RHS); ok {
		if of := p.vector(n.LHS); of != nil {
			return &scaled{of: of, op: n.Op, by: c}
		}
		return nil
	}
	if c, ok := constant(n.LHS); ok {
		if of := p.vector(n.RHS); of != nil {
			return &scaled{of: of, op: n.Op, by: c, swapped: true}
		}
	}
	return nil
}

// pair is an operation on two vectors of at most one element without labels.
func (p planner) pair(n *parser.BinaryExpr, m *parser.VectorMatching) node {
	plain := len(m.MatchingLabels) == 0 && len(m.Include) == 0 && m.FillValues == (parser.VectorMatchFillValues{})
	if !plain || !unlabelled(n.LHS) || !unlabelled(n.RHS) {
		return nil
	}
	switch n.Op {
	case parser.ADD, parser.SUB, parser.MUL, parser.DIV, parser.LOR:
	default:
		return nil
	}
	left, right := p.vector(n.LHS), p.vector(n.RHS)
	if left == nil || right == nil {
		return nil
	}
	return &pair{left: left, right: right, op: n.Op, out: unlabelledVector(math.NaN())}
}

// constant is the value of a number, a sign and brackets around it allowed.
func constant(e parser.Expr) (float64, bool) {
	switch n := e.(type) {
	case *parser.NumberLiteral:
		return n.Val, true
	case *parser.ParenExpr:
		return constant(n.Expr)
	case *parser.UnaryExpr:
		v, ok := constant(n.Expr)
		if n.Op == parser.SUB {
			v = -v
		}
		return v, ok
	}
	return 0, false
}
