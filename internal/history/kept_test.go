package history_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/history"
	"github.com/flyball-dev/flyball/internal/score"
)

func promised() []score.Objective {
	return []score.Objective{{Metric: score.TTFT, Quantile: .9, Target: 3 * time.Second}, {Metric: score.TPOT, Quantile: .9, Target: 100 * time.Millisecond}}
}

// answers has a pod answer one request a second, of which a share is within each bound.
func (s *store) answers(until time.Duration, metric string, upTo map[string]float64, labels ...string) {
	for at := 3 * time.Second; at < until; at += 15 * time.Second {
		for le, share := range upTo {
			s.write(at, share*at.Seconds(), metric+"_bucket", append([]string{"le", le, "namespace", "demo"}, labels...)...)
		}
	}
}

const (
	ttft = "vllm:time_to_first_token_seconds"
	tpot = "vllm:request_time_per_output_token_seconds"
)

// What is kept of two objectives, over time and in all: of an InferenceService by its label, of
// another workload by the names of its pods.
func TestKept(t *testing.T) {
	s := newStore(t)
	s.now = time.Hour
	for _, labels := range [][]string{{"isvc_name", "llama", "pod", "llama-predictor-0"}, {"pod", "plain-7d9f8-x2x4z"}} {
		s.answers(time.Hour, ttft, map[string]float64{"2.0": .93, "4.0": .97, "+Inf": 1}, labels...)
		s.answers(time.Hour, tpot, map[string]float64{"0.1": .9, "+Inf": 1}, labels...)
	}
	s.answers(time.Hour, ttft, map[string]float64{"2.0": .1, "+Inf": 1}, "pod", "plain-b-7d9f8-x2x4z")
	for _, of := range []history.Subject{
		{Service: "demo/llama", Objectives: promised()}, {Service: "demo/plain", Pods: "plain-[a-z0-9]+-[a-z0-9]+", Objectives: promised()},
	} {
		c, err := history.ReadChart(t.Context(), s.dial(), of, history.Span{From: epoch(), To: epoch().Add(time.Hour)}, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		near := func(got, want float64) bool { return math.Abs(got-want) < 1e-3 }
		if !near(c.Whole.All, .855) || !near(c.Whole.Each[0], .95) || !near(c.Whole.Each[1], .9) || !near(c.Kept[100], .855) || !math.IsNaN(c.Kept[0]) {
			t.Errorf("%s: kept %+v, at one time %v, before all %v, want 0.855, and none before all", of.Service, c.Whole, c.Kept[100], c.Kept[0])
		}
	}
}

// prometheus answers instant queries with buckets, by what a query contains.
func prometheus(t *testing.T, answers map[string]string) (client api.Client, asked *[]string) {
	t.Helper()
	asked = new([]string)
	return dial(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.FormValue("query"))
		for part, result := range answers {
			if strings.Contains(r.FormValue("query"), part) {
				fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, result)
				return
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "vector", "result": []any{}}})
	})), asked
}

func bucket(isvc, pod, le string, n int) string {
	return fmt.Sprintf(`{"metric":{"namespace":"demo","isvc_name":%q,"pod":%q,"le":%q},"value":[1772370000,"%d"]}`, isvc, pod, le, n)
}

// What many services keep is two queries; nobody knows it of one without a request.
func TestReadKept(t *testing.T) {
	client, asked := prometheus(t, map[string]string{
		ttft: strings.Join([]string{
			bucket("llama", "a", "3.0", 90), bucket("llama", "a", "+Inf", 100), bucket("llama", "b", "3.0", 50), bucket("llama", "b", "+Inf", 100),
			bucket("", "plain-7-x", "3.0", 80), bucket("", "plain-7-x", "+Inf", 100), bucket("", "plain-b-7-x", "3.0", 1), bucket("", "plain-b-7-x", "+Inf", 100),
		}, ","),
		tpot: bucket("llama", "a", "0.1", 100) + "," + bucket("llama", "a", "+Inf", 100),
	})
	got, err := history.ReadKept(t.Context(), client, []history.Subject{
		{Service: "demo/llama", Objectives: promised()}, {Service: "demo/plain", Pods: "plain-[0-9]-.", Objectives: promised()},
		{Service: "demo/idle", Objectives: promised()},
	}, 30*time.Minute)
	if err != nil || len(got) != 3 || got[0].All != .7 || got[1].All != .8 || !math.IsNaN(got[1].Each[1]) || !math.IsNaN(got[2].All) {
		t.Errorf("ReadKept = %+v, %v, want 0.7, 0.8 and no number", got, err)
	}
	if len(*asked) != 2 || !strings.Contains((*asked)[0], `namespace=~"demo"}[1800000ms]`) {
		t.Errorf("asked %q, want two queries of the last 30 minutes", *asked)
	}
	broken, _ := prometheus(t, map[string]string{ttft: bucket("llama", "a", "x", 1)})
	if _, err := history.ReadKept(t.Context(), broken, []history.Subject{{Service: "demo/llama", Objectives: promised()}}, time.Hour); err == nil || len(hint.Of(err)) == 0 {
		t.Errorf("of a bucket without a bound: %v, want an error with a hint", err)
	}
}
