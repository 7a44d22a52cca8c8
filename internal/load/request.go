package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// words are common enough to be one token each in the usual vocabularies.
const words = `the of and to in is you that it he was for on are as with his they at be this have from or one had
by word but not what all were we when your can said there use an each which she do how their if will up other about
out many then them these so some her would make like him into time has look two more write go see number no way could
people my than first water been call who oil its now find long down day did get come made may part`

// prompt makes the text of a request: the same for the same seed and index.
func prompt(seed uint64, index, tokens int) string {
	vocabulary := strings.Fields(words)
	random := rand.New(rand.NewPCG(seed, 1+uint64(index))) // stream 0 is the pacer's
	chosen := make([]string, tokens)
	for i := range chosen {
		chosen[i] = vocabulary[random.IntN(len(vocabulary))]
	}
	return strings.Join(chosen, " ")
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type body struct {
	Model         string        `json:"model"`
	Messages      []message     `json:"messages,omitempty"`
	Prompt        string        `json:"prompt,omitempty"`
	MaxTokens     int           `json:"max_tokens"`
	IgnoreEOS     bool          `json:"ignore_eos"`
	Stream        bool          `json:"stream"`
	StreamOptions streamOptions `json:"stream_options"`
}

// ending is what a request came to.
type ending struct {
	outcome      Outcome
	status       int           // of an HTTP error
	detail       string        // why it is not ok
	lag          time.Duration // from the scheduled arrival to the sending
	ttft, e2e    time.Duration // from the sending
	inputTokens  int
	outputTokens int
}

// tpot is the time for each token after the first.
func (e ending) tpot() (time.Duration, bool) {
	if e.outputTokens < 2 {
		return 0, false
	}
	return (e.e2e - e.ttft) / time.Duration(e.outputTokens-1), true
}

func (r *runner) newRequest(ctx context.Context, index int, a Arrival) (*http.Request, error) {
	text := prompt(r.cfg.Pacer.Seed, index, a.InputTokens)
	b := body{Model: r.cfg.Model, MaxTokens: a.OutputTokens, IgnoreEOS: true, Stream: true, StreamOptions: streamOptions{true}}
	path := "/completions"
	if r.cfg.API == Chat {
		path, b.Messages = "/chat/completions", []message{{"user", text}}
	} else {
		b.Prompt = text
	}
	encoded, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+path, bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	return req, nil
}

// request makes one request and tells a failure of the way from an end of our own making.
func (r *runner) request(ctx context.Context, index int, a Arrival) ending {
	limited, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	req, err := r.newRequest(limited, index, a)
	sent := time.Now()
	e := ending{outcome: ConnectError}
	if err == nil {
		e = r.exchange(req, a)
	} else {
		e.detail = err.Error()
	}
	e.lag = max(0, sent.Sub(r.start)-a.At)
	switch {
	case e.outcome != Cut && e.outcome != ConnectError:
	case ctx.Err() != nil:
		e.outcome, e.detail = Aborted, ""
	case limited.Err() != nil:
		e.outcome, e.detail = Timeout, fmt.Sprintf("no end within %v", r.cfg.Timeout)
	}
	return e
}

// exchange sends and reads to the end.
func (r *runner) exchange(req *http.Request, a Arrival) ending {
	sent := time.Now()
	resp, err := r.client.Do(req)
	if err != nil {
		return ending{outcome: ConnectError, detail: err.Error()}
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 300)) // the status says enough
		return ending{outcome: HTTPError, status: resp.StatusCode, detail: resp.Status + ": " + strings.TrimSpace(string(text))}
	}
	s, err := readStream(resp.Body)
	outcome, detail := s.judge(err, a)
	e := ending{outcome: outcome, detail: detail, e2e: time.Since(sent), inputTokens: s.usage.Prompt, outputTokens: s.usage.Completion}
	if s.tokens > 0 {
		e.ttft = s.first.Sub(sent)
	}
	return e
}
