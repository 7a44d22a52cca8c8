package vllmsim_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/vllmsim"
)

// serveTCP runs a fast server on a real loopback port until the test ends, the one
// smoke test outside a bubble.
func serveTCP(t *testing.T) string {
	t.Helper()
	args, err := vllmsim.ParseArgs([]string{"vllm", "serve", "Qwen/Qwen3-14B", "--host", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	s, err := vllmsim.New(vllmsim.Config{
		Args: args, Settings: vllmsim.Settings{Profile: "qwen3-14b-h100", Speed: 100},
		Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
		Listen: func(ctx context.Context, _ string) (net.Listener, error) {
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
			if err == nil {
				address <- l.Addr().String()
			}
			return l, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	returned := make(chan error, 1)
	go func() { returned <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-returned; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	return "http://" + <-address + "/v1"
}

func params(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:               model,
		Messages:            []openai.ChatCompletionMessageParamUnion{openai.UserMessage("How does a governor hold its speed?")},
		MaxCompletionTokens: param.NewOpt[int64](40),
		StreamOptions:       openai.ChatCompletionStreamOptionsParam{IncludeUsage: param.NewOpt(true)},
	}
}

func client(t *testing.T) openai.Client {
	return openai.NewClient(option.WithBaseURL(serveTCP(t)), option.WithAPIKey("any"), option.WithMaxRetries(0))
}

// An OpenAI client library streams a chat with usage (INV-4).
func TestOpenAIStream(t *testing.T) {
	c := client(t)
	stream := c.Chat.Completions.NewStreaming(t.Context(), params("Qwen/Qwen3-14B"))
	defer stream.Close()
	var all openai.ChatCompletionAccumulator
	chunks := 0
	for stream.Next() {
		chunk := stream.Current()
		all.AddChunk(chunk)
		if len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != "" {
			chunks++
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if chunks != 40 || all.Usage.CompletionTokens != 40 || all.Usage.TotalTokens != all.Usage.PromptTokens+40 {
		t.Errorf("%d chunks, usage %s, want 40", chunks, all.Usage.RawJSON())
	}
	if len(all.Choices) != 1 || all.Choices[0].FinishReason != "length" || all.Choices[0].Message.Content == "" {
		t.Errorf("choices %+v", all.Choices)
	}
}

// It understands an error and the list of models, too (INV-1).
func TestOpenAIRest(t *testing.T) {
	c := client(t)
	models, err := c.Models.List(t.Context())
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != "Qwen/Qwen3-14B" {
		t.Errorf("models %+v, %v", models, err)
	}
	refused := params("gpt-5")
	refused.StreamOptions = openai.ChatCompletionStreamOptionsParam{}
	_, err = c.Chat.Completions.New(t.Context(), refused)
	var answer *openai.Error
	if !errors.As(err, &answer) {
		t.Fatalf("unknown model: %v", err)
	}
	if answer.StatusCode != 404 || answer.Type != "NotFoundError" || answer.Param != "model" {
		t.Errorf("unknown model: %v", answer)
	}
}
