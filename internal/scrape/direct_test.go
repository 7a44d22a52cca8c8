package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
)

// direct asks where pods answer, by their names; a pod serves unless it is in starting.
func direct(t *testing.T, at map[string]string, starting ...string) *Direct {
	t.Helper()
	d, err := NewDirect(DirectConfig{
		Interval: time.Second, Timeout: time.Hour, // a machine under load is no slow pod
		Address: func(_ context.Context, _, pod string) (string, bool) { return at[pod], !slices.Contains(starting, pod) },
	}, promise.Law{}.Needs())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.client.CloseIdleConnections)
	return d
}

// shows is where a pod answers with a text.
func shows(t *testing.T, text string) string {
	t.Helper()
	return serves(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}

func serves(t *testing.T, by http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(by)
	t.Cleanup(server.Close)
	return server.URL + "/metrics"
}

const nobody = "http://127.0.0.1:1/metrics"

// Direct reads of a pod what a Prometheus that has just scraped it tells.
func TestDirect(t *testing.T) {
	w := &world{}
	w.scrape(now, "a", exposition("0"))
	fleets := map[Service][]string{llama: {"a", "gone", "unknown"}}
	told, err := w.asks(t, Config{}).Read(t.Context(), now, fleets)
	if err != nil {
		t.Fatal(err)
	}
	got, err := direct(t, map[string]string{"a": shows(t, exposition("0")), "gone": nobody}).Read(t.Context(), now, fleets)
	if want := "reading the metrics of pod demo/gone at " + nobody + ": connect: connection refused"; err == nil || err.Error() != want {
		t.Errorf("Read() = %v, want %s", err, want)
	}
	for i := range got[llama] { // when it answered
		e := &got[llama][i]
		if at := e.Pods[0].At - since(now); at <= 0 || at > time.Minute {
			t.Fatalf("%v is of %v after the read began", e.Signal, at)
		}
		e.Pods[0].At = since(now)
	}
	if diff := cmp.Diff(told, got, approximately); diff != "" {
		t.Errorf("-Prometheus +direct\n%s", diff)
	}
	if got := qualities(got[llama].Of(reading.TTFTs)); got != "fresh absent absent" {
		t.Errorf("Read() = %s", got)
	}
}

// A pod that is not ready need not answer: that is nothing to tell anybody.
func TestDirectStarting(t *testing.T) {
	d := direct(t, map[string]string{"a": shows(t, exposition("0")), "b": nobody}, "b")
	sets, err := d.Read(t.Context(), now, map[Service][]string{llama: {"a", "b"}})
	if err != nil || qualities(sets[llama].Of(reading.Running)) != "fresh absent" {
		t.Errorf("Read() = %s, %v", qualities(sets[llama].Of(reading.Running)), err)
	}
}

// INV-3, M16: a pod cannot make its reader swallow anything.
func TestDirectLimits(t *testing.T) {
	for name, text := range map[string]string{
		"long":      strings.Repeat("# nothing to see\n", directMostBytes/16),
		"much":      strings.Repeat("vllm:num_requests_running{a=\"b\"} 1\n", directMostKept/16),
		"no metric": "<html>",
	} {
		sets, err := direct(t, map[string]string{"a": shows(t, text)}).Read(t.Context(), now, map[Service][]string{llama: {"a"}})
		if err == nil || name != "no metric" && !errors.Is(err, ErrTooLarge) || qualities(sets[llama].Of(reading.Running)) != "absent" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// INV-3: pods that do not answer cost those that do no reading: not the first time, while there
// are no more of them than are asked at a time, and no number of them from the second time on.
func TestDirectSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := direct(t, map[string]string{})
		d.Timeout = time.Second
		d.Address = func(_ context.Context, _, pod string) (string, bool) { return "http://" + pod + "/metrics", true }
		d.client.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
			if !strings.HasPrefix(r.URL.Host, "a") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			<-time.After(100 * time.Millisecond)
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(exposition("0")))}, nil
		})
		fleets := map[Service][]string{llama: nil}
		for i := range directParallel - 1 {
			fleets[llama] = append(fleets[llama], fmt.Sprintf("%03d", i))
		}
		fleets[llama] = append(fleets[llama], "a")
		read := func() (string, time.Duration) {
			began := time.Now()
			sets, err := d.Read(t.Context(), now, fleets)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Read() = %v, want that a pod does not answer", err)
			}
			return sets[llama].Of(reading.Running).Pods[len(fleets[llama])-1].Quality.String(), time.Since(began)
		}
		if quality, took := read(); quality != "fresh" || took != d.Timeout/directAgain {
			t.Errorf("the first time: %s after %v, want fresh after %v", quality, took, d.Timeout/directAgain)
		}
		for i := range 10 * directParallel {
			fleets[llama] = append([]string{fmt.Sprintf("more-%d", i)}, fleets[llama]...)
		}
		if quality, took := read(); quality != "fresh" || took > d.Timeout {
			t.Errorf("of many: %s after %v, want fresh within %v", quality, took, d.Timeout)
		}
	})
}

// INV-4: where a pod redirects to nobody goes.
func TestDirectRedirect(t *testing.T) {
	var asked atomic.Bool
	other := serves(t, func(http.ResponseWriter, *http.Request) { asked.Store(true) })
	from := serves(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) })
	_, err := direct(t, map[string]string{"a": from}).Read(t.Context(), now, map[Service][]string{llama: {"a"}})
	if asked.Load() || err == nil || !strings.HasSuffix(err.Error(), ": the answer is 302 Found") {
		t.Errorf("Read() = %v, asked elsewhere: %v", err, asked.Load())
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
		d, err := NewDirect(DirectConfig{}, promise.Law{}.Needs())
		if err != nil {
			t.Fatal(err)
		}
		kept, err := d.keep(strings.NewReader(text))
		if err != nil {
			return
		}
		rows, err := d.rows(kept, 0, since(now))
		if err != nil {
			return
		}
		sets, c := map[Service]reading.Set{}, crowdOf(map[Service][]string{llama: {"a"}})
		for i, f := range d.families {
			f.fill(c, cells(rows[i], time.Second), judge{since(now), time.Second, false}, sets)
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
