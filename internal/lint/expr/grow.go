package expr

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/policy/query"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// peel takes off parentheses and what changes nothing of the meaning.
func peel(e parser.Expr) parser.Expr {
	for {
		switch n := e.(type) {
		case *parser.ParenExpr:
			e = n.Expr
		case *parser.StepInvariantExpr:
			e = n.Expr
		default:
			return e
		}
	}
}

// OrZero tells whether somewhere the query puts a number where there are no series.
func OrZero(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		b, ok := n.(*parser.BinaryExpr)
		if !ok || b.Op != parser.LOR {
			return nil
		}
		call, ok := peel(b.RHS).(*parser.Call)
		found = found || ok && call.Func.Name == "vector"
		return nil
	})
	return found
}

// Factor is by which number a query multiplies what it reads: sum(x) / 8 has 1/8. It is
// false where the query makes something else of it.
func Factor(e parser.Expr) (float64, bool) {
	n, ok := peel(e).(*parser.BinaryExpr)
	if !ok {
		return 1, true
	}
	left, leftIs := number(n.LHS)
	right, rightIs := number(n.RHS)
	switch {
	case n.Op == parser.DIV && rightIs && right != 0:
		f, ok := Factor(n.LHS)
		return f / right, ok
	case n.Op == parser.MUL && rightIs:
		f, ok := Factor(n.LHS)
		return f * right, ok
	case n.Op == parser.MUL && leftIs:
		f, ok := Factor(n.RHS)
		return f * left, ok
	case leftIs || rightIs:
		return 1, n.Op.IsComparisonOperator() // which only leaves out
	}
	return 1, true // of several readings the sum
}

func number(e parser.Expr) (float64, bool) {
	n, ok := peel(e).(*parser.NumberLiteral)
	if !ok {
		return 0, false
	}
	return n.Val, true
}

// A Growth is whether a value doubles when load and replicas do.
type Growth int

// What a form tells of growth.
const (
	unclear   Growth = iota // of a name that says nothing
	Extensive               // a sum over the pods: it doubles
	Intensive               // a mean, a share or a time: it stays
)

// Grows finds out from the query's form: a sum is Extensive, a mean, an extreme, a
// quantile and a quotient of two sums are Intensive.
func Grows(e parser.Expr) Growth {
	switch n := peel(e).(type) {
	case *parser.AggregateExpr:
		return growsAggregate(n)
	case *parser.Call:
		return growsCall(n)
	case *parser.BinaryExpr:
		return growsBinary(n)
	case *parser.UnaryExpr:
		return Grows(n.Expr)
	case *parser.SubqueryExpr:
		return Grows(n.Expr)
	}
	return unclear
}

func growsAggregate(n *parser.AggregateExpr) Growth {
	switch n.Op {
	case parser.SUM, parser.COUNT:
		if Many(n.Expr) {
			return Extensive
		}
		return Grows(n.Expr)
	case parser.AVG, parser.MAX, parser.MIN, parser.QUANTILE, parser.STDDEV, parser.STDVAR:
		if PerPod(n.Expr) {
			return Intensive
		}
		return Grows(n.Expr)
	}
	return unclear
}

// PerPod tells whether an expression surely has one series for each pod: all
// that it reads is vLLM's own, or Prometheus' up.
func PerPod(e parser.Expr) bool {
	all := query.Selectors(e)
	return Many(e) && len(all) > 0 && !slices.ContainsFunc(all, func(s *parser.VectorSelector) bool {
		return !vllm.IsSeries(query.Series(s)) && query.Series(s) != "up"
	})
}

func growsCall(n *parser.Call) Growth {
	if strings.HasPrefix(n.Func.Name, "histogram_quantile") || n.Func.Name == "histogram_avg" {
		return Intensive
	}
	for _, arg := range n.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			return Grows(arg)
		}
	}
	return unclear
}

func growsBinary(n *parser.BinaryExpr) Growth {
	left, right := Grows(n.LHS), Grows(n.RHS)
	switch n.Op {
	case parser.DIV:
		if left == Extensive && right == Extensive {
			return Intensive
		}
		return left
	case parser.MUL:
		return max2(left, right, Extensive)
	case parser.ADD, parser.SUB:
		return max2(left, right, Extensive)
	case parser.LOR, parser.LAND, parser.LUNLESS, parser.GTR, parser.LSS, parser.GTE, parser.LTE, parser.EQLC, parser.NEQ:
		return left
	}
	return unclear
}

// max2 is first if either is; else what is known of them.
func max2(a, b, first Growth) Growth {
	if a == first || b == first {
		return first
	}
	return max(a, b)
}
