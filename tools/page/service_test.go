package page

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// The service that is opened, and one whose metric cannot be read.
const (
	sound  = "search/llama-70b"
	broken = "search/gemma-27b"
)

// TestService clicks through what the page shows of one service.
func TestService(t *testing.T) {
	started := chromium(t)
	for name, check := range map[string]func(*testing.T, *site, *tab){
		"charts": checkCharts, "why": checkWhy, "chain": checkChain, "what if": checkWhatIf, "share": checkShare, "export": checkExport, "no data": checkNoData,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, webtest.World{Services: 24}, looks, nil)
			p := open(started, t, s.address)
			p.until(`document.querySelectorAll("#rows .row").length === 24`)
			p.click(fmt.Sprintf(`#rows .row[data-id=%s]`, quote(sound)))
			p.until(`document.querySelectorAll(".chart canvas").length === 7`)
			check(t, s, p)
		})
	}
}

// checkCharts wants all charts with one cursor, and the values under it.
func checkCharts(t *testing.T, _ *site, p *tab) {
	want := []string{"Arrivals", "Requests", "At the gateways", "Replicas", "Metric over target", "TTFT p90", "TPOT p90"}
	if got := p.texts("figcaption b"); !slices.Equal(got, want) {
		t.Errorf("charts %q, want %q", got, want)
	}
	p.hover(`[data-chart="replicas"] .u-over`, 0.95)
	const cursors = `[...document.querySelectorAll(".u-cursor-x")].map((c) => Math.round(new DOMMatrix(getComputedStyle(c).transform).e))`
	p.until(`((all) => all.length === 7 && all[0] > 100 && all.every((x) => x === all[0]) || all)(` + cursors + `)`)
	late, place := p.texts("figcaption"), value[[]int](p, cursors)
	p.hover(`[data-chart="arrivals"] .u-over`, 0.93)
	p.until(fmt.Sprintf(`((all) => all.every((x) => x === all[0] && x < %d) || all)(%s)`, place[0], cursors))
	early := p.texts("figcaption")
	if slices.Equal(early, late) {
		t.Errorf("the readouts %q are the same at two times", early)
	}
	for chart, said := range map[int]string{
		0: `^Arrivals requests/s arrivals [\d.]+$`, 1: `^Requests running [\d.]+ waiting at the engines [\d.]+$`, 3: `^Replicas ready \d.* desired \d$`,
		4: `^Metric over target × the target for these replicas ratio [\d.]+ tolerance ±10 %$`, 5: `^TTFT p90 TTFT \d+(\.\d+)? m?s$`, 6: `^TPOT p90 TPOT \d+ ms$`,
	} {
		if !regexp.MustCompile(said).MatchString(early[chart]) {
			t.Errorf("chart %q, want %s", early[chart], said)
		}
	}
	p.click(`[data-last="15m"]`)
	p.until(`document.querySelector('[data-last="15m"]').hasAttribute("aria-current") && location.hash.endsWith("?last=15m")`)
}

// checkWhy recomputes the number of each card from the arithmetic that it tells, and wants
// a card to move the cursor.
func checkWhy(t *testing.T, _ *site, p *tab) {
	p.until(`document.querySelectorAll("#cards .card").length > 3`)
	sum := regexp.MustCompile(`^\d\d:\d\d:\d\d (\d+)(?: → (\d+))? ([\d.]+) ÷ target 1 (?:= (\d+); |is [\d.]+ replicas, within the tolerance of \d+)(.*)`)
	reached := 0
	for _, card := range p.texts("#cards .card") {
		m := sum.FindStringSubmatch(card)
		if m == nil {
			t.Errorf("card %q is no arithmetic", card)
			continue
		}
		load, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		to := m[1] + m[2]
		if m[2] != "" {
			to = m[2]
		}
		if m[4] == to && m[5] == "Limits not reached." || strings.Contains(m[5], "limits not reached") {
			reached++
			if n, err := strconv.Atoi(to); err != nil || float64(n) < load-0.01 || float64(n) >= load+1 {
				t.Errorf("card %q: %g ÷ 1 is not %s", card, load, to)
			}
		}
	}
	if reached == 0 {
		t.Errorf("no card of a change by the metric alone: %q", p.texts("#cards .card"))
	}
	const cursor = `new DOMMatrix(getComputedStyle(document.querySelector(".u-cursor-x")).transform).e`
	p.hover(`#cards .card:nth-child(2)`, 0.5)
	p.until(cursor + ` > 100`)
	newest := value[float64](p, cursor)
	p.hover(`#cards .card:last-child`, 0.5)
	p.until(fmt.Sprintf(`%s < %f`, cursor, newest))
}

