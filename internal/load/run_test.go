package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func oneRequest(url string) Config {
	return Config{
		URL: url, Model: "m", API: Chat, MaxInFlight: 8, Timeout: time.Minute,
		Pacer: Pacer{Trace: []Arrival{{0, 3, 2}}},
	}
}

const (
	role   = `data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}` + "\n\n"
	token  = `data: {"choices":[{"delta":{"content":" a"},"finish_reason":null}]}` + "\n\n"
	last   = `data: {"choices":[{"delta":{"content":" b"},"finish_reason":"length"}]}` + "\n\n"
	counts = `data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}` + "\n\n"
	done   = "data: [DONE]\n\n"
)

// INV-2, INV-4
func TestOutcomes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer string
		want   Outcome
		detail string
	}{
		{"whole", role + token + last + counts + done, OK, ""},
		{"comments and CRLF", ": ping\r\n\r\n" + strings.ReplaceAll(role+token+last+counts+done, "\n", "\r\n"), OK, ""},
		{"stopped earlier", role + strings.ReplaceAll(last, "length", "stop") + strings.ReplaceAll(counts, ":2", ":1") + done, OK, ""},
		{"completions API", `data: {"choices":[{"text":"a","finish_reason":"length"}]}` + "\n\n" + counts + done, OK, ""},
		{"reasoning", `data: {"choices":[{"delta":{"reasoning":"hm"},"finish_reason":"length"}]}` + "\n\n" + counts + done, OK, ""},
		{"no [DONE]", role + token + last + counts, Cut, "after 2 events: the stream ended without [DONE]"},
		{"half an event", role + token + last[:30], Cut, "after 1 events: reading an event: unexpected end of JSON input"},
		{"nothing", "", Cut, "after 0 events: the stream ended without [DONE]"},
		{"not a stream", `{"choices":[]}`, Cut, "after 0 events: the stream ended without [DONE]"},
		{"no finish_reason", token + counts + done, Truncated, "no finish_reason"},
		{"aborted by the server", strings.ReplaceAll(last, "length", "abort") + counts + done, Truncated, "finish_reason abort"},
		{"no usage", token + last + done, Truncated, "no usage"},
		{"too few tokens", last + strings.ReplaceAll(counts, ":2", ":1") + done, Truncated, "1 tokens, 2 were asked for (finish_reason length)"},
		{"too many tokens", token + last + strings.ReplaceAll(counts, ":2", ":3") + done, Truncated, "3 tokens, 2 were asked for (finish_reason length)"},
		{"more events than tokens", token + token + last + counts + done, Truncated, "3 events with text for 2 tokens"},
		{"no text", role + strings.ReplaceAll(last, " b", "") + counts + done, Truncated, "0 events with text for 2 tokens"},
		{"error in the stream", token + `data: {"error":{"message":"engine died"}}` + "\n\n" + done, Truncated, `error in the stream: {"message":"engine died"}`},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tt.answer) }))
		checkOne(t, tt.name, oneRequest(server.URL), tt.want, tt.detail)
		server.Close()
	}
}

func checkOne(t *testing.T, name string, cfg Config, want Outcome, detail string) Result {
	t.Helper()
	result, err := Run(t.Context(), cfg, nil)
	if err != nil {
		t.Fatalf("%s: Run = %v", name, err)
	}
	var counts Counts
	counts[want] = 1
	if result.Outcomes != counts || !strings.Contains(result.FirstErrors[want.String()], detail) {
		t.Errorf("%s: outcomes %v, %q, want one %v, %q", name, result.Outcomes, result.FirstErrors, want, detail)
	}
	return result
}

// INV-2
func TestOutcomesOfTheWay(t *testing.T) {
	answer := func(serve http.HandlerFunc) string {
		server := httptest.NewServer(serve)
		t.Cleanup(server.Close)
		return server.URL
	}
	r := checkOne(t, "status", oneRequest(answer(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no ready pod", http.StatusServiceUnavailable)
	})), HTTPError, "503 Service Unavailable: no ready pod")
	if d := cmp.Diff(map[int]int{503: 1}, r.Statuses); d != "" {
		t.Errorf("statuses (-want +got):\n%s", d)
	}
	checkOne(t, "reset in the stream", oneRequest(answer(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, role+token)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})), Cut, "after 1 events: unexpected EOF")
	checkOne(t, "reset before the answer", oneRequest(answer(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	})), ConnectError, "EOF")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	checkOne(t, "refused", oneRequest("http://"+ln.Addr().String()), ConnectError, "connection refused")
}

