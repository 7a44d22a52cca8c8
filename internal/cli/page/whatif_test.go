package page

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/data"
	command "github.com/flyball-dev/flyball/internal/cli/simulate"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/simulate"
	"github.com/flyball-dev/flyball/internal/web"
)

const (
	guide = "../../../examples/guide/07-service.yaml"
	// share of the recorded day's requests: as many as a few replicas serve.
	share = 0.01
)

// A day is the second of the week that data/azure2024_rate.csv records of Azure's conversations.
type day struct {
	from  []float64 // seconds of the week
	rates []float64 // requests per second from then on
}

func recordedDay(t *testing.T) day {
	t.Helper()
	f, err := data.Open("azure2024_rate.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var d day
	for _, line := range lines[1:] {
		from, fromErr := strconv.ParseFloat(line[1], 64)
		rate, rateErr := strconv.ParseFloat(line[2], 64)
		if fromErr != nil || rateErr != nil {
			t.Fatalf("line %q", line)
		}
		if line[0] == "conv" {
			d.from, d.rates = append(d.from, from), append(d.rates, share*rate)
		}
	}
	return d
}

// at is the rate at a second of the day.
func (d day) at(second float64) float64 {
	rate := 0.0
	for i, from := range d.from {
		if from <= 86400+second {
			rate = d.rates[i]
		}
	}
	return rate
}

// prometheus answers as one that has recorded the day, which has just ended, of demo/llama.
func (d day) prometheus(t *testing.T) *httptest.Server {
	end := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Unix()
	constant := func(v string) func(float64) string { return func(float64) string { return v } }
	type series struct {
		part, le string
		of       func(second float64) string
	}
	known := []series{ // by what a query contains
		{"count_over_time", "", constant("40")}, // in ten minutes
		{"rate(", "", func(second float64) string { return fmt.Sprint(d.at(second)) }},
		{"waiting", "", constant("0")},
		{"prompt_tokens_sum", "", constant("1024")},
		{"generation_tokens_sum", "", constant("200")},
		{"prompt_tokens_bucket", "1000.0", constant("0")},
		{"prompt_tokens_bucket", "2000.0", constant("1")},
		{"prompt_tokens_bucket", "+Inf", constant("1")},
		{"generation_tokens_bucket", "100.0", constant("0")},
		{"generation_tokens_bucket", "500.0", constant("1")},
		{"generation_tokens_bucket", "+Inf", constant("1")},
	}
	matrix := func(q url.Values) any {
		start, _ := strconv.ParseFloat(q.Get("start"), 64)
		until, _ := strconv.ParseFloat(q.Get("end"), 64)
		step, _ := strconv.ParseFloat(q.Get("step"), 64)
		all := []any{}
		for _, s := range known {
			if !strings.Contains(q.Get("query"), s.part) {
				continue
			}
			var values [][]any
			for at := start; at <= until; at += step {
				values = append(values, []any{at, s.of(at - step - float64(end-86400))})
			}
			all = append(all, map[string]any{"metric": map[string]string{"le": s.le}, "values": values})
		}
		return map[string]any{"resultType": "matrix", "result": all}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		var answer any
		switch r.URL.Path {
		case "/api/v1/query":
			answer = map[string]any{"resultType": "scalar", "result": []any{end, fmt.Sprint(end)}}
		case "/api/v1/series":
			answer = []any{map[string]string{"namespace": "demo", "isvc_name": "llama"}}
		case "/api/v1/query_range":
			answer = matrix(r.Form)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": answer})
	}))
	t.Cleanup(s.Close)
	return s
}

// asked is the page's answer, by its own way: a request to its server.
func asked(t *testing.T, address string, kube client.Reader, question url.Values) (a web.Answer, runs int) {
	t.Helper()
	o := options{address: address}
	s, err := web.New(web.Config{Try: func(ctx context.Context, q web.Question, done func()) (web.Answer, error) {
		return o.whatIf(ctx, kube, q, done)
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:7700/api/whatif?"+question.Encode(), nil))
	told := struct {
		Runs   int
		Error  string
		Answer *web.Answer
	}{}
	for line := range strings.Lines(w.Body.String()) {
		text, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(text), &told); err != nil {
			t.Fatal(err)
		}
	}
	if told.Answer == nil {
		t.Fatalf("status %d, no answer: %s", w.Code, told.Error)
	}
	return *told.Answer, told.Runs
}

// swept are the points that a command makes in a folder with the service's manifest, and what it
// says beside them.
func swept(t *testing.T, line string, manifest []byte) (points []web.Tried, said string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("llama.yaml", manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	c := command.New(&terminal.Streams{In: strings.NewReader(""), Out: &out, Err: &errOut})
	c.SetArgs(append(strings.Fields(line)[2:], "-o", "json"))
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	var told struct{ Results []simulate.Row }
	if err := json.Unmarshal(out.Bytes(), &told); err != nil {
		t.Fatal(err)
	}
	for _, r := range told.Results {
		points = append(points, web.Tried{
			Value: strings.TrimPrefix(r.Law, "target="), Attainment: r.Attainment, AttainmentHalf: r.CI95["attainment"], GPUHours: r.GPUHours, GPUHoursHalf: r.CI95["gpuHours"],
			Replicas: r.AverageReplicas, Promise: r.Promise, Keeps: string(r.Keeps), TTFTP99: r.TTFTP99, TPOTP99: r.TPOTP99,
		})
	}
	return points, errOut.String()
}

// The curve of the page is that of the command that stands below it, on a recorded day of 24
// hours: every point of it has the same figures.
func TestWhatIfOnARecordedDay(t *testing.T) {
	t.Setenv("HTTP_PROXY", "")
	prometheus := recordedDay(t).prometheus(t)
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	service := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &service.Object); err != nil {
		t.Fatal(err)
	}
	kube := kubetest.Client(t, service)
	a, runs := asked(t, prometheus.URL, kube, url.Values{"id": {"demo/llama"}, "values": {"1..3"}, "objective": {"ttft:p90:3s", "tpot:p90:100ms"}, "last": {"24h"}})

	want, said := swept(t, a.Command, text)
	if diff := cmp.Diff(want, a.Tried); diff != "" || len(a.Tried) != 3 || runs != 9 {
		t.Errorf("%d targets in %d runs, want 3 in 9; -command +page\n%s", len(a.Tried), runs, diff)
	}
	for i, one := range a.Tried {
		if i > 0 && one.GPUHours >= a.Tried[i-1].GPUHours {
			t.Errorf("the day tells target %s from %s by nothing: %g GPU-hours", one.Value, a.Tried[i-1].Value, one.GPUHours)
		}
		t.Logf("target %s: attainment %.4f, %.2f GPU-hours", one.Value, one.Attainment, one.GPUHours)
	}
	if !strings.Contains(said, "demo/llama, 24h until 2026-03-02 00:00 UTC") {
		t.Errorf("the command said %q, want the day", said)
	}
	t.Logf("%s\n%s", a.Command, said)
}
