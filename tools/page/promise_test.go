package page

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/record/why"
	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// promising has seven services by metrics, an InferenceService and a Deployment with
// objectives, of which the latter does not keep them, and one that states what there is not.
func promising() webtest.World { return webtest.World{Services: 7, Promised: 3} }

const (
	keeps  = "promised/nemotron-49b"
	breaks = "promised/llama-70b"
)

// TestPromise reads what is promised and what of it is kept, in the strip, the rows and the
// charts.
func TestPromise(t *testing.T) {
	s := serve(t, promising(), looks, nil)
	p := open(chromium(t), t, s.address)
	p.until(`document.querySelectorAll("#rows .row").length === 10`)
	p.has("#strip", "1 of 2 services keep their promise")
	if strip := p.text("#strip"); !regexp.MustCompile(`[0-8] of 8 others as declared`).MatchString(strip) {
		t.Errorf("the strip says %q, want others as declared", strip)
	}
	for id, want := range map[string]string{
		keeps: "✓ ttft p90 3 s, tpot 100 ms: 92.0 %", breaks: "✕ ttft p90 3 s, tpot 100 ms: 87.1 %", "promised/qwen3-14b": "", "search/llama-70b": "",
	} {
		if got := p.text(`#rows .row[data-id="` + id + `"] .promise`); got != want {
			t.Errorf("%s promises %q, want %q", id, got, want)
		}
	}
	if row := p.text(`#rows .row[data-id="promised/qwen3-14b"]`); !strings.Contains(row, `"tfft" cannot be promised; did you mean ttft?`) {
		t.Errorf("row %q does not say what is wrong", row)
	}
	p.click(`#rows .row[data-id="` + breaks + `"]`)
	p.until(`document.querySelectorAll(".chart canvas").length === 6`)
	p.has("#promise", "promise ttft p90 3 s, tpot 100 ms 87.1 % of the requests in this time are within it (ttft 88.0 %, tpot 99.0 %), 90.0 % are promised")
	titles := p.texts("figcaption b")
	if want := []string{"Promise", "TTFT p90", "TPOT p90", "Arrivals", "Requests", "Replicas"}; !slices.Equal(titles, want) {
		t.Errorf("charts %q, want %q", titles, want)
	}
	p.hover(`[data-chart="arrivals"] .u-over`, 0.93)
	p.has(`[data-chart="ttft"]`, "objective 3 s")
	for i, want := range []string{
		`^Promise requests within ttft p90 3 s, tpot 100 ms kept \d+\.\d % promised 90\.0 %$`, `^TTFT p90 TTFT \d+(\.\d+)? m?s objective 3 s$`, `^TPOT p90 TPOT \d+ ms objective 100 ms$`,
	} {
		if got := p.texts("figcaption")[i]; !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("chart %q, want %s", got, want)
		}
	}
	if got := p.texts(".what-if"); len(got) > 0 {
		t.Errorf("%q is asked of a service without a target", got)
	}
}

// TestDecisions wants a card for each decision of the record in its words, and what holds now in
// full.
func TestDecisions(t *testing.T) {
	w := promising()
	s := serve(t, w, looks, nil)
	p := open(chromium(t), t, s.address+"/#/"+breaks)
	told, _, err := w.Why(t.Context(), breaks+"-predictor", webtest.Start().Add(-time.Hour), webtest.Start().Add((looks-1)*webtest.Every))
	if err != nil || len(told.Changes) < 2 {
		t.Fatalf("%d changes, %v, want some", len(told.Changes), err)
	}
	p.has("#cards .card.now", strings.Join(told.Last.Sentences, " "))
	p.until(`document.querySelectorAll(".chart canvas").length === 6`)
	cards := p.texts("#cards .card:not(.now)")
	if len(cards) != len(told.Changes) {
		t.Fatalf("%d cards, want one for each of %d decisions: %q", len(cards), len(told.Changes), cards)
	}
	for i, c := range told.Changes {
		if at := c.At[11:19]; !strings.HasPrefix(cards[i], at) || !strings.Contains(cards[i], strings.Join(c.Because, ", ")) || !strings.HasSuffix(cards[i], c.Sentences[0]) {
			t.Errorf("card %q, want %s, %q and %q", cards[i], at, c.Because, c.Sentences[0])
		}
	}
	p.click(`#cards .card:nth-child(2) summary`)
	p.has("#cards .card:nth-child(2)", strings.Join(told.Changes[0].Sentences, " "))
	p.hover(`#cards .card:last-child`, 0.5)
	p.until(`new DOMMatrix(getComputedStyle(document.querySelector(".u-cursor-x")).transform).e > 100`)
	s.Refresh(t.Context())
	p.until(`document.querySelector("#cards .card:nth-child(2) details").open`)
}

// TestDecisionsMissing wants the right to be named that shows them.
func TestDecisionsMissing(t *testing.T) {
	const fix = "it takes the rights to list pods and to get pods/proxy in flyball-system"
	s := serve(t, promising(), looks, func(c *web.Config) {
		c.Why = func(context.Context, string, time.Time, time.Time) (why.Told, []string, error) {
			return why.Told{}, nil, hint.With(errors.New("asking the pods of flyball-scaler: forbidden"), fix)
		}
	})
	p := open(chromium(t), t, s.address+"/#/"+keeps)
	p.has("#untold", "✕ what was decided cannot be told: asking the pods of flyball-scaler: forbidden")
	p.has("#cards", fix)
	p.has("#cards .card.now", "The replicas follow what the promise needs.")
}
