package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// maxEvent bounds one line of a stream.
const maxEvent = 1 << 20

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
}

// event is the part of a chunk that matters here, of both APIs.
type event struct {
	Choices []struct {
		Text  string `json:"text"`
		Delta struct {
			Content          string `json:"content"`
			Reasoning        string `json:"reasoning"`
			ReasoningContent string `json:"reasoning_content"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage *usage          `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// stream is what an answer was, up to where it ended.
type stream struct {
	first    time.Time // when the first token was there
	tokens   int       // events with text; one may hold several tokens
	finish   string    // finish_reason
	usage    usage
	hasUsage bool
	failure  string // error that the server reported in the stream
	done     bool   // [DONE] was read
}

// readStream reads server-sent events until [DONE]. Each data line is one event, as every
// OpenAI-compatible server writes them.
func readStream(r io.Reader) (stream, error) {
	var s stream
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok { // a comment, an empty line or another field
			continue
		}
		data = strings.TrimSpace(data)
		if data == "[DONE]" {
			s.done = true
			return s, nil
		}
		var e event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return s, fmt.Errorf("reading an event: %w", err)
		}
		s.add(e, time.Now())
	}
	return s, lines.Err()
}

func (s *stream) add(e event, now time.Time) {
	for _, c := range e.Choices {
		// The first chat chunk has the role and no text, the last only its finish_reason.
		if c.Text+c.Delta.Content+c.Delta.Reasoning+c.Delta.ReasoningContent != "" {
			if s.tokens == 0 {
				s.first = now
			}
			s.tokens++
		}
		if c.FinishReason != "" {
			s.finish = c.FinishReason
		}
	}
	if e.Usage != nil {
		s.usage, s.hasUsage = *e.Usage, true
	}
	if len(e.Error) > 0 && string(e.Error) != "null" {
		s.failure = string(e.Error)
	}
}

// judge tells a whole answer from one that is not. readErr is what ended the reading.
func (s stream) judge(readErr error, asked Arrival) (Outcome, string) {
	if !s.done {
		if readErr == nil {
			readErr = errors.New("the stream ended without [DONE]")
		}
		return Cut, fmt.Sprintf("after %d events: %v", s.tokens, readErr)
	}
	if lack := s.lacks(asked.OutputTokens); lack != "" {
		return Truncated, lack
	}
	return OK, ""
}

// lacks says why a stream with [DONE] is not the answer to what was asked. A server that does
// not know ignore_eos may stop early.
func (s stream) lacks(asked int) string {
	tokens := s.usage.Completion
	switch {
	case s.failure != "":
		return "error in the stream: " + s.failure
	case s.finish == "":
		return "no finish_reason"
	case s.finish == "abort" || s.finish == "error":
		return "finish_reason " + s.finish
	case !s.hasUsage:
		return "no usage"
	case s.tokens == 0 || s.tokens > tokens:
		return fmt.Sprintf("%d events with text for %d tokens", s.tokens, tokens)
	case tokens > asked || tokens < asked && s.finish == "length":
		return fmt.Sprintf("%d tokens, %d were asked for (finish_reason %s)", tokens, asked, s.finish)
	}
	return ""
}
