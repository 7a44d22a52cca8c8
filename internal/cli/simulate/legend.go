package simulate

import (
	"fmt"
	"io"
	"slices"

	"github.com/flyball-dev/flyball/internal/simulate"
)

// legends say what each column is, by its title.
func legends(currency string) map[string]string {
	return map[string]string{
		"LAW":               "what asks for replicas: an object of the manifests, or a law by its name",
		"ATTAINMENT":        "share of the requests that meet every objective, ± half the width of the 95 % interval over the seeds; an aborted request misses",
		"REPLICAS":          "pending, starting and ready ones, mean over time",
		"GPU-HOURS":         "of replicas that hold GPUs: starting, ready and draining",
		currency + "/MONTH": "what the GPU-hours cost, if it went on like this for 730 hours",
		"TTFT-P99":          "time to first token, of requests that were not aborted: 99 % are faster",
		"TPOT-P99":          "time per output token, of requests that were not aborted: 99 % are faster",
		"EXCESS":            "GPU-hours above the cheapest mix of these laws with the same attainment",
		"PUBLISHED":         "attainment as llm-d's benchmark counts it: a request that misses two objectives counts twice",
		"WORST-5M":          "the least attainment of five minutes' arrivals",
		"COST":              "of the whole run, in " + currency,
		"TTFT-P50":          "time to first token: half of the requests are faster",
		"E2E-P99":           "time to the last token: 99 % of the requests are faster",
		"REQUESTS":          "how many arrived",
		"COMPLETED":         "how many were answered whole",
		"ABORTED":           "how many were not",
		"PEAK-WAITING":      "the most requests that waited at a time",
		"EVENTS":            "how often another number of replicas was asked for",
		"THRASH":            "how often fewer replicas were asked for, and more again within one cold start",
		"REACTION":          "median time from the first miss after a calm minute to the next scale-up",
	}
}

// legend explains the columns whose title does not, beside a table.
func (o *options) legend(w io.Writer, rows []simulate.Row) error {
	var titles []string
	if slices.ContainsFunc(rows, func(r simulate.Row) bool { return r.Excess != nil }) {
		titles = append(titles, "EXCESS")
	}
	if o.output == "wide" {
		titles = append(titles, "PUBLISHED", "THRASH", "REACTION")
	}
	all := legends("")
	for _, title := range titles {
		if _, err := fmt.Fprintf(w, "%s: %s\n", title, all[title]); err != nil {
			return err
		}
	}
	return nil
}
