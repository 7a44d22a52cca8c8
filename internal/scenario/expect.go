package scenario

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/flyball-dev/flyball/internal/score"
)

// An Expectation is a bound on the mean over the seeds of one of a law's numbers.
type Expectation struct {
	Law, Measure, Op string
	Value            float64
}

func (e Expectation) String() string {
	return fmt.Sprintf("%s %s %s %s", e.Law, e.Measure, e.Op, strconv.FormatFloat(e.Value, 'g', -1, 64))
}

// Measures are the numbers of a Result that can be expected, by name.
func Measures() map[string]func(score.Result) float64 {
	return map[string]func(score.Result) float64{
		"attainment":           func(r score.Result) float64 { return r.Attainment },
		"attainment-published": func(r score.Result) float64 { return r.AttainmentPublished },
		"average-replicas":     func(r score.Result) float64 { return r.AverageReplicas },
		"gpu-hours":            func(r score.Result) float64 { return r.GPUHours },
		"aborted":              func(r score.Result) float64 { return float64(r.Aborted) },
		"ttft-p99":             func(r score.Result) float64 { return r.Latency[score.TTFT].P99.Seconds() },
		"tpot-p99":             func(r score.Result) float64 { return r.Latency[score.TPOT].P99.Seconds() },
		"thrash":               func(r score.Result) float64 { return float64(r.Thrash) },
	}
}

func readExpectation(f *File, args []string, _ Env) error {
	if len(args) != 4 {
		return errors.New("write LAW MEASURE OPERATOR NUMBER, as hpa attainment >= 0.95")
	}
	e := Expectation{Law: args[0], Measure: args[1], Op: args[2]}
	var err error
	switch e.Value, err = strconv.ParseFloat(args[3], 64); {
	case err != nil:
		return fmt.Errorf("%q is no number", args[3])
	case Measures()[e.Measure] == nil:
		return fmt.Errorf("no measure %q", e.Measure)
	case e.Op != ">=" && e.Op != "<=":
		return fmt.Errorf("%q is neither >= nor <=", e.Op)
	}
	f.Expects = append(f.Expects, e)
	return nil
}

// Check is empty if the results of the seeds are as expected, otherwise it says what
// is not.
func (e Expectation) Check(results []score.Result) string {
	var values []float64
	for _, r := range results {
		values = append(values, Measures()[e.Measure](r))
	}
	got := score.Over(values).Mean
	if e.Op == ">=" && got >= e.Value || e.Op == "<=" && got <= e.Value {
		return ""
	}
	return fmt.Sprintf("expected %s, it is %.4g", e, got)
}
