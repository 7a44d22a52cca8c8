package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
)

// pastServer is a Prometheus of one service with two requests per second of 1024 tokens
// to 128, for the user me with the password secret.
func pastServer(t *testing.T) *httptest.Server {
	now := time.Date(2026, 3, 1, 12, 0, 7, 0, time.UTC).Unix()
	// By what a query contains: the values at all times, with their label le.
	known := []struct {
		part   string
		values [][2]string
	}{
		{"count_over_time", [][2]string{{"", "40"}}}, // in ten minutes
		{"rate(", [][2]string{{"", "2"}}},
		{"waiting", [][2]string{{"", "0"}}},
		{"prompt_tokens_sum", [][2]string{{"", "1024"}}},
		{"generation_tokens_sum", [][2]string{{"", "128"}}},
		{"prompt_tokens_bucket", [][2]string{{"1000.0", "0"}, {"2000.0", "1"}, {"+Inf", "1"}}},
		{"generation_tokens_bucket", [][2]string{{"100.0", "0"}, {"200.0", "1"}, {"+Inf", "1"}}},
	}
	matrix := func(r *http.Request) any {
		all := []any{}
		for _, k := range known {
			if strings.Contains(r.FormValue("query"), k.part) {
				for _, v := range k.values {
					all = append(all, constant(r, v[0], v[1]))
				}
			}
		}
		return map[string]any{"resultType": "matrix", "result": all}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var data any
		switch r.URL.Path {
		case "/api/v1/query":
			data = map[string]any{"resultType": "scalar", "result": []any{now, fmt.Sprint(now)}}
		case "/api/v1/series":
			data = []any{map[string]string{"namespace": "demo", "isvc_name": "llama"}}
		case "/api/v1/query_range":
			data = matrix(r)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
	}))
	t.Cleanup(s.Close)
	return s
}

// constant is a series with one value at all points of a range.
func constant(r *http.Request, le, value string) any {
	start, _ := strconv.ParseFloat(r.FormValue("start"), 64)
	end, _ := strconv.ParseFloat(r.FormValue("end"), 64)
	step, _ := strconv.ParseFloat(r.FormValue("step"), 64)
	var values [][]any
	for at := start; at <= end; at += step {
		values = append(values, []any{at, value})
	}
	return map[string]any{"metric": map[string]string{"le": le}, "values": values}
}

// The service is asked for by the labels that its manifest gives it.
func TestConvertFromPrometheus(t *testing.T) {
	t.Setenv("HTTP_PROXY", "")
	t.Setenv("FLYBALL_PROMETHEUS_USER", "me")
	t.Setenv("FLYBALL_PROMETHEUS_PASSWORD", "secret")
	file := filepath.Join(t.TempDir(), "service.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService"+kservetest.Guide), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := runs("convert", "-f", file, "--from-prometheus", pastServer(t).URL, "--last", "30m", "--seeds", "1")
	if code != 0 || !strings.Contains(errOut, "read from Prometheus: ") || strings.Contains(errOut, "hint: ") {
		t.Fatalf("convert: exit %d, %s", code, errOut)
	}
	for _, want := range []string{"demo/llama", "\nguide mode ", "\nobjective mode "} {
		_, simulated, _ := strings.Cut(out, "\nSIMULATED\n")
		if !strings.Contains(simulated, want) {
			t.Errorf("simulated: %s\nwant %q", simulated, want)
		}
	}
}

func TestSimulateFromPrometheus(t *testing.T) {
	t.Setenv("HTTP_PROXY", "")
	s := pastServer(t)
	folder := t.TempDir()
	secret, page := filepath.Join(folder, "secret"), filepath.Join(folder, "report.html")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"simulate", "--law", "static:n=1", "--from-prometheus", s.URL, "--last", "30m", "--seeds", "2"}
	login := []string{"--prometheus-user", "me", "--prometheus-password-file", secret}
	for _, c := range []struct {
		more     []string
		code     int
		out, err string
	}{
		{append(login, "-o", "json", "--html", page), 0, `^\{
  "scenario": "demo/llama, 30m until 2026-03-01 12:00 UTC",
  (.*\n)*  "results": \[\n(.*\n)*.*"requests": 3[5-7]\d\d`, `^read from Prometheus: demo/llama, 30m until 2026-03-01 12:00 UTC, in steps of 1m: 3600 requests, 2.00/s on average, 2.00/s at most; 1024 tokens in and 128 out on average
$`},
		{append(login, "--service", "demo/llama"), 0, `\n\nLAW .*\nstatic:n=1 +\d`, `^read from `},
		{append(login, "-f", "../../examples/guide"), 0, `\n\nLAW .*\ndemo/llama +\d.*\nstatic:n=1 +\d`, `^read from Prometheus: demo/llama`},
		{append(login, "--service", "demo/lama"), 2, `^$`, `^flyball: no series of the service "demo/lama" in the last 30m
hint: --service is one of demo/llama
$`},
		{nil, 2, `^$`, `^flyball: asking Prometheus: client_error: client error: 401
hint: it wants credentials: --prometheus-user USER --prometheus-password-file FILE
$`},
	} {
		var out, errOut bytes.Buffer
		code := Main(slices.Concat(args, c.more), strings.NewReader(""), &out, &errOut)
		if code != c.code || !regexp.MustCompile(c.out).MatchString(out.String()) || !regexp.MustCompile(c.err).MatchString(errOut.String()) {
			t.Errorf("simulate … %q = %d\n%s\n%s\nwant %d\n%s\n%s", c.more, code, out.String(), errOut.String(), c.code, c.out, c.err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil || !bytes.Contains(text, []byte("Simulated: demo/llama, 30m until")) {
		t.Errorf("%s: %v: no title", page, err)
	}
}

// An answer that does not end is not read to its end.
func TestLimited(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		part := make([]byte, 1<<20)
		for {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	t.Setenv("HTTP_PROXY", "")
	var out, errOut bytes.Buffer
	code := Main([]string{"simulate", "--law", "hpa", "--from-prometheus", s.URL}, strings.NewReader(""), &out, &errOut)
	if code != 2 || !strings.Contains(errOut.String(), "an answer of more than 67108864 bytes") {
		t.Errorf("exit %d: %s", code, errOut.String())
	}
}
