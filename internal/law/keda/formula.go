package keda

import "fmt"

// A Formula makes one number of the triggers' values
// (github.com/kedacore/keda/v2/pkg/scaling/modifiers/formula.go): an expression as
// data. It is part of the language of expr-lang that KEDA takes; whoever reads the text
// refuses the rest.
type Formula struct {
	Op     Op
	Number float64   `json:",omitempty"` // of OpFloat
	Int    int       `json:",omitempty"` // of OpInt; of OpCount: that are enough, 0: all count
	Name   string    `json:",omitempty"` // of OpTrigger, OpVariable and OpLet
	Args   []Formula `json:",omitempty"`
}

// An Op is what a formula does with its arguments.
type Op int

// The operations.
const (
	OpUnset    Op = iota
	OpNil         // no value
	OpFalse       // a condition
	OpTrue        // a condition
	OpInt         // a whole number
	OpFloat       // a number
	OpTrigger     // the value of the trigger of that name; nil if it is missing
	OpVariable    // what OpLet has named
	OpElement     // the element that a predicate is asked about
	OpLet         // the second argument, in which the name stands for the first
	OpIf          // the second if the first holds, or else the third
	OpElse        // the first, or the second if that is nil
	OpAnd
	OpOr
	OpNot
	OpNegate
	OpAdd
	OpSubtract
	OpMultiply
	OpDivide
	OpModulo
	OpPower
	OpEqual
	OpUnequal
	OpLess
	OpLessEqual
	OpGreater
	OpGreaterEqual
	OpList
	OpToInt
	OpToFloat
	OpAbs
	OpCeil
	OpFloor
	OpRound
	OpLen
	OpMax // of all arguments, and of the elements of those that are lists
	OpMin
	OpMean
	OpMedian
	OpSum    // of a list; of what the second argument makes of each element
	OpAll    // the second argument holds of all elements of the first
	OpAny    // of any
	OpNone   // of none
	OpOne    // of exactly one
	OpCount  // of how many
	OpFilter // the elements of which it holds
	OpMap    // what it makes of each
	numOps
)

var ops = [numOps]string{
	"", "nil", "false", "true", "int", "float", "trigger", "variable", "#", "let", "?:", "??", "and", "or", "not", "negate",
	"+", "-", "*", "/", "%", "**", "==", "!=", "<", "<=", ">", ">=", "list", "int()", "float()", "abs", "ceil", "floor", "round", "len",
	"max", "min", "mean", "median", "sum", "all", "any", "none", "one", "count", "filter", "map",
}

func (o Op) String() string {
	if o < 0 || o >= numOps {
		return "unknown"
	}
	return ops[o]
}

// MarshalText writes the operation.
func (o Op) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads it.
func (o *Op) UnmarshalText(text []byte) error {
	for op := range numOps {
		if ops[op] == string(text) {
			*o = op
			return nil
		}
	}
	return fmt.Errorf("operation %q: there is none of that name", text)
}
