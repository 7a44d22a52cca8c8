package gateway

import (
	"net/http"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
)

// TestTellsWhatAPodIsWorth: the time that the last request still needs, by those that
// were answered before, and the beginnings of prompts that the pod knew.
func TestTellsWhatAPodIsWorth(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", func(c *Config) { c.PrefixBytes = 20 })
		f.Update([]Service{llama(w.engine("a", streams(4)))})
		w.check("status", f.post(chat).status, 200) // 4 s for 10 tokens
		want := demand.PodWork{Name: "a", InFlight: 1, WorkTokens: 10, PrefixTokens: 5}
		done := f.start(chat)
		pause(t.Context(), 2500*time.Millisecond)
		pods := f.last().Pods
		if len(pods) != 1 || pods[0].RemainingMs < 1500 || pods[0].RemainingMs > 2500 {
			t.Fatalf("told of pods %+v, want 1.5 to 2.5 s remaining", pods)
		}
		pods[0].RemainingMs = 0
		w.check("the pod", pods[0], want)
		w.check("status", (<-done).status, 200)
		pause(t.Context(), time.Second)
		w.check("the pods of a service with nothing to do", f.last().Pods, []demand.PodWork(nil))
	})
}

// TestPodThatReadNothingKnowsNothing: a prompt that was sent to a pod and not answered
// is not in its cache.
func TestPodThatReadNothingKnowsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", func(c *Config) { c.PrefixBytes = 20 })
		asked := 0
		f.Update([]Service{llama(w.engine("a", func(rw http.ResponseWriter, r *http.Request) {
			if asked++; asked <= 2 {
				http.Error(rw, "out of memory", http.StatusInternalServerError)
				return
			}
			streams(4)(rw, r)
		}))})
		pause(t.Context(), 500*time.Millisecond) // between two reports
		w.check("status", f.post(chat).status, 500)
		w.check("status", f.post(chat).status, 500)
		w.check("status", f.post(chat).status, 200) // the first that is read
		var told []int64
		done := f.start(chat)
		for _, wait := range []time.Duration{800 * time.Millisecond, time.Second} { // its first byte is after 1 s
			pause(t.Context(), wait)
			for _, p := range f.last().Pods {
				told = append(told, p.PrefixTokens)
			}
		}
		w.check("status", (<-done).status, 200)
		w.check("tokens that the pod knew", told, []int64{0, 5})
	})
}

func TestRecall(t *testing.T) {
	var r recall
	at := func(minutes int) time.Time { return time.Unix(0, 0).Add(time.Duration(minutes) * time.Minute) }
	for _, step := range []struct {
		minute      int
		prefix      uint64
		tokens, sum int64
	}{
		{0, 1, 100, 0}, // the worked example: the first is new
		{1, 1, 100, 100},
		{2, 2, 50, 100},
		{6, 1, 100, 200}, // known from the older generation
		{11, 2, 50, 100}, // forgotten, and so is what 1 saved in minute 1
		{30, 1, 100, 0},
	} {
		r.see(at(step.minute), step.prefix, step.tokens)
		if got := r.saved(at(step.minute)); got != step.sum {
			t.Errorf("minute %d: saved() = %d, want %d", step.minute, got, step.sum)
		}
	}
	for prefix := range uint64(10 * recallMost) {
		r.see(at(30), prefix, 1)
	}
	if n := len(r.newer.prefixes) + len(r.older.prefixes); n > 2*recallMost {
		t.Errorf("%d prefixes are remembered, want %d at most", n, 2*recallMost)
	}
}