func TestRequestOnTheWire(t *testing.T) {
	var path string
	var got map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		path = r.URL.String()
		_ = json.NewDecoder(r.Body).Decode(&got)
	}))
	defer server.Close()
	cfg := oneRequest("http://llama.demo.svc/openai/v1/")
	cfg.Proxy, cfg.API = server.URL, Completions
	checkOne(t, "through a proxy", cfg, Cut, "")
	text, _ := got["prompt"].(string)
	delete(got, "prompt")
	want := map[string]any{
		"model": "m", "max_tokens": 2.0, "ignore_eos": true, "stream": true, "stream_options": map[string]any{"include_usage": true},
	}
	if d := cmp.Diff(want, got); d != "" || len(strings.Fields(text)) != 3 {
		t.Errorf("body (-want +got):\n%s\nand prompt %q, want 3 words", d, text)
	}
	if path != "http://llama.demo.svc/openai/v1/completions" {
		t.Errorf("the proxy was asked for %s", path)
	}
	cfg.API, cfg.URL = Chat, "http://llama.demo.svc"
	checkOne(t, "chat", cfg, Cut, "")
	content := fmt.Sprintf("[map[content:%s role:user]]", text)
	if path != "http://llama.demo.svc/v1/chat/completions" || fmt.Sprint(got["messages"]) != content {
		t.Errorf("POST %s with %v, want /v1/chat/completions with %s", path, got["messages"], content)
	}
}

// roundTrip answers without a network, so that a bubble's clock rules.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// speak streams an answer of two tokens, the first after ttft, the second after tpot.
func speak(ttft, tpot time.Duration) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		body, w := io.Pipe()
		go func() {
			for _, part := range []struct {
				after time.Duration
				text  string
			}{{ttft, role + token}, {tpot, last + counts + done}} {
				select {
				case <-r.Context().Done():
					w.CloseWithError(r.Context().Err())
					return
				case <-time.After(part.after):
				}
				if _, err := io.WriteString(w, part.text); err != nil {
					return
				}
			}
			w.Close()
		}()
		return &http.Response{StatusCode: 200, Body: body, Request: r}, nil
	}
}

func constant(seconds, perSecond float64, transport roundTrip) Config {
	cfg := oneRequest("http://x")
	cfg.transport = transport
	cfg.Pacer = Pacer{
		Process: Constant, InputTokens: 3, OutputTokens: 2,
		Stages: []Stage{{time.Duration(seconds * float64(time.Second)), perSecond}},
	}
	return cfg
}

// INV-3: one slot, an arrival each second, 3 s for each: the third waits 4 s.
func TestLatencyCountsFromTheScheduledArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := constant(3, 1, speak(2*time.Second, time.Second))
		cfg.MaxInFlight = 1
		r, err := Run(t.Context(), cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RequestsPerSecond, r.OutputTokensPerSecond = 0, 0
		want := Result{
			ElapsedSeconds: 9, Sent: 3, Outcomes: Counts{OK: 3}, Statuses: map[int]int{}, FirstErrors: map[string]string{},
			InputTokens: 15, OutputTokens: 6,
			Lag:          Quantiles{3, 2, 2, 4, 4, 4},
			TTFT:         Quantiles{3, 4, 4, 6, 6, 6},
			TTFTFromSend: Quantiles{3, 2, 2, 2, 2, 2},
			TPOT:         Quantiles{3, 1, 1, 1, 1, 1},
			E2E:          Quantiles{3, 5, 5, 7, 7, 7},
			E2EFromSend:  Quantiles{3, 3, 3, 3, 3, 3},
		}
		if d := cmp.Diff(want, r); d != "" {
			t.Errorf("result (-want +got):\n%s", d)
		}
	})
}

