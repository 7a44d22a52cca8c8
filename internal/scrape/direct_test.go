package scrape

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
)

func direct(t *testing.T, text string) *Direct {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	t.Cleanup(server.Close)
	d, err := NewDirect(http.DefaultTransport, func(_, pod string) string {
		return map[string]string{"a": server.URL + "/metrics", "gone": "http://127.0.0.1:1/metrics"}[pod]
	}, time.Second, promise.Law{}.Needs())
	if err != nil {
		t.Fatal(err)
	}
	d.client.Timeout = 0 // a machine under load is no slow pod
	return d
}

// Direct reads of a pod what a Prometheus that has just scraped it tells.
func TestDirect(t *testing.T) {
	w := &world{}
	w.scrape(now, "a", exposition("0"))
	fleets := map[Service][]string{llama: {"a", "gone", "unknown"}}
	told, err := w.asks(t, Config{}).Read(t.Context(), now, fleets)
	if err != nil {
		t.Fatal(err)
	}
	got, err := direct(t, exposition("0")).Read(t.Context(), now, fleets)
	if err == nil || !strings.Contains(err.Error(), "reading the metrics of pod demo/gone: ") {
		t.Errorf("Read() = %v, want what pod gone lacks", err)
	}
	if diff := cmp.Diff(told, got, approximately); diff != "" {
		t.Errorf("-Prometheus +direct\n%s", diff)
	}
	if got := qualities(got[llama].Of(reading.TTFTs)); got != "fresh absent absent" {
		t.Errorf("Read() = %s", got)
	}
}

// INV-3, M16: a pod cannot make its reader swallow anything.
func TestDirectLimits(t *testing.T) {
	for name, text := range map[string]string{
		"long":      strings.Repeat("# nothing to see\n", directMostBytes/16),
		"no metric": "<html>",
	} {
		sets, err := direct(t, text).Read(t.Context(), now, map[Service][]string{llama: {"a"}})
		if err == nil || name == "long" && !errors.Is(err, ErrTooLarge) || qualities(sets[llama].Of(reading.Running)) != "absent" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// INV-1: whatever is answered, each pod has a reading, and what is usable is a number.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"vllm:num_requests_running","namespace":"demo","pod":"a"},"values":[[1799999990,"3"]]}]}}`)
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"vllm:time_to_first_token_seconds_bucket","namespace":"demo","pod":"a","le":"+Inf"},"values":[[1799999990,"NaN"]]}]}}`)
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"vllm:cache_config_info","namespace":"demo","pod":"b","num_gpu_blocks":"1e308","block_size":"1e308"},"values":[[1e300,"1"]]}]}}`)
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[null]}}`)
	f.Add(`{"status":"success","data":{}}`)
	f.Add(`{"status":"error","errorType":"timeout","error":"late"}`)
	f.Fuzz(func(t *testing.T, answer string) {
		all, err := families(promise.Law{}.Needs())
		if err != nil {
			t.Fatal(err)
		}
		p := &Prometheus{
			client: &http.Client{Transport: roundTrip(answer)}, address: "http://prometheus", config: Config{Interval: interval, Timeout: time.Minute}, families: all,
		}
		sets, _ := p.Read(t.Context(), now, fleet)
		checkWhole(t, sets[llama], 2)
	})
}

// INV-1: nor does a pod's own text make a number of what is none.
func FuzzExposition(f *testing.F) {
	f.Add(exposition("0"))
	f.Add("vllm:num_requests_running NaN\nvllm:time_to_first_token_seconds_bucket{le=\"x\"} 1\n")
	f.Add("# TYPE vllm:request_prompt_tokens histogram\nvllm:request_prompt_tokens_bucket{le=\"1\"} 5\nvllm:request_prompt_tokens_bucket{le=\"+Inf\"} 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		exposed, err := parse(strings.NewReader(text))
		if err != nil {
			return
		}
		all, err := families(promise.Law{}.Needs())
		if err != nil {
			t.Fatal(err)
		}
		sets, c := map[Service]reading.Set{}, crowdOf(map[Service][]string{llama: {"a"}})
		for _, f := range all {
			f.fill(c, cells(f.exposed(exposed, 0, since(now)), time.Second), judge{since(now), time.Second, false}, sets)
		}
		checkWhole(t, sets[llama], 1)
	})
}

func checkWhole(t *testing.T, set reading.Set, pods int) {
	t.Helper()
	for _, signal := range (promise.Law{}).Needs() {
		s := set.Of(signal)
		if len(s.Pods) != pods || signal.Definition().Func == reading.Buckets && len(s.Buckets) != pods {
			t.Fatalf("%v has %d readings and %d times buckets for %d pods", signal, len(s.Pods), len(s.Buckets), pods)
		}
		for i, p := range s.Pods {
			if p.Quality == reading.Fresh && !p.Usable() {
				t.Errorf("%v = %v is fresh", signal, p)
			}
			if i < len(s.Buckets) && len(s.Buckets[i]) != len(s.Bounds) {
				t.Errorf("%v has %d buckets for %d bounds", signal, len(s.Buckets[i]), len(s.Bounds))
			}
		}
	}
}
