package vllmsim

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
)

// complete serves /v1/completions, and /v1/chat/completions if chat.
func (s *Server) complete(chat bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		j, refused := s.decode(w, r, chat)
		if refused != nil {
			s.refuse(w, r, refused)
			return
		}
		prefix := "cmpl-"
		if chat {
			prefix = "chatcmpl-"
		}
		id := cmp.Or(r.Header.Get("X-Request-Id"), fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()))
		a := answer{j, prefix + id, time.Now().Unix()}
		g, ok := s.start(j)
		if !ok {
			return
		}
		if j.request.Stream {
			s.stream(w, r, a, g)
		} else {
			s.whole(w, r, a, g)
		}
	}
}

// start hands the job to the engine. It reports false if the server is gone.
func (s *Server) start(j *job) (*generation, bool) {
	g := newGeneration(plant.Request{
		ID: plant.ID(s.lastID.Add(1)), PromptTokens: j.prompt.tokens, MaxTokens: j.maxTokens,
		NaturalTokens: j.natural, BlockHashes: j.prompt.hashes,
	})
	return g, s.driver.send(command{g: g})
}

// await waits for more than seen tokens or the end. It reports false, and the
// engine has forgotten the request, if there will be no answer: the client has gone
// or the server stops.
func (s *Server) await(ctx context.Context, g *generation, seen int) (tokens int, reason string, ok bool) {
	tokens, outcome, err := g.wait(ctx, seen)
	switch {
	case ctx.Err() != nil:
		s.driver.send(command{g: g, abort: true})
		return tokens, "", false
	case err != nil:
		s.log.Error("submitting a request", "error", err)
		return tokens, "", false
	case outcome == plant.Aborted:
		return tokens, "", false
	case outcome == 0:
		return tokens, "", true
	}
	return tokens, outcome.String(), true
}

func (s *Server) whole(w http.ResponseWriter, r *http.Request, a answer, g *generation) {
	tokens, reason, ok := s.await(r.Context(), g, g.request.MaxTokens) // never more: it waits for the end
	if r.Context().Err() != nil {
		return // nobody is there to be told
	}
	if !ok {
		s.refuse(w, r, &apiError{http.StatusInternalServerError, "InternalServerError", "", "the request was aborted"})
		return
	}
	var text strings.Builder
	for i := range tokens {
		text.WriteString(a.job.prompt.word(i))
	}
	writeJSON(w, http.StatusOK, a.whole(text.String(), tokens, reason))
}

// stream sends one event per token. Tokens that came while a slow client read the
// ones before go out together.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, a answer, g *generation) {
	out := newEvents(w, a)
	for reason := ""; reason == ""; {
		var tokens int
		var ok bool
		if tokens, reason, ok = s.await(r.Context(), g, out.tokens); !ok {
			return // without [DONE]
		}
		out.send(tokens, reason)
	}
	out.end()
}

// events writes server-sent events. After a write error the request's context
// ends, so that is where it is noticed.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	answer  answer
	tokens  int // sent
	// usage comes with the end, or with each event.
	usageAtEnd, usageAlways bool
}

func newEvents(w http.ResponseWriter, a answer) *events {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	e := &events{w: w, control: http.NewResponseController(w), answer: a}
	if o := a.job.request.StreamOptions; o != nil && o.IncludeUsage {
		e.usageAtEnd, e.usageAlways = true, o.ContinuousUsageStats
	}
	return e
}

// send brings what was sent up to that many tokens; the last carries the reason.
func (e *events) send(tokens int, reason string) {
	if e.tokens == 0 && e.answer.job.chat {
		e.event(e.answer.opening(), e.usageAlways)
	}
	for e.tokens < tokens {
		last := ""
		if e.tokens == tokens-1 {
			last = reason
		}
		c := e.answer.chunk(e.tokens, last)
		e.tokens++
		e.event(c, e.usageAlways)
	}
	_ = e.control.Flush()
}

func (e *events) end() {
	if e.usageAtEnd {
		e.event(e.answer.body(e.answer.chunkObject()), true)
	}
	_, _ = fmt.Fprint(e.w, "data: [DONE]\n\n")
	_ = e.control.Flush()
}

func (e *events) event(c completion, withUsage bool) {
	if withUsage {
		c.Usage = e.answer.usage(e.tokens)
	}
	if body, err := json.Marshal(c); err == nil {
		_, _ = fmt.Fprintf(e.w, "data: %s\n\n", body)
	}
}
