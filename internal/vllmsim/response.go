package vllmsim

// The bodies of vLLM's answers. Fields that are always null there (logprobs, tool
// calls, routed experts, …) are kept only where client libraries look for them.

type usage struct {
	PromptTokens        int       `json:"prompt_tokens"`
	TotalTokens         int       `json:"total_tokens"`
	CompletionTokens    int       `json:"completion_tokens"`
	PromptTokensDetails *struct{} `json:"prompt_tokens_details"` // null without --enable-prompt-tokens-details
}

type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage,omitempty"`
}

// choice carries text in a completion, a message in a chat and a delta in the
// chunks of a streamed chat.
type choice struct {
	Index        int      `json:"index"`
	Text         *string  `json:"text,omitempty"`
	Message      *message `json:"message,omitempty"`
	Delta        *message `json:"delta,omitempty"`
	Logprobs     *string  `json:"logprobs"`
	FinishReason *string  `json:"finish_reason"`
	StopReason   *string  `json:"stop_reason"`
}

type message struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

// answer builds the bodies for one job.
type answer struct {
	job     *job
	id      string
	created int64
}

func (a answer) body(object string, choices ...choice) completion {
	if choices == nil {
		choices = []choice{} // an empty list, not null
	}
	return completion{ID: a.id, Object: object, Created: a.created, Model: a.job.model, Choices: choices}
}

func (a answer) usage(generated int) *usage {
	n := a.job.prompt.tokens
	return &usage{PromptTokens: n, TotalTokens: n + generated, CompletionTokens: generated}
}

// whole is the answer that is not streamed.
func (a answer) whole(text string, generated int, reason string) completion {
	c, object := choice{Text: &text, FinishReason: &reason}, "text_completion"
	if a.job.chat {
		c, object = choice{Message: &message{"assistant", &text}, FinishReason: &reason}, "chat.completion"
	}
	b := a.body(object, c)
	b.Usage = a.usage(generated)
	return b
}

func (a answer) chunkObject() string {
	if a.job.chat {
		return "chat.completion.chunk"
	}
	return "text_completion"
}

// opening is the chunk that a streamed chat starts with.
func (a answer) opening() completion {
	empty := ""
	return a.body(a.chunkObject(), choice{Delta: &message{"assistant", &empty}})
}

// chunk is token i; reason is empty unless it is the last.
func (a answer) chunk(i int, reason string) completion {
	word := a.job.prompt.word(i)
	c := choice{Text: &word}
	if a.job.chat {
		c = choice{Delta: &message{Content: &word}}
	}
	if reason != "" {
		c.FinishReason = &reason
	}
	return a.body(a.chunkObject(), c)
}
