package lint

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/policy/query"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// series are the names that a trigger reads, vLLM's spelled as vLLM does also where
// an adapter gave them another form.
func (t trigger) series() []string {
	var all []string
	for _, s := range query.Selectors(t.expr) {
		all = append(all, query.Series(s))
	}
	if t.metric != "" {
		all = append(all, vllm.Adapted(t.metric))
	}
	return all
}

// only tells whether all that the trigger reads is among the names, and there is some.
func (t trigger) only(names ...string) bool {
	all := t.series()
	return len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool { return !slices.Contains(names, s) })
}

const (
	running = vllm.NumRequestsRunning
	waiting = vllm.NumRequestsWaiting
)

// fromEngine tells whether all that the trigger reads comes from vLLM's pods.
func (t trigger) fromEngine() bool {
	all := t.series()
	return len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool { return !vllm.IsSeries(s) })
}

// matcher finds what a selector demands of a label, nil if nothing.
func matcher(s *parser.VectorSelector, label string) *labels.Matcher {
	for _, m := range s.LabelMatchers {
		anything := m.Type == labels.MatchRegexp && (m.Value == ".*" || m.Value == ".+")
		if m.Name == label && !anything {
			return m
		}
	}
	return nil
}

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

// orZero tells whether somewhere the query puts a number where there are no series.
func orZero(e parser.Expr) bool {
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

// factor is by which number a query multiplies what it reads: sum(x) / 8 has 1/8. It is
// false where the query makes something else of it.
func factor(e parser.Expr) (float64, bool) {
	n, ok := peel(e).(*parser.BinaryExpr)
	if !ok {
		return 1, true
	}
	left, leftIs := number(n.LHS)
	right, rightIs := number(n.RHS)
	switch {
	case n.Op == parser.DIV && rightIs && right != 0:
		f, ok := factor(n.LHS)
		return f / right, ok
	case n.Op == parser.MUL && rightIs:
		f, ok := factor(n.LHS)
		return f * right, ok
	case n.Op == parser.MUL && leftIs:
		f, ok := factor(n.RHS)
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

// A growth is whether a value doubles when load and replicas do.
type growth int

const (
	unclear   growth = iota // of a name that says nothing
	extensive               // a sum over the pods: it doubles
	intensive               // a mean, a share or a time: it stays
)

// grows finds out from the query's form: a sum is extensive, a mean, an extreme, a
// quantile and a quotient of two sums are intensive.
func grows(e parser.Expr) growth {
	switch n := peel(e).(type) {
	case *parser.AggregateExpr:
		return growsAggregate(n)
	case *parser.Call:
		return growsCall(n)
	case *parser.BinaryExpr:
		return growsBinary(n)
	case *parser.UnaryExpr:
		return grows(n.Expr)
	case *parser.SubqueryExpr:
		return grows(n.Expr)
	}
	return unclear
}

func growsAggregate(n *parser.AggregateExpr) growth {
	switch n.Op {
	case parser.SUM, parser.COUNT:
		if many(n.Expr) {
			return extensive
		}
		return grows(n.Expr)
	case parser.AVG, parser.MAX, parser.MIN, parser.QUANTILE, parser.STDDEV, parser.STDVAR:
		if perPodSeries(n.Expr) {
			return intensive
		}
		return grows(n.Expr)
	}
	return unclear
}

// perPodSeries tells whether an expression surely has one series for each pod: all
// that it reads is vLLM's own, or Prometheus' up.
func perPodSeries(e parser.Expr) bool {
	all := query.Selectors(e)
	return many(e) && len(all) > 0 && !slices.ContainsFunc(all, func(s *parser.VectorSelector) bool {
		return !vllm.IsSeries(query.Series(s)) && query.Series(s) != "up"
	})
}

func growsCall(n *parser.Call) growth {
	if strings.HasPrefix(n.Func.Name, "histogram_quantile") || n.Func.Name == "histogram_avg" {
		return intensive
	}
	for _, arg := range n.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			return grows(arg)
		}
	}
	return unclear
}

func growsBinary(n *parser.BinaryExpr) growth {
	left, right := grows(n.LHS), grows(n.RHS)
	switch n.Op {
	case parser.DIV:
		if left == extensive && right == extensive {
			return intensive
		}
		return left
	case parser.MUL:
		return max2(left, right, extensive)
	case parser.ADD, parser.SUB:
		return max2(left, right, extensive)
	case parser.LOR, parser.LAND, parser.LUNLESS, parser.GTR, parser.LSS, parser.GTE, parser.LTE, parser.EQLC, parser.NEQ:
		return left
	}
	return unclear
}

// max2 is first if either is; else what is known of them.
func max2(a, b, first growth) growth {
	if a == first || b == first {
		return first
	}
	return max(a, b)
}
