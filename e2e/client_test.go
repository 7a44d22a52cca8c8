//go:build e2e && linux

package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A client asks for what 'flyball load' does not: whole answers, or streams over HTTP/2.
type client struct {
	http   *http.Client
	url    string
	model  string
	stream bool
}

// askTime bounds one request, as those of 'flyball load' are.
const askTime = 5 * time.Minute

func (s *soak) newClient(of service, transport *http.Transport, stream bool) *client {
	return &client{
		http: &http.Client{Transport: transport, Timeout: askTime},
		url:  "http://" + of.name + "-" + soakNamespace + ".example.com/v1/chat/completions", model: of.model(), stream: stream,
	}
}

// wholeAnswers asks over HTTP/1.1 for answers in one piece.
func (s *soak) wholeAnswers(of service) *client {
	proxy := func(*http.Request) (*url.URL, error) { return url.Parse(s.proxy) }
	return s.newClient(of, &http.Transport{Proxy: proxy, DisableKeepAlives: true}, false)
}

// http2Streams asks over HTTP/2, many requests on one connection.
func (s *soak) http2Streams(of service) *client {
	transport := &http.Transport{Protocols: new(http.Protocols), DialContext: s.tunnel}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return s.newClient(of, transport, true)
}

// tunnel is a connection through the lab's proxy, which knows the names.
func (s *soak) tunnel(ctx context.Context, _, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.proxy, "http://"))
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", address) // an error is the next read's too
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect})
	if err == nil {
		answer.Body.Close() // it has none
		if answer.StatusCode != http.StatusOK {
			err = errors.New(answer.Status)
		}
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connecting to %s through the proxy: %w", address, err)
	}
	return conn, nil
}

// A lost request is one that was not answered in full, with its outcome in the words of
// 'flyball load'.
type lost struct {
	outcome string
	error
}

// ask sends a request and is nil if it was answered with as many tokens as it asked for.
func (c *client) ask(ctx context.Context, output int) error {
	body, err := json.Marshal(map[string]any{
		"model": c.model, "max_tokens": output, "ignore_eos": true, "stream": c.stream,
		"messages": []any{map[string]any{"role": "user", "content": strings.Repeat("word ", inputTokens)}},
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(request)
	if err != nil {
		return &lost{"connect_error", err}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case answer.StatusCode != http.StatusOK:
		return &lost{"http_error", fmt.Errorf("%s: %s", answer.Status, text)}
	case err != nil:
		return &lost{"cut", err}
	}
	return c.check(string(text), output)
}

// check wants the answer to be what was asked for.
func (c *client) check(text string, output int) error {
	if c.stream {
		if !strings.HasSuffix(text, "data: [DONE]\n\n") {
			return &lost{"cut", fmt.Errorf("the stream ends with %q", text[max(0, len(text)-80):])}
		}
		// One event for each token, beside that of the role and [DONE].
		if tokens := strings.Count(text, "data: ") - 2; !strings.Contains(text, `"finish_reason":"length"`) || tokens < output || tokens > output+1 {
			return &lost{"truncated", fmt.Errorf("%d tokens, want %d and a finish_reason", tokens, output)}
		}
		return nil
	}
	var whole struct {
		Choices []struct {
			FinishReason string `json:"finish_reason"`
		} `json:"choices"`
		Usage struct {
			CompletionTokens int `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		return &lost{"cut", fmt.Errorf("%w: %q", err, text)}
	}
	if len(whole.Choices) != 1 || whole.Choices[0].FinishReason != "length" || whole.Usage.CompletionTokens != output {
		return &lost{"truncated", fmt.Errorf("%d tokens, want %d and a finish_reason", whole.Usage.CompletionTokens, output)}
	}
	return nil
}

// send asks at the arrivals' own times and returns when all have ended.
func (c *client) send(ctx context.Context, arrivals []arrival) loadResult {
	result := loadResult{Outcomes: map[string]int{}, FirstErrors: map[string]string{}}
	began := time.Now()
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, a := range arrivals {
		timer := time.NewTimer(time.Until(began.Add(a.at)))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		result.Sent++
		all.Go(func() {
			err := c.ask(ctx, a.output)
			outcome := "ok"
			if l := (*lost)(nil); errors.As(err, &l) {
				outcome = l.outcome
			} else if err != nil {
				outcome = "aborted"
			}
			mu.Lock()
			defer mu.Unlock()
			result.Outcomes[outcome]++
			if err != nil {
				result.FirstErrors[outcome] = cmp.Or(result.FirstErrors[outcome], err.Error())
			}
		})
	}
	all.Wait()
	result.Elapsed = time.Since(began).Seconds()
	return result
}
