package vllmsim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A prompt of 1024 token ids, which no other test's prompt shares a block with.
func promptOf(tokens int) string {
	ids := make([]string, tokens)
	for i := range ids {
		ids[i] = fmt.Sprint(1000 + i)
	}
	return "[" + strings.Join(ids, ",") + "]"
}

// The worked example of plant's StepCost, seen through HTTP: 2 ms of front end
// and 44.50 ms of prefill to the first token, then one decode step of about
// 11.24 ms for each other.
func TestStreamTiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "Qwen/Qwen3-14B", Settings{})
		defer s.stop()
		began := time.Now()
		response := s.open("/v1/completions", `{"prompt":`+promptOf(1024)+`,"max_tokens":3,"ignore_eos":true,"stream":true}`)
		defer response.Body.Close()
		if kind := response.Header.Get("Content-Type"); kind != "text/event-stream; charset=utf-8" {
			t.Errorf("Content-Type %q", kind)
		}
		var seen []string
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				seen = append(seen, fmt.Sprintf("%.2f ms %s", time.Since(began).Seconds()*1e3, finish(data)))
			}
		}
		want := []string{"46.50 ms null", "57.74 ms null", "68.99 ms length", "68.99 ms [DONE]"}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// finish is an event's finish_reason.
func finish(data string) string {
	var c completion
	if json.Unmarshal([]byte(data), &c) != nil {
		return data
	}
	if len(c.Choices) == 0 || c.Choices[0].FinishReason == nil {
		return "null"
	}
	return *c.Choices[0].FinishReason
}

// With FLYBALL_SIM_SPEED ten times as fast, and the metrics tell what the client saw.
func TestSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "m", Settings{Speed: 10})
		defer s.stop()
		began := time.Now()
		s.post("/v1/completions", `{"prompt":`+promptOf(1024)+`,"max_tokens":1}`)
		if took := time.Since(began).Round(10 * time.Microsecond); took != 4650*time.Microsecond {
			t.Errorf("took %v, want 4.65ms", took)
		}
		if got := s.metric(`vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"}`); !strings.HasPrefix(got, "0.00465") {
			t.Errorf("time to first token %s s, want 0.00465…", got)
		}
	})
}

func TestWholeAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "/mnt/models --served-model-name qwen other", Settings{})
		defer s.stop()
		for _, c := range []struct{ path, body, object, reason string }{
			{"/v1/completions", `{"model":"qwen","prompt":"Once upon a time"}`, "text_completion", "length"},
			{"/v1/completions", `{"model":"other","prompt":["Once upon a time"],"max_tokens":2000}`, "text_completion", "stop"},
			{"/v1/completions", `{"prompt":[[1,2,3]],"max_tokens":1,"min_tokens":1}`, "text_completion", "length"},
			{"/v1/chat/completions", `{"model":"qwen","messages":[{"role":"user","content":"Hello"}]}`, "chat.completion", "stop"},
			{"/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"assistant","content":null}],"max_completion_tokens":7,"max_tokens":9}`, "chat.completion", "length"},
		} {
			status, body := s.post(c.path, c.body)
			var got completion
			if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
				t.Fatalf("%s: %d %s", c.body, status, body)
			}
			text := got.Choices[0].Text
			if strings.HasPrefix(c.object, "chat") {
				text = got.Choices[0].Message.Content
			}
			// INV-4: as many words as tokens.
			if words := len(strings.Fields(*text)); words != got.Usage.CompletionTokens || got.Usage.TotalTokens != got.Usage.PromptTokens+words {
				t.Errorf("%s: %d words, usage %+v", c.body, words, *got.Usage)
			}
			if got.Object != c.object || *got.Choices[0].FinishReason != c.reason {
				t.Errorf("%s: %s %s, want %s %s", c.body, got.Object, *got.Choices[0].FinishReason, c.object, c.reason)
			}
		}
		s.wantMetrics(map[string]string{
			`vllm:request_success_total{engine="0",finished_reason="length",model_name="qwen"}`: "3",
			`vllm:request_success_total{engine="0",finished_reason="stop",model_name="qwen"}`:   "2",
			`http_requests_total{handler="/v1/completions",method="POST",status="2xx"}`:         "3",
		})
	})
}

