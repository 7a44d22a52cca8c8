package vllmsim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// maxBodyBytes is far above any prompt that fits a model.
const maxBodyBytes = 64 << 20

// apiRequest holds the fields of both completion endpoints that change what the
// simulation does; vLLM accepts unknown fields too.
type apiRequest struct {
	Model               string          `json:"model"`
	Messages            []chatMessage   `json:"messages"`
	Prompt              json.RawMessage `json:"prompt"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	MinTokens           int             `json:"min_tokens"`
	IgnoreEOS           bool            `json:"ignore_eos"`
	N                   *int            `json:"n"`
	Temperature         *float64        `json:"temperature"`
	TopP                *float64        `json:"top_p"`
	Stream              bool            `json:"stream"`
	StreamOptions       *struct {
		IncludeUsage         bool `json:"include_usage"`
		ContinuousUsageStats bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
}

type chatMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// A job is a request that the engine can take.
type job struct {
	chat      bool
	model     string
	prompt    prompt
	maxTokens int
	natural   int // 0: never ends by itself
	request   *apiRequest
}

// decode reads and checks a request as vLLM does; what it refuses is an *apiError.
func (s *Server) decode(w http.ResponseWriter, r *http.Request, chat bool) (*job, *apiError) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return nil, invalid("", "Unsupported Media Type: Only 'application/json' is allowed")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		return nil, invalid("", "reading the body: %v", err)
	}
	var q apiRequest
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, decodeError(err)
	}
	j := &job{chat: chat, model: cmp.Or(q.Model, s.args.ServedNames[0]), request: &q}
	if !slices.Contains(s.args.ServedNames, j.model) {
		return nil, &apiError{http.StatusNotFound, "NotFoundError", "model", fmt.Sprintf("The model `%s` does not exist.", j.model)}
	}
	if refused := checkSampling(&q); refused != nil {
		return nil, refused
	}
	var refused *apiError
	if chat {
		j.prompt, refused = s.chatPrompt(q.Messages)
	} else {
		j.prompt, refused = s.textPrompt(q.Prompt)
	}
	if refused != nil {
		return nil, refused
	}
	return j, s.setLengths(j)
}

// checkSampling refuses parameters out of range, and the one that multiplies a
// request, which the simulation does not do.
func checkSampling(q *apiRequest) *apiError {
	n, temperature, topP := valueOr(q.N, 1), valueOr(q.Temperature, 1), valueOr(q.TopP, 1)
	switch {
	case q.StreamOptions != nil && !q.Stream:
		return invalid("stream_options", "Stream options can only be defined when `stream=True`.")
	case n < 1:
		return badRequest("n", "n must be at least 1, got %d.", n)
	case n > 1:
		return badRequest("n", "n = %d: the simulation gives one answer per request.", n)
	case temperature < 0:
		return badRequest("temperature", "temperature must be non-negative, got %v.", temperature)
	case topP <= 0 || topP > 1:
		return badRequest("top_p", "top_p must be in (0, 1], got %v.", topP)
	case q.MinTokens < 0:
		return badRequest("min_tokens", "min_tokens must be greater than or equal to 0, got %d.", q.MinTokens)
	}
	return nil
}

// valueOr is a field's value, or what it is when left out.
func valueOr[T any](field *T, otherwise T) T {
	if field == nil {
		return otherwise
	}
	return *field
}

// setLengths decides when the answer ends. max_tokens is by default what the model
// length leaves in a chat, and 16 for a completion.
func (s *Server) setLengths(j *job) *apiError {
	q, most := j.request, s.engine.MaxModelLen
	if j.prompt.tokens >= most {
		return badRequest("input_tokens", "This model's maximum context length is %d tokens. However, your request has %d input tokens. "+
			"Please reduce the length of the input messages.", most, j.prompt.tokens)
	}
	asked, param := q.MaxTokens, "max_tokens"
	if j.chat && q.MaxCompletionTokens != nil {
		asked, param = q.MaxCompletionTokens, "max_completion_tokens"
	}
	room := most - j.prompt.tokens
	switch {
	case asked != nil && *asked < 1:
		return badRequest(param, "%s must be at least 1, got %d.", param, *asked)
	case asked != nil && *asked > room:
		return badRequest(param, "'max_tokens' or 'max_completion_tokens' is too large: %d. This model's maximum context length is "+
			"%d tokens and your request has %d input tokens (%d > %d - %d).", *asked, most, j.prompt.tokens, *asked, most, j.prompt.tokens)
	case asked != nil:
		j.maxTokens = *asked
	case j.chat:
		j.maxTokens = room
	default:
		j.maxTokens = min(16, room)
	}
	if q.MinTokens > j.maxTokens {
		return badRequest("min_tokens", "min_tokens must be less than or equal to max_tokens=%d, got %d.", j.maxTokens, q.MinTokens)
	}
	if !q.IgnoreEOS {
		j.natural = max(j.prompt.naturalTokens(), q.MinTokens)
	}
	return nil
}

// chatPrompt puts messages into one text, as Qwen's chat template does.
func (s *Server) chatPrompt(messages []chatMessage) (prompt, *apiError) {
	if len(messages) == 0 {
		return prompt{}, invalid("messages", "messages: at least one message is required")
	}
	var b strings.Builder
	for i, m := range messages {
		if m.Role == "" {
			return prompt{}, invalid("messages", "messages[%d].role: Field required", i)
		}
		text, refused := contentText(i, m.Content)
		if refused != nil {
			return prompt{}, refused
		}
		fmt.Fprintf(&b, "<|im_start|>%s\n%s<|im_end|>\n", m.Role, text)
	}
	b.WriteString("<|im_start|>assistant\n")
	return newPrompt([]byte(b.String()), s.engine.BlockTokens), nil
}

// contentText is a message's content: a string, nothing, or a list of text parts.
func contentText(i int, content json.RawMessage) (string, *apiError) {
	if len(content) == 0 {
		return "", nil
	}
	var text *string
	if json.Unmarshal(content, &text) == nil {
		if text == nil {
			return "", nil
		}
		return *text, nil
	}
	var parts []struct{ Type, Text string }
	if err := json.Unmarshal(content, &parts); err != nil {
		return "", invalid("messages", "messages[%d].content: Input should be a string or a list of parts", i)
	}
	var b strings.Builder
	for _, p := range parts {
		if p.Type != "text" {
			return "", badRequest("messages", "messages[%d].content: this model takes text only, not %q.", i, p.Type)
		}
		b.WriteString(p.Text)
	}
	return b.String(), nil
}

// textPrompt reads a prompt: text, token ids, or a list with one of these.
func (s *Server) textPrompt(raw json.RawMessage) (prompt, *apiError) {
	empty := badRequest("prompt", "Either prompt or prompt_embeds must be provided and non-empty.")
	if len(raw) == 0 || string(raw) == "null" {
		return prompt{}, empty
	}
	var text string
	var texts []string
	var ids []int
	var lists [][]int
	block := s.engine.BlockTokens
	var p prompt
	switch {
	case json.Unmarshal(raw, &text) == nil:
		p = newPrompt([]byte(text), block)
	case json.Unmarshal(raw, &ids) == nil:
		p = tokenPrompt(ids, block)
	case json.Unmarshal(raw, &texts) == nil && len(texts) == 1:
		p = newPrompt([]byte(texts[0]), block)
	case json.Unmarshal(raw, &lists) == nil && len(lists) == 1:
		p = tokenPrompt(lists[0], block)
	case len(texts) > 1 || len(lists) > 1:
		return p, badRequest("prompt", "%d prompts: the simulation takes one per request.", max(len(texts), len(lists)))
	default:
		return p, invalid("prompt", "prompt: Input should be a string, a list of token ids or a list of one of these")
	}
	if p.tokens == 0 {
		return p, empty
	}
	return p, nil
}

// decodeError says what is wrong with a body that is not the JSON of a request.
func decodeError(err error) *apiError {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return invalid(wrong.Field, "%s: Input should be a valid %v, not a %s", wrong.Field, wrong.Type, wrong.Value)
	}
	return invalid("", "JSON decode error: %v", err)
}
