package page

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// TestButtons presses a lab's by mouse and by keyboard; the page of another cluster has none.
func TestButtons(t *testing.T) {
	started := chromium(t)
	results := make(chan error)
	s := serve(t, webtest.World{Services: 2}, looks, func(c *web.Config) {
		c.Actions = []web.Action{{Name: "burst", Label: "Burst", Does: "some load", For: time.Minute, Do: func(context.Context) error { return <-results }}}
	})
	p := open(started, t, s.address)
	const button = "#buttons button"
	p.has("#lab", "Burst some load")
	if foot := p.text("footer"); strings.Contains(foot, "read only") {
		t.Errorf("the foot says %q of a page with buttons", foot)
	}
	p.screen(400, 900, "dark")
	if wide := value[float64](p, `document.documentElement.scrollWidth`); wide > 400 {
		t.Errorf("the page is %v px wide, want 400", wide)
	}
	p.click(button)
	p.has("#lab", "● under way until")
	p.click(button) // does nothing, not even a refusal
	results <- nil
	p.has("#lab", "✓ ended at")
	p.keys("\r") // the focus is where the mouse was
	p.has("#lab", "● under way until")
	results <- hint.With(errors.New("no <b>service</b>"), "apply the guide")
	p.has("#lab", "no <b>service</b>. Fix: apply the guide")

	read := open(started, t, serve(t, webtest.World{Services: 2}, looks, nil).address)
	read.has("footer", "read only")
	if got := read.texts("#lab, #lab button"); len(got) > 0 {
		t.Errorf("without actions the page has %q", got)
	}
}
