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
