package promsim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/reading"
)

// An Answer is what KEDA's prometheus scaler makes of a response
// (prometheusScaler.ExecutePromQuery in pkg/scalers/prometheus_scaler.go, v2.21.0).
//
//	one element              fresh
//	none, or one with range  absent: 0, or an error with ignoreNullValues: "false"
//	NaN, infinite            invalid with the value: the same
//	several elements         contradictory: an error
//	scalar, string, refused  invalid: an error
type Answer struct {
	Reading reading.Reading
	// Problem is KEDA's error, empty for a number.
	Problem string
}

// Query asks as KEDA does, which cuts the time to whole seconds. The error is of the
// caller's: a query that was not prepared, or a context that is done.
func (db *DB) Query(ctx context.Context, text string, at time.Duration) (Answer, error) {
	q, err := db.prepared(text)
	if err != nil {
		return Answer{}, err
	}
	db.advance(at)
	r := db.ask(ctx, q, db.millis(at.Truncate(time.Second)))
	switch {
	case ctx.Err() != nil:
		return Answer{}, fmt.Errorf("asking %q: %w", text, ctx.Err())
	case r.refusal != "":
		return Answer{reading.Failed(at), "prometheus query api returned error: " + r.refusal}, nil
	case r.vector != nil:
		return r.vector.answer(text, at), nil
	}
	switch value := r.value.(type) {
	case promql.Vector:
		if len(value) == 1 {
			return one(value[0].F, at), nil
		}
		return count(len(value), text, at), nil
	case promql.Matrix:
		if len(value) == 1 {
			return nothing("the value list is empty", at), nil
		}
		return count(len(value), text, at), nil
	case promql.Scalar:
		return unreadable(parser.ValueTypeScalar, at), nil
	}
	return unreadable(r.value.Type(), at), nil
}

func (v *vector) answer(text string, at time.Duration) Answer {
	n, last := 0, 0.0
	for i, has := range v.has {
		if has {
			n, last = n+1, v.values[i]
		}
	}
	if n == 1 {
		return one(last, at)
	}
	return count(n, text, at)
}

func one(value float64, at time.Duration) Answer {
	a := Answer{Reading: reading.New(value, at)}
	if !a.Reading.Usable() {
		a.Problem = fmt.Sprintf("prometheus query returns %f", value)
	}
	return a
}

// count is the answer of any number of elements but one.
func count(n int, text string, at time.Duration) Answer {
	if n == 0 {
		return nothing("the result is empty", at)
	}
	return Answer{
		reading.Reading{At: at, Quality: reading.Contradictory},
		fmt.Sprintf("prometheus query %s returned multiple elements", text),
	}
}

func nothing(what string, at time.Duration) Answer {
	return Answer{reading.Reading{At: at}, "prometheus metrics 'prometheus' target may be lost, " + what}
}

// unreadable is a type for which KEDA's JSON has no place.
func unreadable(t parser.ValueType, at time.Duration) Answer {
	return Answer{reading.Failed(at), fmt.Sprintf("json: cannot unmarshal the %s that the query returns: KEDA reads vectors, as in vector(1)", t)}
}

// An Element is one value of a vector.
type Element struct {
	Value  float64
	labels labels.Labels
}

// Label is the value of a label, empty without it.
func (e Element) Label(name string) string { return e.labels.Get(name) }

func (e Element) String() string { return fmt.Sprintf("%s %g", e.labels, e.Value) }

// Vector is the whole result of a query at exactly the time given, ordered by labels;
// a scalar is one element without labels. NaN is a value like any other.
func (db *DB) Vector(ctx context.Context, text string, at time.Duration) ([]Element, error) {
	q, err := db.prepared(text)
	if err != nil {
		return nil, err
	}
	now := db.advance(at)
	return db.elements(ctx, q, now)
}

func (db *DB) elements(ctx context.Context, q *query, now int64) ([]Element, error) {
	r := db.ask(ctx, q, now)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("asking %q: %w", q.Text, ctx.Err())
	case r.refusal != "":
		return nil, fmt.Errorf("asking %q: %s", q.Text, r.refusal)
	}
	var out []Element
	if v := r.vector; v != nil {
		for i, has := range v.has {
			if has {
				out = append(out, Element{v.values[i], v.labels[i]})
			}
		}
	}
	switch value := r.value.(type) {
	case promql.Vector:
		for _, s := range value {
			out = append(out, Element{s.F, s.Metric})
		}
	case promql.Scalar:
		out = []Element{{value.V, labels.EmptyLabels()}}
	case nil:
	default:
		return nil, fmt.Errorf("asking %q: the result is a %s and no vector", q.Text, value.Type())
	}
	slices.SortStableFunc(out, func(a, b Element) int { return labels.Compare(a.labels, b.labels) })
	return out, nil
}

// Equal says that two elements are the same to the last bit, any NaN equal to any.
func (e Element) Equal(other Element) bool {
	same := math.Float64bits(e.Value) == math.Float64bits(other.Value) || math.IsNaN(e.Value) && math.IsNaN(other.Value)
	return same && labels.Equal(e.labels, other.labels)
}