// INV-1: a server that is slow does not slow the arrivals down.
func TestTheLoadIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sent := make(chan time.Duration, 9)
		slow := speak(time.Minute, time.Second)
		cfg := constant(2, 2, func(r *http.Request) (*http.Response, error) {
			sent <- time.Since(start)
			return slow(r)
		})
		cfg.Timeout = 30 * time.Second
		r, err := Run(t.Context(), cfg, nil)
		close(sent)
		var at []time.Duration
		for d := range sent {
			at = append(at, d)
		}
		want := []time.Duration{0, 500 * time.Millisecond, time.Second, 1500 * time.Millisecond}
		if d := cmp.Diff(want, at); d != "" || err != nil {
			t.Errorf("sent at (-want +got):\n%s%v", d, err)
		}
		if r.Outcomes != (Counts{Timeout: 4}) || r.ElapsedSeconds != 31.5 {
			t.Errorf("outcomes %v after %v s, want 4 timeouts after 31.5 s", r.Outcomes, r.ElapsedSeconds)
		}
	})
}

// INV-2
func TestAnEndedContextAborts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		var seen []Snapshot
		cfg := constant(0, 1, speak(time.Second, time.Second)) // no end
		r, err := Run(ctx, cfg, func(s Snapshot) { seen = append(seen, s) })
		if err != nil || r.Sent != 5 || r.Outcomes != (Counts{OK: 3, Aborted: 2}) || r.Outcomes.Lost() != 0 {
			t.Errorf("Run = %d sent, %v, %v, want 5 sent, 3 ok, 2 aborted, none lost", r.Sent, r.Outcomes, err)
		}
		if n := len(seen); n != 5 {
			t.Fatalf("%d snapshots, want one each second and a last", n)
		}
		want := Snapshot{Elapsed: 4500 * time.Millisecond, Sent: 5, Outcomes: r.Outcomes, OutputTokens: 6}
		seen[4].TTFT = 0 // whether the last second's is of this interval is a tie
		if d := cmp.Diff(want, seen[4]); d != "" {
			t.Errorf("the last snapshot (-want +got):\n%s", d)
		}
	})
}

func TestConfigValidate(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no scheme":   func(c *Config) { c.URL = "llama.demo.svc" },
		"no host":     func(c *Config) { c.URL = "http:///v1" },
		"no model":    func(c *Config) { c.Model = "" },
		"no API":      func(c *Config) { c.API = 0 },
		"no slot":     func(c *Config) { c.MaxInFlight = 0 },
		"no time":     func(c *Config) { c.Timeout = 0 },
		"no arrivals": func(c *Config) { c.Pacer = Pacer{} },
		"bad proxy":   func(c *Config) { c.Proxy = ":" },
	} {
		cfg := oneRequest("http://x")
		spoil(&cfg)
		if _, err := Run(t.Context(), cfg, nil); err == nil {
			t.Errorf("%s: Run = nil, want an error", name)
		}
	}
}

func TestNames(t *testing.T) {
	for _, a := range []API{Chat, Completions} {
		if got, err := ParseAPI(a.String()); got != a || err != nil {
			t.Errorf("ParseAPI(%q) = %v, %v", a.String(), got, err)
		}
	}
	for _, p := range []Process{Poisson, Constant} {
		if got, err := ParseProcess(p.String()); got != p || err != nil {
			t.Errorf("ParseProcess(%q) = %v, %v", p.String(), got, err)
		}
	}
	_, apiErr := ParseAPI("invalid")
	_, processErr := ParseProcess("invalid")
	if apiErr == nil || processErr == nil {
		t.Errorf("parsing \"invalid\" = %v, %v, want errors", apiErr, processErr)
	}
	for _, s := range []fmt.Stringer{Outcome(-1), numOutcomes, API(-1), numAPIs, Process(-1), numProcesses} {
		if s.String() != "invalid" {
			t.Errorf("%T out of range is called %q, want invalid", s, s)
		}
	}
}

func TestCountsAsJSON(t *testing.T) {
	out, err := json.Marshal(Counts{OK: 2, Cut: 1})
	want := `{"aborted":0,"connect_error":0,"cut":1,"http_error":0,"ok":2,"timeout":0,"truncated":0}`
	if string(out) != want || err != nil {
		t.Errorf("json.Marshal(Counts) = %s, %v, want %s", out, err, want)
	}
}
