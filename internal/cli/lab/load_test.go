package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/cli/usage"
	"github.com/flyball-dev/flyball/internal/load"
)

// answering streams two tokens to the first good requests and nothing to the others.
func answering(t *testing.T, good int) (url string) {
	t.Helper()
	left := make(chan struct{}, good)
	for range good {
		left <- struct{}{}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-left:
			fmt.Fprint(w, `data: {"choices":[{"text":"a b","finish_reason":"length"}]}`+"\n\n"+
				`data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}`+"\n\ndata: [DONE]\n\n")
		default:
			http.Error(w, "overloaded", http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func runLoad(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := &cobra.Command{Use: "flyball", SilenceErrors: true, SilenceUsage: true}
	cmd.AddCommand(Commands(&terminal.Streams{Out: &stdout, Err: &stderr}, nil)...)
	usage.Keep(cmd, &terminal.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	cmd.SetArgs(append([]string{"load", "--model", "m"}, args...))
	err = cmd.ExecuteContext(t.Context())
	if stderr.Len() > 0 {
		t.Errorf("stderr = %q, want nothing where it is no terminal", stderr.String())
	}
	return stdout.String(), err
}

func traceFile(t *testing.T, rows string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trace.csv")
	if err := os.WriteFile(name, []byte("arrival_s,input_tokens,output_tokens\n"+rows), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestLoadTable(t *testing.T) {
	out, err := runLoad(t, "--url", answering(t, 2), "--trace", traceFile(t, "0,3,2\n0.05,3,2\n0.1,3,2\n"))
	if !errors.Is(err, terminal.ErrNo) {
		t.Errorf("load with a lost request = %v, want %v", err, terminal.ErrNo)
	}
	out = regexp.MustCompile(`\d+\.\d+`).ReplaceAllString(out, "N")
	want := `3 requests in N s: N ok/s, N output tokens/s
  ok          2
  http_error  1  429 Too Many Requests: overloaded

       seconds   mean    p50    p90    p99    max
          TTFT  N  N  N  N  N
     from send  N  N  N  N  N
          TPOT  N  N  N  N  N
           E2E  N  N  N  N  N
     from send  N  N  N  N  N
  sent late by  N  N  N  N  N
`
	trim := regexp.MustCompile(`(?m) +$`)
	if d := cmp.Diff(want, trim.ReplaceAllString(out, "")); d != "" {
		t.Errorf("table (-want +got):\n%s", d)
	}
}

func TestLoadJSON(t *testing.T) {
	out, err := runLoad(t, "--url", answering(t, 9), "--stages", "100ms:30,50ms:0", "--arrivals", "constant", "--output-tokens", "2", "-o", "json")
	var got struct {
		Sent     int
		Outcomes map[string]int
		TTFT     struct{ Count int } `json:"ttft_seconds"`
	}
	if jsonErr := json.Unmarshal([]byte(out), &got); err != nil || jsonErr != nil {
		t.Fatalf("load -o json = %v, %v:\n%s", err, jsonErr, out)
	}
	if got.Sent != 3 || got.Outcomes["ok"] != 3 || got.TTFT.Count != 3 {
		t.Errorf("load -o json = %+v, want 3 sent and ok", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	const url = "http://127.0.0.1:1"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "--url is missing"},
		{[]string{"--url", url, "--rate", "-1"}, "load: stage 1: rate -1"},
		{[]string{"--url", url, "--rate", "1", "--stages", "1s:1"}, "--stages and --rate exclude each other"},
		{[]string{"--url", url, "--stages", "1s:1,2s"}, `--stages: "2s" is not DURATION:RATE`},
		{[]string{"--url", url, "--trace", "no-such-file"}, "--trace: open no-such-file"},
		{[]string{"--url", url, "--arrivals", "uniform"}, "--arrivals: arrivals are poisson or constant"},
		{[]string{"--url", url, "--api", "responses"}, "--api: the API is chat or completions"},
		{[]string{"--url", url, "-o", "xml"}, "-o xml: unknown format"},
		{[]string{"--url", "llama.demo.svc"}, "is not http://HOST or https://HOST"},
	} {
		out, err := runLoad(t, tt.args...)
		if err == nil || errors.Is(err, terminal.ErrNo) || !strings.Contains(err.Error(), tt.want) || out != "" {
			t.Errorf("load %v = %q, %v, want %s", tt.args, out, err, tt.want)
		}
	}
	_, err := runLoad(t, "--url", url, "--trace", traceFile(t, "0,3,none\n"))
	if err == nil || !strings.Contains(err.Error(), "trace.csv: line 2: output_tokens") {
		t.Errorf("load of a bad trace = %v, want its file and line", err)
	}
}

// The first example of the help is of the guide's service, and reaches it where flyball up
// runs: through the lab's proxy, under the name of its model.
func TestLoadExample(t *testing.T) {
	var host, model string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Model string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("a request that is no JSON: %v", err)
		}
		host, model = r.URL.Host, body.Model
		http.Error(w, "seen", http.StatusTooManyRequests)
	}))
	t.Cleanup(proxy.Close)
	t.Setenv("FLYBALL_PROXY", proxy.URL)
	example, _, _ := strings.Cut(strings.TrimSpace(newLoad(&terminal.Streams{}).Example), "\n")
	words := append(strings.Fields(example)[2:], "--rate", "20", "--duration", "100ms", "--arrivals", "constant", "--max-in-flight", "1")
	if _, err := runLoad(t, words...); !errors.Is(err, terminal.ErrNo) {
		t.Fatalf("load = %v, want %v: all are refused", err, terminal.ErrNo)
	}
	guide, err := os.ReadFile("../../../examples/guide/00-prerequisites.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if host != "llama-predictor.demo.svc" || !strings.Contains(string(guide), "--served-model-name="+model+"\n") {
		t.Errorf("%s asked host %q for model %q", example, host, model)
	}
}

func TestLiveLine(t *testing.T) {
	var b bytes.Buffer
	l := liveLine{w: &b}
	l.show(load.Snapshot{Elapsed: time.Second, Sent: 4, InFlight: 1, Outcomes: load.Counts{load.OK: 2, load.Cut: 1}, OutputTokens: 256, TTFT: 120 * time.Millisecond})
	l.show(load.Snapshot{Elapsed: 3 * time.Second, Sent: 10, OutputTokens: 456})
	l.clear()
	want := "\r\x1b[K1s  4.0 req/s  sent 4  in flight 1  ok 2  lost 1  ttft 0.12s  256 tok/s  lag 0.00s" +
		"\r\x1b[K3s  3.0 req/s  sent 10  in flight 0  ok 0  lost 0  ttft 0.00s  100 tok/s  lag 0.00s\r\x1b[K"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("live line (-want +got):\n%s", d)
	}
}
