package promsim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// An Expression is what can be said of a query without data.
type Expression struct {
	Text string
	// Type is scalar, vector, matrix or string. KEDA reads vectors only.
	Type string
	// Single says that the result never has more than one element.
	Single bool
	// Defaulted says that the result is never empty: … or vector(0).
	Defaulted bool
	Selectors []Selector
}

// A Selector is one choice of series within an expression.
type Selector struct {
	Name          string // of the metric; empty where it is not fixed
	Matchers      []Matcher
	Range, Offset time.Duration // Range is 0 for an instant selector
	// Within are the functions and aggregations around it, outermost first.
	Within []string
}

// A Matcher is a condition on a label; Op is =, !=, =~ or !~.
type Matcher struct{ Label, Op, Value string }

// Needs says whether a series of this metric name can be selected.
func (e Expression) Needs(name string) bool {
	return slices.ContainsFunc(e.Selectors, func(s Selector) bool { return s.takes(name) })
}

func (s Selector) takes(name string) bool {
	if s.Name != "" {
		return s.Name == name
	}
	for _, m := range s.Matchers {
		if m.Label == model.MetricNameLabel && !m.Matches(name) {
			return false
		}
	}
	return true
}

// Matches says whether it lets a label of that value through.
func (m Matcher) Matches(value string) bool {
	types := map[string]labels.MatchType{"=": labels.MatchEqual, "!=": labels.MatchNotEqual, "=~": labels.MatchRegexp, "!~": labels.MatchNotRegexp}
	p, err := labels.NewMatcher(types[m.Op], m.Label, m.Value)
	return err != nil || p.Matches(value)
}

// Parse reads a query. The error says where it is wrong, its hint what may be meant.
func Parse(query string) (Expression, error) {
	expr, err := parseExpr(query)
	if err != nil {
		return Expression{}, err
	}
	e := Expression{
		Text: query, Type: string(expr.Type()),
		Single: single(expr), Defaulted: defaulted(expr),
	}
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			e.Selectors = append(e.Selectors, newSelector(v, path))
		}
		return nil
	})
	return e, nil
}

func newSelector(v *parser.VectorSelector, path []parser.Node) Selector {
	s := Selector{Name: nameOf(v.LabelMatchers), Offset: v.OriginalOffset}
	for _, m := range v.LabelMatchers {
		if m.Name != model.MetricNameLabel || s.Name == "" {
			s.Matchers = append(s.Matchers, Matcher{m.Name, m.Type.String(), m.Value})
		}
	}
	for _, n := range path {
		switch n := n.(type) {
		case *parser.Call:
			s.Within = append(s.Within, n.Func.Name)
		case *parser.AggregateExpr:
			s.Within = append(s.Within, n.Op.String())
		case *parser.MatrixSelector:
			s.Range = n.Range
		}
	}
	return s
}

// parser is PromQL as Prometheus speaks it when no feature flag is given.
func newParser() parser.Parser { return parser.NewParser(parser.Options{}) }

func parseExpr(query string) (parser.Expr, error) {
	if strings.TrimSpace(query) == "" {
		return nil, hint.With(errors.New("the query is empty"), "write PromQL that gives one number, such as sum("+vllm.NumRequestsWaiting+")")
	}
	expr, err := newParser().ParseExpr(query)
	if err != nil {
		err = fmt.Errorf("parsing query %q: %w", query, err)
		var all parser.ParseErrors
		if errors.As(err, &all) && len(all) > 0 {
			return nil, hint.With(err, "%s", advice(query, all[0]))
		}
		return nil, err
	}
	return expr, nil
}

// advice says what to do about a parse error and shows the place.
func advice(query string, e parser.ParseErr) string {
	text := e.Err.Error()
	for _, known := range []struct{ part, mend string }{
		{"expected type range vector", "the function wants samples over time: give its selector a range, as in rate(x_total[1m])"},
		{"expected type instant vector", "the function or operator wants one value per series: leave out the range, or wrap it in rate(…[1m])"},
		{"unknown function", "Prometheus has no function of that name; see https://prometheus.io/docs/prometheus/latest/querying/functions/"},
		{"must contain at least one non-empty matcher", "name the metric"},
		{"unclosed left", "a closing bracket is missing"},
		{"unexpected end of input", "something is missing at the end"},
		{"unterminated quoted string", "a closing quote is missing"},
		{"in label matching", "labels are matched as {name=\"value\"}, with quotes and separated by commas"},
		{"duration", "durations are written as 30s, 5m or 1h"},
	} {
		if strings.Contains(text, known.part) {
			return known.mend
		}
	}
	from := min(max(int(e.PositionRange.Start), 0), len(query))
	return fmt.Sprintf("look before %q", firstRunes(query[from:], 20))
}