// A stream is the same answer in pieces, the usage in a chunk of its own.
func TestStreamIsTheWholeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "m", Settings{})
		defer s.stop()
		const ask = `{"messages":[{"role":"user","content":"Tell me"}],"max_tokens":5`
		var whole completion
		_, body := s.post("/v1/chat/completions", ask+"}")
		if err := json.Unmarshal([]byte(body), &whole); err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		var shape []string
		_, stream := s.post("/v1/chat/completions", ask+`,"stream":true,"stream_options":{"include_usage":true}}`)
		for data := range strings.SplitSeq(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
			data = strings.TrimPrefix(data, "data: ")
			var c completion
			switch {
			case data == "[DONE]":
				shape = append(shape, data)
			case json.Unmarshal([]byte(data), &c) != nil:
				t.Fatalf("not JSON: %s", data)
			case len(c.Choices) == 0:
				shape = append(shape, fmt.Sprintf("usage %d+%d=%d", c.Usage.PromptTokens, c.Usage.CompletionTokens, c.Usage.TotalTokens))
			default:
				shape = append(shape, c.Choices[0].Delta.Role+"/"+finish(data))
				text.WriteString(*c.Choices[0].Delta.Content)
			}
		}
		if text.String() != *whole.Choices[0].Message.Content {
			t.Errorf("streamed %q, whole %q", text.String(), *whole.Choices[0].Message.Content)
		}
		want := []string{"assistant/null", "/null", "/null", "/null", "/null", "/length", "usage 15+5=20", "[DONE]"}
		if diff := cmp.Diff(want, shape); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// INV-1: what vLLM would refuse is refused with its status and body.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "qwen --max-model-len 100", Settings{})
		defer s.stop()
		const chat, text = "/v1/chat/completions", "/v1/completions"
		const hi = `"messages":[{"role":"user","content":"Hi"}]`
		for _, c := range []struct {
			path, body string
			status     int
			want       string // type, param, message
		}{
			{chat, `{"model":"gpt",` + hi + `}`, 404, "NotFoundError|model|The model `gpt` does not exist."},
			{chat, `{`, 400, "Bad Request||JSON decode error: unexpected end of JSON input"},
			{chat, `{"max_tokens":"x"}`, 400, "Bad Request|max_tokens|max_tokens: Input should be a valid int, not a string"},
			{chat, `{"messages":[]}`, 400, "Bad Request|messages|messages: at least one message is required"},
			{chat, `{"messages":[{"content":"x"}]}`, 400, "Bad Request|messages|messages[0].role: Field required"},
			{chat, `{"messages":[{"role":"user","content":3}]}`, 400, "Bad Request|messages|messages[0].content: Input should be a string or a list of parts"},
			{chat, `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, 400, `BadRequestError|messages|messages[0].content: this model takes text only, not "image_url".`},
			{chat, `{` + hi + `,"max_tokens":0}`, 400, "BadRequestError|max_tokens|max_tokens must be at least 1, got 0."},
			{chat, `{` + hi + `,"max_completion_tokens":-1}`, 400, "BadRequestError|max_completion_tokens|max_completion_tokens must be at least 1, got -1."},
			{chat, `{` + hi + `,"max_tokens":90}`, 400, "BadRequestError|max_tokens|'max_tokens' or 'max_completion_tokens' is too large: 90. " +
				"This model's maximum context length is 100 tokens and your request has 13 input tokens (90 > 100 - 13)."},
			{chat, `{` + hi + `,"n":2}`, 400, "BadRequestError|n|n = 2: the simulation gives one answer per request."},
			{chat, `{` + hi + `,"n":0}`, 400, "BadRequestError|n|n must be at least 1, got 0."},
			{chat, `{` + hi + `,"temperature":-1}`, 400, "BadRequestError|temperature|temperature must be non-negative, got -1."},
			{chat, `{` + hi + `,"top_p":0}`, 400, "BadRequestError|top_p|top_p must be in (0, 1], got 0."},
			{chat, `{` + hi + `,"min_tokens":9,"max_tokens":3}`, 400, "BadRequestError|min_tokens|min_tokens must be less than or equal to max_tokens=3, got 9."},
			{chat, `{` + hi + `,"stream_options":{"include_usage":true}}`, 400, "Bad Request|stream_options|Stream options can only be defined when `stream=True`."},
			{text, `{"prompt":` + promptOf(100) + `}`, 400, "BadRequestError|input_tokens|This model's maximum context length is 100 tokens. " +
				"However, your request has 100 input tokens. Please reduce the length of the input messages."},
			{text, `{}`, 400, "BadRequestError|prompt|Either prompt or prompt_embeds must be provided and non-empty."},
			{text, `{"prompt":""}`, 400, "BadRequestError|prompt|Either prompt or prompt_embeds must be provided and non-empty."},
			{text, `{"prompt":["a","b"]}`, 400, "BadRequestError|prompt|2 prompts: the simulation takes one per request."},
			{text, `{"prompt":{}}`, 400, "Bad Request|prompt|prompt: Input should be a string, a list of token ids or a list of one of these"},
		} {
			status, body := s.post(c.path, c.body)
			var got struct {
				Error struct {
					Message, Type string
					Param         *string
					Code          int
				}
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			param := ""
			if got.Error.Param != nil {
				param = *got.Error.Param
			}
			if all := got.Error.Type + "|" + param + "|" + got.Error.Message; status != c.status || got.Error.Code != c.status || all != c.want {
				t.Errorf("%s: %d %s\nwant %d %s", c.body, status, all, c.status, c.want)
			}
		}
	})
}

func TestOtherRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "/mnt/models --served-model-name a b --max-model-len 512", Settings{})
		defer s.stop()
		created := time.Now().Unix()
		model := func(name string) string {
			return fmt.Sprintf(`{"id":%q,"object":"model","created":%d,"owned_by":"vllm","root":"/mnt/models","parent":null,"max_model_len":512,"permission":[]}`, name, created)
		}
		for path, want := range map[string]string{
			"/health":              "200 ",
			"/version":             `200 {"version":"0.32.0"}`,
			"/v1/models":           `200 {"data":[` + model("a") + "," + model("b") + `],"object":"list"}`,
			"/v1/chat/completions": `405 {"detail":"Method Not Allowed"}`,
			"/v2":                  `404 {"detail":"Not Found"}`,
		} {
			if status, body := s.get(path); fmt.Sprintf("%d %s", status, strings.TrimSpace(body)) != want {
				t.Errorf("GET %s = %d %s, want %s", path, status, body, want)
			}
		}
	})
}