// checkChain wants five links that hold, and the broken one of another service with its fix.
func checkChain(t *testing.T, s *site, p *tab) {
	if got := p.texts("#chain .link-name"); !slices.Equal(got, []string{"✓ metric", "✓ keda", "✓ hpa", "✓ deployment", "✓ pods"}) &&
		!slices.Equal(got, []string{"✓metric", "✓keda", "✓hpa", "✓deployment", "✓pods"}) {
		t.Errorf("chain %q, want five links that hold", got)
	}
	p.keys("\x1b")
	p.click(fmt.Sprintf(`#rows .row[data-id=%s]`, quote(broken)))
	p.has("#chain .broken", "unable to get external metric: no server answers at prometheus:9090")
	for _, at := range []string{"#verdict code", "#chain .broken code"} {
		if got := p.text(at); got != "kubectl describe scaledobject,hpa -n search" {
			t.Errorf("the fix of %s is %q", at, got)
		}
	}
	clipboard(p, s)
	p.click("#chain .broken .copy")
	p.until(`document.querySelector("#chain .broken .copy").innerText === "copied"`)
	if got := pasted(p); got != "kubectl describe scaledobject,hpa -n search" {
		t.Errorf("copied %q", got)
	}
}

// checkWhatIf moves the slider over all targets, and wants of each what was simulated.
func checkWhatIf(t *testing.T, s *site, p *tab) {
	answer, err := webtest.Try(t.Context(), web.Question{Values: "1..5"}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.question [name="values"]').value = "1..5"`))
	p.click(`.question button`)
	p.until(`document.querySelectorAll(".answer canvas").length === 1`)
	for _, said := range append(answer.Verdict, answer.Command, "Simulated; ± is the 95 % interval over the seeds.") {
		p.has(".answer", said)
	}
	p.has(".chosen", "3: 93.0 %") // the cheapest that keeps the promise
	clipboard(p, s)
	for i, one := range answer.Tried {
		p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
			const slider = document.querySelector(".slider input");
			slider.value = %d;
			slider.dispatchEvent(new Event("input"));
		})()`, i)))
		p.has(".chosen", fmt.Sprintf("%s: %.1f %% ±%.1f at %.0f GPU-hours, %.0f replicas on average", one.Value, 100*one.Attainment, 100*one.AttainmentHalf, one.GPUHours, one.Replicas))
		p.has(".chosen", "keeps 90.0 %: "+one.Keeps)
		if one.Value == answer.Now {
			p.has(".patch", "This is the target that is set.")
			continue
		}
		p.has(".patch", fmt.Sprintf("- value: '1' + value: '%s'", one.Value))
		p.click(".patch .copy")
		want := fmt.Sprintf(`kubectl patch inferenceservice llama-70b -n search --type=json -p '[{"op":"replace","path":"%s","value":"%s"}]'`, answer.Pointer, one.Value)
		p.until(`document.querySelector(".patch .copy").innerText === "copied"`)
		if got := pasted(p); got != want {
			t.Errorf("copied %q, want %q", got, want)
		}
	}
}

// clipboard lets the site write and read it.
func clipboard(p *tab, s *site) {
	p.t.Helper()
	for _, name := range []string{"clipboard-write", "clipboard-read"} {
		if _, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: s.address,
		}); err != nil {
			p.t.Fatal(err)
		}
	}
}

func pasted(p *tab) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`navigator.clipboard.readText()`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// checkShare opens the link that is copied: the same time, which does not move on.
func checkShare(t *testing.T, s *site, p *tab) {
	clipboard(p, s)
	p.click("#share")
	p.until(`document.querySelector("#share").innerText === "copied"`)
	link := pasted(p)
	if want := s.address + "/#/search/llama-70b?from=2026-03-02T07:04:55Z&to=2026-03-02T08:04:55Z"; link != want {
		t.Errorf("link %s, want %s", link, want)
	}
	p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(link))
	p.until(`document.querySelectorAll(".chart canvas").length === 7 && !document.querySelector("[data-last][aria-current]")`)
}

// checkExport opens the file without a server.
func checkExport(t *testing.T, s *site, p *tab) {
	r, err := http.Get(s.address + "/" + value[string](p, `document.querySelector("#export").getAttribute("href")`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "export.html")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cards := p.texts("#cards .card")
	p.do(chromedp.Navigate("file://" + file))
	p.until(`document.querySelectorAll(".chart canvas").length === 7`)
	p.has("#age", "as of 08:04:55")
	if got := p.texts("#cards .card"); !slices.Equal(got, cards) {
		t.Errorf("the file's cards are %q, want %q", got, cards)
	}
	p.until(`document.querySelectorAll("#rows .row").length === 24`)
}

// checkNoData asks for a year in which there was nothing.
func checkNoData(_ *testing.T, s *site, p *tab) {
	p.do(chromedp.Navigate(s.address + "/#/search/llama-70b?from=2001-01-01T00:00:00Z&to=2001-01-01T01:00:00Z"))
	p.has("#charts", "No data in this time. Choose another")
	p.until(`document.querySelectorAll(".chart").length === 0`)
	p.has("#cards", "No change since")
	p.click(`[data-last="1h"]`)
	p.until(`document.querySelectorAll(".chart canvas").length === 7`)
}

// TestHostile wants a name that is markup to be text everywhere.
func TestHostile(t *testing.T) {
	s := serve(t, webtest.World{Services: 3, Promised: 2, Hostile: true}, looks, nil)
	p := open(chromium(t), t, s.address)
	p.until(`document.querySelectorAll("#rows .row").length === 5`)
	p.has("#rows", "demo/"+webtest.Hostile)
	p.has("#rows", "promised/"+webtest.Hostile)
	p.has("#fleet", webtest.Hostile)
	tame := func() {
		t.Helper()
		p.until(`document.querySelectorAll("img").length === 0 && document.title !== "owned" && document.scripts.length < 4 || document.documentElement.outerHTML`)
	}
	tame()
	p.click(`#rows .row[data-id^="demo/"]`)
	p.has("#service h2", "demo/"+webtest.Hostile)
	p.has("#chain", "ScaledObject "+webtest.Hostile)
	tame()
	p.do(chromedp.Evaluate[chromedp.Void](`location.hash = "#/promised/" + encodeURIComponent(` + quote(webtest.Hostile) + `)`))
	p.has("#service h2", "promised/"+webtest.Hostile)
	p.has("#promise", "promise ttft p90 3 s")
	tame()
}