func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// single says that an expression gives at most one element whatever the data.
func single(e parser.Expr) bool {
	switch n := e.(type) {
	case *parser.AggregateExpr:
		switch n.Op {
		case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO, parser.COUNT_VALUES:
			return single(n.Expr)
		}
		return len(n.Grouping) == 0 && !n.Without || single(n.Expr)
	case *parser.ParenExpr:
		return single(n.Expr)
	case *parser.UnaryExpr:
		return single(n.Expr)
	case *parser.NumberLiteral, *parser.StringLiteral:
		return true
	case *parser.BinaryExpr:
		return singleBinary(n)
	case *parser.Call:
		return singleCall(n)
	}
	return false
}

func singleBinary(n *parser.BinaryExpr) bool {
	left, right := single(n.LHS), single(n.RHS)
	switch {
	case n.VectorMatching == nil: // a scalar is always single
		return left && right
	case n.Op == parser.LAND, n.Op == parser.LUNLESS:
		return left
	case n.Op == parser.LOR: // two elements with different labels would both stay
		return unlabelled(n.LHS) && unlabelled(n.RHS)
	case n.VectorMatching.Card == parser.CardOneToOne:
		return left || right
	default:
		return left && right
	}
}

func singleCall(n *parser.Call) bool {
	switch n.Func.Name {
	case "vector", "scalar", "time", "pi", "absent", "absent_over_time":
		return true
	case "histogram_quantile":
		a, ok := n.Args[1].(*parser.AggregateExpr)
		return ok && !a.Without && slices.Equal(a.Grouping, []string{"le"}) || single(n.Args[1])
	}
	return len(n.Args) > 0 && n.Args[0].Type() == parser.ValueTypeVector && single(n.Args[0])
}

// unlabelled says that an expression gives at most one element, with no labels.
func unlabelled(e parser.Expr) bool {
	switch n := e.(type) {
	case *parser.AggregateExpr:
		switch n.Op {
		case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO, parser.COUNT_VALUES:
			return false
		}
		return len(n.Grouping) == 0 && !n.Without
	case *parser.ParenExpr:
		return unlabelled(n.Expr)
	case *parser.BinaryExpr:
		if n.VectorMatching == nil {
			return unlabelled(n.LHS) || unlabelled(n.RHS)
		}
		return unlabelled(n.LHS) && unlabelled(n.RHS)
	case *parser.Call:
		return n.Func.Name == "vector" || n.Func.Name == "histogram_quantile" && singleCall(n)
	}
	return false
}

// defaulted says that an expression gives at least one element whatever the data.
func defaulted(e parser.Expr) bool {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return defaulted(n.Expr)
	case *parser.AggregateExpr:
		return n.Param == nil && defaulted(n.Expr)
	case *parser.BinaryExpr:
		return defaultedBinary(n)
	case *parser.Call:
		if n.Func.Name == "vector" {
			return true
		}
	}
	return e.Type() == parser.ValueTypeScalar
}

func defaultedBinary(n *parser.BinaryExpr) bool {
	left, right := defaulted(n.LHS), defaulted(n.RHS)
	switch {
	case n.Op == parser.LOR:
		return left || right
	case n.Op.IsSetOperator(), n.Op.IsComparisonOperator() && !n.ReturnBool:
		return false
	}
	match := n.VectorMatching == nil || unlabelled(n.LHS) && unlabelled(n.RHS)
	return match && left && right
}

// forever is a reach that forgets nothing, for queries about a fixed time.
const forever = math.MaxInt64 / 4

// reach is how far before its own time a query looks, in milliseconds.
func reach(query string, lookback time.Duration) (int64, error) {
	expr, err := parseExpr(query)
	if err != nil {
		return 0, err
	}
	fixed := false
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			fixed = fixed || n.Timestamp != nil
		case *parser.SubqueryExpr:
			fixed = fixed || n.Timestamp != nil
		}
		return nil
	})
	if fixed {
		return forever, nil
	}
	now := time.UnixMilli(1 << 50)
	expr, err = promql.PreprocessExpr(expr, now, now, 0)
	if err != nil {
		return 0, fmt.Errorf("preparing query %q: %w", query, err)
	}
	from, until := promql.FindMinMaxTime(&parser.EvalStmt{Expr: expr, Start: now, End: now, LookbackDelta: lookback})
	if until == 0 {
		return 0, nil // no selector
	}
	return max(now.UnixMilli()-from, 0), nil
}
