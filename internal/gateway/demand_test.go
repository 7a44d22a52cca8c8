package gateway

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
)

// TestTellsOfPods: what each pod has to do is told while it has anything, also of one
// that takes nothing new.
func TestTellsOfPods(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		finish := make(chan struct{})
		waits := func(http.ResponseWriter, *http.Request) { <-finish }
		a, b := w.engine("a", waits), w.engine("b", waits)
		f.Update([]Service{llama(a)})
		first := f.start(chat)
		f.Update([]Service{llama(b)}) // a is about to go
		second, third := f.start(chat), f.start(chat)
		pause(t.Context(), 3*time.Second)
		pods := f.last().Pods
		if len(pods) != 2 || pods[0].InFlight != 1 || pods[1].InFlight != 2 || pods[1].WorkTokens != 2*pods[0].WorkTokens || pods[0].WorkTokens <= 0 ||
			!slices.IsSortedFunc(pods, func(a, b demand.PodWork) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("told of pods %+v, want 1 request at a and 2 at b", pods)
		}
		close(finish)
		for _, done := range []<-chan reply{first, second, third} {
			w.check("status", (<-done).status, 200)
		}
	})
}

// TestColdUntilTheFirstAnswer: what a service is woken with is told as cold until one of
// its pods has answered, and then at once.
func TestColdUntilTheFirstAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama()})
		all := []<-chan reply{f.start(chat), f.start(chat), f.start(chat)}
		if got := f.last(); got.Held == 0 || !got.Cold {
			t.Errorf("at zero: told %+v, want it cold", got)
		}
		answered, finish := make(chan struct{}), make(chan struct{})
		pod := w.engine("pod", func(rw http.ResponseWriter, r *http.Request) {
			<-answered
			says("yes")(rw, r)
			_ = http.NewResponseController(rw).Flush()
			<-finish
		})
		f.Update([]Service{llama(pod)})
		pause(t.Context(), 2*time.Second)
		if got := f.last(); got.InFlight != 2 || !got.Cold {
			t.Errorf("before the first answer: told %+v, want it cold", got)
		}
		close(answered)
		if got := f.last(); got.Cold {
			t.Errorf("after the first answer: told %+v, want it not cold", got)
		}
		close(finish)
		for _, done := range all {
			w.check("status", (<-done).status, 200)
		}
	})
}
