package formula

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"

	"github.com/flyball-dev/flyball/internal/law/keda"
)

// Unsimulated is what a formula has that keda.Formula cannot express.
type Unsimulated struct{ what string }

func (e Unsimulated) Error() string { return e.what + " is not simulated" }

// Fix is what to do about it.
const Fix = "write it with numbers, + - * / % **, comparisons, and or not, ?:, ??, let, lists, int float abs ceil floor round len " +
	"max min mean median sum, and count any all none one filter map"

// Read reads a formula of triggers' names as KEDA does, with the same library
// (github.com/kedacore/keda/v2/apis/keda/v1alpha1/scaledobject_webhook.go and
// pkg/scaling/modifiers/formula.go, at v2.21.0). The clock is left out: the same
// readings must give the same result. What is expressed is the library's tree after its
// optimizer, which is what it evaluates: an error may be lost with what is optimized.
func Read(text string, names []string) (keda.Formula, error) {
	sample := map[string]float64{}
	for _, name := range names {
		sample[name] = -1
	}
	program, err := expr.Compile(toFloat(text), expr.Env(sample), expr.DisableBuiltin("now"))
	if err != nil {
		return keda.Formula{}, err
	}
	if _, err := expr.Run(program, sample); err != nil {
		return keda.Formula{}, err
	}
	return express(program.Node(), nil)
}

func toFloat(formula string) string {
	switch {
	case strings.Contains(formula, "??"):
		return "let _kedaCompositeResult = (" + formula + "); _kedaCompositeResult == nil ? nil : float(_kedaCompositeResult)"
	case strings.HasPrefix(formula, "float("):
		return formula
	}
	return "float(" + formula + ")"
}

// express is the node as data. Variables are the names that let has given around it;
// any other is a trigger's.
func express(n ast.Node, variables []string) (keda.Formula, error) {
	switch n := n.(type) {
	case *ast.NilNode:
		return keda.Formula{Op: keda.OpNil}, nil
	case *ast.BoolNode:
		if n.Value {
			return keda.Formula{Op: keda.OpTrue}, nil
		}
		return keda.Formula{Op: keda.OpFalse}, nil
	case *ast.IntegerNode:
		return keda.Formula{Op: keda.OpInt, Int: n.Value}, nil
	case *ast.FloatNode:
		return keda.Formula{Op: keda.OpFloat, Number: n.Value}, nil
	case *ast.IdentifierNode:
		if slices.Contains(variables, n.Value) {
			return keda.Formula{Op: keda.OpVariable, Name: n.Value}, nil
		}
		return keda.Formula{Op: keda.OpTrigger, Name: n.Value}, nil
	case *ast.PointerNode:
		if n.Name != "" {
			return keda.Formula{}, Unsimulated{"#" + n.Name}
		}
		return keda.Formula{Op: keda.OpElement}, nil
	}
	return compound(n, variables)
}

// compound is a node of others.
func compound(n ast.Node, variables []string) (keda.Formula, error) {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "+" {
			return express(n.Node, variables)
		}
		return operation(unaries, n.Operator, []ast.Node{n.Node}, variables)
	case *ast.BinaryNode:
		return operation(binaries, n.Operator, []ast.Node{n.Left, n.Right}, variables)
	case *ast.ConditionalNode:
		return operation(binaries, "?:", []ast.Node{n.Cond, n.Exp1, n.Exp2}, variables)
	case *ast.ArrayNode:
		return operation(binaries, "[]", n.Nodes, variables)
	case *ast.PredicateNode:
		return express(n.Node, variables)
	case *ast.BuiltinNode:
		return builtin(n, variables)
	case *ast.ConstantNode:
		return constant(n.Value)
	case *ast.VariableDeclaratorNode:
		value, err := express(n.Value, variables)
		if err != nil {
			return value, err
		}
		body, err := express(n.Expr, append(slices.Clone(variables), n.Name))
		return keda.Formula{Op: keda.OpLet, Name: n.Name, Args: []keda.Formula{value, body}}, err
	}
	return keda.Formula{}, Unsimulated{fmt.Sprintf("%q", n.String())}
}

// builtin is a call, with what the optimizer has made of it: a filter that maps what it
// keeps, and a count that ends when it has enough.
func builtin(n *ast.BuiltinNode, variables []string) (keda.Formula, error) {
	f, err := operation(builtins, n.Name, n.Arguments, variables)
	if n.Threshold != nil {
		f.Int = *n.Threshold
	}
	if err != nil || n.Map == nil {
		return f, err
	}
	mapped, err := express(n.Map, variables)
	return keda.Formula{Op: keda.OpMap, Args: []keda.Formula{f, mapped}}, err
}

// constant is what the optimizer has computed.
func constant(v any) (keda.Formula, error) {
	switch v := v.(type) {
	case nil:
		return keda.Formula{Op: keda.OpNil}, nil
	case bool:
		return express(&ast.BoolNode{Value: v}, nil)
	case int:
		return keda.Formula{Op: keda.OpInt, Int: v}, nil
	case float64:
		return keda.Formula{Op: keda.OpFloat, Number: v}, nil
	case []any:
		return constants(v)
	case []int:
		return constants(v)
	case []float64:
		return constants(v)
	}
	return keda.Formula{}, Unsimulated{fmt.Sprintf("the constant %v", v)}
}

func constants[T any](list []T) (keda.Formula, error) {
	f := keda.Formula{Op: keda.OpList}
	for _, v := range list {
		one, err := constant(v)
		if err != nil {
			return f, err
		}
		f.Args = append(f.Args, one)
	}
	return f, nil
}

// operation is one of those of a name.
func operation(of map[string]keda.Op, name string, args []ast.Node, variables []string) (keda.Formula, error) {
	op, ok := of[name]
	if !ok {
		return keda.Formula{}, Unsimulated{fmt.Sprintf("%q", name)}
	}
	f := keda.Formula{Op: op}
	for _, a := range args {
		one, err := express(a, variables)
		if err != nil {
			return f, err
		}
		f.Args = append(f.Args, one)
	}
	return f, nil
}

var unaries = map[string]keda.Op{"!": keda.OpNot, "not": keda.OpNot, "-": keda.OpNegate}

var binaries = map[string]keda.Op{
	"??": keda.OpElse, "and": keda.OpAnd, "&&": keda.OpAnd, "or": keda.OpOr, "||": keda.OpOr, "?:": keda.OpIf, "[]": keda.OpList,
	"+": keda.OpAdd, "-": keda.OpSubtract, "*": keda.OpMultiply, "/": keda.OpDivide, "%": keda.OpModulo, "**": keda.OpPower, "^": keda.OpPower,
	"==": keda.OpEqual, "!=": keda.OpUnequal, "<": keda.OpLess, "<=": keda.OpLessEqual, ">": keda.OpGreater, ">=": keda.OpGreaterEqual,
}

var builtins = map[string]keda.Op{
	"int": keda.OpToInt, "float": keda.OpToFloat, "abs": keda.OpAbs, "ceil": keda.OpCeil, "floor": keda.OpFloor, "round": keda.OpRound,
	"len": keda.OpLen, "max": keda.OpMax, "min": keda.OpMin, "mean": keda.OpMean, "median": keda.OpMedian, "sum": keda.OpSum,
	"all": keda.OpAll, "any": keda.OpAny, "none": keda.OpNone, "one": keda.OpOne, "count": keda.OpCount, "filter": keda.OpFilter, "map": keda.OpMap,
}
