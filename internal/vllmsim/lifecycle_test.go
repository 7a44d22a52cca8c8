package vllmsim

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/hint"
)

// INV-5: the port opens when weights and warm-up are through, not before.
func TestStartUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "m --trust-remote-code", Settings{Weights: 20 * time.Second, WarmUp: 10 * time.Second})
		if status, why := s.get("/health"); status != 0 || !strings.Contains(why, "connection refused") {
			t.Errorf("before weights: %d %s", status, why)
		}
		time.Sleep(30*time.Second - time.Millisecond)
		if status, _ := s.get("/health"); status != 0 {
			t.Errorf("before warm-up is through: %d", status)
		}
		time.Sleep(2 * time.Millisecond)
		if status, _ := s.get("/health"); status != 200 {
			t.Errorf("after 30 s: %d", status)
		}
		s.stop()
		if status, _ := s.get("/health"); status != 0 {
			t.Errorf("after the end: %d", status)
		}
		for _, want := range []string{`arguments=[--trust-remote-code]`, `phase="loading weights" takes=20s`, `phase="warming up" takes=10s`} {
			if !strings.Contains(s.log.String(), want) {
				t.Errorf("log has no %s:\n%s", want, s.log)
			}
		}
	})
}

func TestStopDuringStartUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := start(t, "m", Settings{Weights: time.Hour})
		s.stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// INV-3: a client that hangs up leaves the engine at once.
func TestDisconnectAborts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "m", Settings{})
		defer s.stop()
		for _, stream := range []string{"true", "false"} {
			ctx, hangUp := context.WithCancel(t.Context())
			go func() {
				time.Sleep(time.Second)
				s.wantMetrics(map[string]string{`vllm:num_requests_running{engine="0",model_name="m"}`: "1"})
				hangUp()
			}()
			body := `{"prompt":"x","max_tokens":5000,"ignore_eos":true,"stream":` + stream + `}`
			if response, err := s.client.Do(s.request(ctx, "/v1/completions", body)); err == nil {
				if _, err = io.ReadAll(response.Body); err == nil {
					t.Error("the answer came to an end")
				}
				response.Body.Close()
			}
			time.Sleep(time.Millisecond)
		}
		s.wantMetrics(map[string]string{
			`vllm:num_requests_running{engine="0",model_name="m"}`:                          "0",
			`vllm:kv_cache_usage_perc{engine="0",model_name="m"}`:                           "0",
			`vllm:request_success_total{engine="0",finished_reason="abort",model_name="m"}`: "2",
			`vllm:e2e_request_latency_seconds_count{engine="0",model_name="m"}`:             "0",
		})
	})
}

// INV-2: a client that does not read holds up nobody else; it has missed nothing
// when it reads again.
func TestSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "m", Settings{})
		defer s.stop()
		slow := s.open("/v1/completions", `{"prompt":"slow","max_tokens":200,"ignore_eos":true,"stream":true}`)
		defer slow.Body.Close()
		began := time.Now()
		if status, body := s.post("/v1/completions", `{"prompt":"quick","max_tokens":10,"ignore_eos":true}`); status != 200 || time.Since(began) > 200*time.Millisecond {
			t.Errorf("beside a slow client: %d after %v: %s", status, time.Since(began), body)
		}
		time.Sleep(time.Minute)
		s.wantMetrics(map[string]string{
			`vllm:request_success_total{engine="0",finished_reason="length",model_name="m"}`: "2",
			`vllm:num_requests_running{engine="0",model_name="m"}`:                           "0",
		})
		if events := strings.Count(s.read(slow.Body), "data: "); events != 201 {
			t.Errorf("%d events, want 200 tokens and [DONE]", events)
		}
	})
}

