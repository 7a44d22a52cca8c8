package expr

import (
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/policy/query"
)

// INV-1, with the worked examples: a sum over the pods grows, its mean does not, and of a
// name that a recording rule made nothing is known.
func TestForms(t *testing.T) {
	const running = `vllm:num_requests_running{namespace="demo"}`
	for _, c := range []struct {
		text         string
		many, perPod bool
		grows        Growth
		factor       float64 // 0: none
		zero         bool
		apart        string
	}{
		{running, true, true, unclear, 1, false, ""},
		{"sum(" + running + ")", false, false, Extensive, 1, false, ""},
		{"sum by (pod) (" + running + ")", true, true, Extensive, 1, false, "pod"},
		{"sum by (namespace) (" + running + ")", false, false, Extensive, 1, false, ""},
		{"avg(" + running + ")", false, false, Intensive, 1, false, ""},
		{"sum(" + running + ") / 8", false, false, Extensive, 1. / 8, false, ""},
		{"0.5 * (sum(" + running + ") / 8)", false, false, Extensive, 1. / 16, false, ""},
		{"sum(" + running + ") + 1", false, false, Extensive, 0, false, ""},
		{"sum(" + running + ") / count(up)", false, false, Intensive, 1, false, ""},
		{"sum(" + running + ") or vector(0)", false, false, Extensive, 1, true, ""},
		{"sum(" + running + ") or on() vector(0)", false, false, Extensive, 1, true, ""},
		{`histogram_quantile(0.9, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[1m])))`, false, false, Intensive, 1, false, ""},
		{"demo:load", true, false, unclear, 1, false, ""},
		{"topk(1, " + running + ")", false, false, unclear, 1, false, ""},
	} {
		e, err := query.Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		factor, _ := Factor(e)
		if _, linear := Factor(e); !linear {
			factor = 0
		}
		if Many(e) != c.many || PerPod(e) != c.perPod || Grows(e) != c.grows || factor != c.factor || OrZero(e) != c.zero ||
			strings.Join(Apart(e), ",") != c.apart {
			t.Errorf("%s: many %v, per pod %v, grows %v, factor %v, or zero %v, apart %q; want %+v",
				c.text, Many(e), PerPod(e), Grows(e), factor, OrZero(e), Apart(e), c)
		}
	}
}