// TestRights wants what a viewer may not see to be named with the right that shows it, and
// nothing to be said of what depends on it.
func TestRights(t *testing.T) {
	world := webtest.World{Services: 3}
	const hpas = "horizontalpodautoscalers.autoscaling"
	s := serve(t, world, 1, func(c *web.Config) {
		c.Count, c.Try = nil, nil
		c.Look = func(context.Context) (web.Look, error) {
			l, err := world.Look(0)
			l.Nodes, l.Blind = nil, []string{hpas}
			for i := range l.Services {
				l.Services[i].HPAs = nil
			}
			for _, what := range []string{web.NodesUnseen, hpas} {
				l.Notes = append(l.Notes, web.Note{Level: web.Warn, What: what, Found: "you may not list them", Fix: "kubectl create role see-" + what})
			}
			return l, err
		}
	})
	p := open(chromium(t), t, s.address)
	p.has("#notes", "nodes you may not list them kubectl create role see-nodes")
	p.has("#notes", hpas+" you may not list them kubectl create role see-"+hpas)
	p.has("#fleet", "Which GPUs there are cannot be seen: the note above says which right shows it.")
	p.has("#strip", "GPUs held")
	for _, row := range p.texts("#rows .row") {
		if !strings.Contains(row, "? unseen") && !strings.Contains(row, "?unseen") || !strings.Contains(row, "cannot be told without the right to list "+hpas) {
			t.Errorf("row %q says why, without the right to know", row)
		}
	}
	p.click(`#rows .row[data-id="search/llama-70b"]`)
	p.has("#charts-note", "no Prometheus is named, so this is what the page itself saw: flyball dashboard --prometheus http://…")
	p.expected = "404"
	p.click(`.question button`)
	p.has(".answer", "no Prometheus is named (flyball dashboard --prometheus http://…)")
}

// TestWidths wants no page to be wider than its window, in light and dark.
func TestWidths(t *testing.T) {
	s := serve(t, webtest.World{Services: 24, Promised: 3, Hostile: true}, looks, nil)
	p := open(chromium(t), t, s.address)
	paper := map[string]string{}
	for _, at := range []string{"#/", "#/search/qwen3-14b", "#/promised/qwen3-14b", "#/demo/" + url.PathEscape(webtest.Hostile), "#/promised/" + url.PathEscape(webtest.Hostile)} {
		for _, width := range []int64{400, 1280, 2560} {
			for _, scheme := range []string{"light", "dark"} {
				p.screen(width, 900, scheme)
				p.do(chromedp.Navigate(s.address + "/" + at))
				p.until(`document.querySelectorAll("#rows .row").length === 27`)
				if at != "#/" {
					p.until(`document.querySelectorAll(".chart canvas").length >= 6`)
				}
				p.until(fmt.Sprintf(`innerWidth === %d && document.documentElement.scrollWidth <= innerWidth || [location.hash, innerWidth, document.documentElement.scrollWidth,
					...[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth).map((e) => e.tagName + "." + e.className)]`, width))
				paper[scheme] = value[string](p, `getComputedStyle(document.body).backgroundColor`)
			}
		}
	}
	if paper["light"] == paper["dark"] {
		t.Errorf("light and dark are both %s", paper["light"])
	}
}
