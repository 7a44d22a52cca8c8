package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/flyball-dev/flyball/internal/score"
)

// An Expectation is a bound on the mean over the seeds of one of a law's numbers. Without
// a law it is of whatever is run.
type Expectation struct {
	Law, Measure, Op string
	Value            float64
}

func (e Expectation) String() string {
	return strings.TrimLeft(fmt.Sprintf("%s %s %s %s", e.Law, e.Measure, e.Op, strconv.FormatFloat(e.Value, 'g', -1, 64)), " ")
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
	e, err := ParseExpectation(strings.Join(args, " "))
	if err == nil {
		f.Expects = append(f.Expects, e)
	}
	return err
}

// ParseExpectation reads [LAW] MEASURE OPERATOR NUMBER.
func ParseExpectation(text string) (Expectation, error) {
	words := strings.Fields(text)
	if len(words) == 3 {
		words = append([]string{""}, words...)
	}
	if len(words) != 4 {
		return Expectation{}, errors.New("write MEASURE OPERATOR NUMBER, as attainment >= 0.95, with a law before it if it is of one only")
	}
	e := Expectation{Law: words[0], Measure: words[1], Op: words[2]}
	var err error
	switch e.Value, err = strconv.ParseFloat(words[3], 64); {
	case err != nil:
		return e, fmt.Errorf("%q is no number", words[3])
	case Measures()[e.Measure] == nil:
		return e, fmt.Errorf("no measure %q; there are %s", e.Measure, strings.Join(slices.Sorted(maps.Keys(Measures())), ", "))
	case e.Op != ">=" && e.Op != "<=":
		return e, fmt.Errorf("%q is neither >= nor <=", e.Op)
	}
	return e, nil
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