// By default SIGTERM cuts what is in flight; --shutdown-timeout lets it finish, for
// that long.
func TestSigterm(t *testing.T) {
	for _, c := range []struct {
		name, args string
		tokens     string
		finished   bool
		took       time.Duration // from SIGTERM until Run returns, in whole seconds
		last       string        // words of the log
	}{
		{"abort", "m", "500", false, 0, "finished=0 aborted=1"},
		{"drain", "m --shutdown-timeout 30", "500", true, 4 * time.Second, "finished=1 aborted=0"},
		{"drain cut short", "m --shutdown-timeout 2", "500", false, 2 * time.Second, "finished=0 aborted=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, c.args, Settings{})
				response := s.open("/v1/completions", `{"prompt":"x","max_tokens":`+c.tokens+`,"ignore_eos":true,"stream":true}`)
				defer response.Body.Close()
				var sigterm time.Time
				go func() {
					time.Sleep(time.Second)
					sigterm = time.Now()
					s.sigterm()
				}()
				var last string
				lines := bufio.NewScanner(response.Body)
				for lines.Scan() {
					if lines.Text() != "" {
						last = lines.Text()
					}
				}
				if done := last == "data: [DONE]"; done != c.finished || (lines.Err() == nil) != c.finished {
					t.Errorf("last line %s, error %v", last, lines.Err())
				}
				if err := <-s.returned; err != nil {
					t.Errorf("Run = %v", err)
				}
				if took := time.Since(sigterm).Truncate(time.Second); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if log := s.log.String(); !strings.HasSuffix(log, "msg=stopped "+c.last+"\n") {
					t.Errorf("the log does not end with %s:\n%s", c.last, log)
				}
				s.client.CloseIdleConnections()
			})
		})
	}
}

func TestAddress(t *testing.T) {
	for _, c := range []struct{ args, podIP, want string }{
		{"m", "", ":8000"},
		{"m", "127.1.16.4", "127.1.16.4:8000"},
		{"m --host 0.0.0.0 --port 80", "127.1.16.4", "127.1.16.4:80"},
		{"m --host 127.0.0.9", "127.1.16.4", "127.0.0.9:8000"},
		{"m --host ::", "127.1.16.4", "127.1.16.4:8000"},
	} {
		args, err := ParseArgs(strings.Fields(c.args))
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{args: args, settings: Settings{PodIP: c.podIP}}
		if got := s.Address(); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.args, c.podIP, got, c.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct{ args, profile, want string }{
		{"m --max-model-len 300000", "qwen3-14b-h100", "starting the engine: one request of max_model_len (300000) tokens needs more KV cache than the 288608 tokens that there are"},
		{"m --gpu-memory-utilization 0.3", "qwen3-14b-h100", "starting the engine: one request of max_model_len (40960) tokens needs more KV cache than the 0 tokens that there are"},
		{"m --max-num-batched-tokens 100 --max-num-seqs 200", "qwen3-14b-h100", "starting the engine: max_num_batched_tokens (100) must be greater than or equal to max_num_seqs (200)"},
		{"m", "x", `no engine profile "x"; there are codellama`},
		{"m -tp 3", "x", `no engine profile "x"; there are codellama`},
	} {
		args, err := ParseArgs(strings.Fields(c.args))
		if err != nil {
			t.Fatal(err)
		}
		_, err = New(Config{Args: args, Settings: Settings{Profile: c.profile, Speed: 1}, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("New(%s, %s) = %v, want %s", c.args, c.profile, err, c.want)
		}
	}
}

// Defaults give way to what was asked for, and a number of GPUs that nobody measured
// does not stand in the way.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "m -tp 8 --max-num-seqs 9000 --max-model-len auto --gpu-memory-utilization 0.4", Settings{})
		defer s.stop()
		for _, want := range []string{"max_num_seqs=9000", "max_num_batched_tokens=9000", "max_model_len=27616", "tensor-parallel-size=8 profile=qwen3-14b-h100"} {
			if !strings.Contains(s.log.String(), want) {
				t.Errorf("log has no %s:\n%s", want, s.log)
			}
		}
	})
}

func TestPortTaken(t *testing.T) {
	taken := func(context.Context, string) (net.Listener, error) { return nil, syscall.EADDRINUSE }
	s, err := New(Config{
		Args:     Args{Model: "m", ServedNames: []string{"m"}, Port: 80, BlockTokens: 16, GPUMemoryUtilization: 0.9},
		Settings: Settings{Profile: "qwen3-14b-h100", Speed: 1}, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Listen: taken,
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context())
	if !errors.Is(err, syscall.EADDRINUSE) || len(hint.Of(err)) != 1 {
		t.Errorf("Run = %v, hints %v", err, hint.Of(err))
	}
}
