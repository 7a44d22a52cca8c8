package page

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// looks are five minutes of services that scale up and down.
const looks = 60

var checks = map[string]func(*testing.T, *site, *tab){
	"strip": func(t *testing.T, s *site, p *tab) {
		v := view(t, s)
		want := []string{
			fmt.Sprintf("▲ %d services need attention", v.Strip.Attention),
			fmt.Sprintf("%d of %d services as declared", v.Strip.Services-v.Strip.Attention, v.Strip.Services),
			fmt.Sprintf("%d/%d GPUs", v.Strip.GPUsHeld, *v.Strip.GPUs),
			fmt.Sprintf("%s USD/h", short(2.5*float64(v.Strip.GPUsHeld))),
			fmt.Sprintf("%d held", *v.Strip.Held),
		}
		if got := p.texts("#strip .part"); v.Strip.Attention < 2 || !slices.Equal(got, want) {
			t.Errorf("the strip says %q, want %q", got, want)
		}
	},
	"fleet":    checkFleet,
	"services": checkServices,
	"keys":     checkKeys,
	"news":     checkNews,
	"kept":     checkKept,
	"far":      checkFar,
}

// TestList clicks through the strip, the fleet and the services.
func TestList(t *testing.T) {
	started := chromium(t)
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			s := serve(t, webtest.World{Services: 24}, looks, nil)
			p := open(started, t, s.address)
			p.until(`document.querySelectorAll("#rows .row").length === 24`)
			check(t, s, p)
		})
	}
}

// view is what the page was told.
func view(t *testing.T, s *site) web.View {
	t.Helper()
	r, err := http.Get(s.address + "/api/view")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v web.View
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// short has the digits that the page shows of money.
func short(x float64) string {
	if x >= 100 || x == float64(int(x)) {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.1f", x)
}

// checkFleet wants a slot for each GPU, and the words of pods that move.
func checkFleet(t *testing.T, s *site, p *tab) {
	p.whole()
	compareSlots(t, view(t, s), p)
	if legend := p.text("#fleet .legend"); legend != "ready starting pending draining free" {
		t.Errorf("the legend says %q", legend)
	}
	for _, said := range []string{"loading the model 18 s, about 14 s left", "draining 5 s"} {
		if all := p.text("#fleet"); !strings.Contains(all, said) {
			t.Errorf("the fleet says %q, want %q in it", all, said)
		}
	}
}

// compareSlots compares the slots of each node, and those without one, with who holds GPUs.
func compareSlots(t *testing.T, v web.View, p *tab) {
	t.Helper()
	want := map[string]map[string]int{}
	for _, n := range v.Nodes {
		want[n.Name] = map[string]int{"free": n.GPUs}
	}
	want[""] = map[string]int{}
	for _, h := range v.Holders {
		want[h.Node][h.State] += h.GPUs
		if h.Node != "" {
			want[h.Node]["free"] -= h.GPUs
		}
	}
	for _, state := range []string{"ready", "starting", "pending", "draining"} {
		if !slices.ContainsFunc(v.Holders, func(h explain.Holder) bool { return h.State == state }) {
			t.Errorf("no pod is %s: the made-up cluster shows too little", state)
		}
	}
	got := value[map[string]map[string]int](p, `(() => {
		const all = { "": {} };
		for (const box of document.querySelectorAll("#fleet .node, #fleet .waiting")) {
			const of = (all[box.dataset.node ?? ""] = {});
			for (const slot of box.querySelectorAll(".slot")) of[slot.classList[1]] = (of[slot.classList[1]] ?? 0) + 1;
		}
		return all;
	})()`)
	for name, states := range want {
		for state, n := range states {
			if got[name][state] != n {
				t.Errorf("node %q has %d slots that are %s, want %d", name, got[name][state], state, n)
			}
		}
	}
}

// checkServices compares each row with what was told of it, and wants what needs attention
// first.
func checkServices(t *testing.T, s *site, p *tab) {
	v := view(t, s)
	p.whole()
	rows := p.texts("#rows .row")
	for _, one := range v.Services {
		i := slices.IndexFunc(rows, func(r string) bool { return strings.HasPrefix(r, one.ID+" ") })
		if i < 0 {
			t.Errorf("no row of %s", one.ID)
			continue
		}
		for _, want := range []string{
			fmt.Sprintf("%d/%d", *one.Ready, *one.Desired), fmt.Sprintf("%d–%d", one.Min, one.Max), one.Message, map[bool]string{true: "▲"}[one.Attention],
		} {
			if !strings.Contains(rows[i], want) {
				t.Errorf("row %q lacks %q", rows[i], want)
			}
		}
		if first := i < v.Strip.Attention; first != one.Attention {
			t.Errorf("%s is row %d, of %d that need attention", one.ID, i, v.Strip.Attention)
		}
	}
	p.until(`((drawn) => drawn >= 10 || drawn)([...document.querySelectorAll("#rows .spark")].filter((c) => c.querySelector(".load").getAttribute("d") && c.clientWidth > 0 && /load .* replicas, \d+ ready/.test(c.getAttribute("aria-label"))).length)`)
}

// checkKeys goes by the keyboard alone.
func checkKeys(t *testing.T, _ *site, p *tab) {
	p.keys("/")
	p.until(`document.activeElement.id === "filter"`)
	p.keys("gemma")
	p.until(`[...document.querySelectorAll("#rows .row")].filter((r) => r.checkVisibility()).length === 3`)
	for _, row := range p.texts("#rows .row") {
		if !strings.Contains(row, "gemma") {
			t.Errorf("the filter leaves %q", row)
		}
	}
	p.keys("\r")
	at := func(i int) {
		t.Helper()
		p.until(fmt.Sprintf(`document.activeElement === [...document.querySelectorAll("#rows .row")].filter((r) => r.checkVisibility())[%d]`, i))
	}
	at(0)
	p.keys("j")
	at(1)
	p.keys("jj")
	at(2)
	p.keys("k")
	at(1)
	id := value[string](p, `document.activeElement.dataset.id`)
	p.keys("\r")
	p.until(`document.querySelector("#service h2")?.innerText === ` + quote(id))
	p.keys("\x1b")
	p.until(`document.querySelector("#service").hidden && location.hash === "#/"`)
	p.keys("/")
	p.keys("no such")
	p.has("#none", "No service matches")
}

// checkNews wants what changed to be drawn by itself, and a cluster that does not answer named.
func checkNews(t *testing.T, s *site, p *tab) {
	before := p.texts("#rows .row")
	for range 20 {
		s.Refresh(t.Context())
	}
	p.until(fmt.Sprintf(`document.querySelector("#age").innerText.startsWith(%s)`, quote(view(t, s).At.Format("15:04:05"))))
	if slices.Equal(p.texts("#rows .row"), before) {
		t.Error("nothing changed in 20 looks")
	}
	s.deaf.Store(true)
	s.Refresh(t.Context())
	p.has("#notes", "cluster connection refused")
	p.has("#notes", "see whether kubectl get inferenceservices -A answers")
	s.deaf.Store(false)
	s.Refresh(t.Context())
	p.until(`!document.querySelector("#notes").innerText.includes("connection refused")`)
}

// checkKept wants rows and nodes to stay the same elements, so that what is focused stays so,
// while what they say changes; those that go and come to be in their place.
func checkKept(t *testing.T, s *site, p *tab) {
	const all = `[...document.querySelectorAll("#rows .row, #nodes .node")]`
	p.do(chromedp.Evaluate[chromedp.Void](`(() => {
		window.first = new Map(` + all + `.map((e) => [e.dataset.id ?? e.dataset.node, e]));
		document.querySelector('#rows .row[data-id="search/phi-4"]').focus();
	})()`))
	fewer, err := webtest.World{Services: 23}.Look(looks)
	if err != nil {
		t.Fatal(err)
	}
	const away = "batch/nemotron-49b" // number 23
	before := view(t, s)
	s.made, s.next = []web.Look{fewer}, 0
	s.Refresh(t.Context())
	p.until(`document.querySelectorAll("#rows .row").length === 23`)
	compareOrder(t, s, p)
	for range 20 {
		s.Refresh(t.Context())
	}
	v := view(t, s)
	p.until(fmt.Sprintf(`document.querySelector("#age").innerText.startsWith(%s)`, quote(v.At.Format("15:04:05"))))
	if v.Strip.Attention == before.Strip.Attention {
		t.Error("as many services need attention as before: the made-up cluster moves no row")
	}
	checkServices(t, s, p)
	compareOrder(t, s, p)
	// Nodes are written where they are seen: the focus has scrolled them away.
	p.do(chromedp.Evaluate[chromedp.Void](`new Promise((seen) => {
		document.querySelector("#fleet").scrollIntoView();
		requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(seen)));
	})`, chromedp.EvalAwaitPromise))
	compareSlots(t, v, p)
	const made = all + `.filter((e) => (window.first.get(e.dataset.id ?? e.dataset.node) ?? e) !== e).map((e) => e.dataset.id ?? e.dataset.node)`
	if got := value[[]string](p, made); !slices.Equal(got, []string{away}) {
		t.Errorf("made anew: %q, want the service alone that was away", got)
	}
	if at := value[string](p, `document.activeElement.dataset.id ?? document.activeElement.tagName`); at != "search/phi-4" {
		t.Errorf("the focus is on %s, want the row on which it was", at)
	}
}

// compareOrder wants what needs attention first, and names in order.
func compareOrder(t *testing.T, s *site, p *tab) {
	t.Helper()
	var first, rest []string
	for _, one := range view(t, s).Services { // by name
		if one.Attention {
			first = append(first, one.ID)
		} else {
			rest = append(rest, one.ID)
		}
	}
	if got, want := value[[]string](p, `[...document.querySelectorAll("#rows .row")].map((e) => e.dataset.id)`), slices.Concat(first, rest); !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
}

// checkFar wants the name alone of what is far from being seen, so that it is found, and the rest once
// it is scrolled to; and that again when it is left.
func checkFar(t *testing.T, _ *site, p *tab) {
	p.screen(800, 300, "light")
	const last, cells = `document.querySelector("#rows .row:last-child")`, `.querySelectorAll(".reason, svg, .why").length`
	p.until(last + cells + ` === 0`)
	if name := value[string](p, last+`.textContent`); name != value[string](p, last+`.dataset.id`) {
		t.Errorf("the last row says %q, want its name", name)
	}
	p.do(chromedp.Evaluate[chromedp.Void](last + `.scrollIntoView()`))
	p.until(last + cells + ` === 3 && ` + last + `.querySelector(".load").getAttribute("d") !== "" && ` + last + `.querySelector(".reason").textContent !== ""`)
	p.do(chromedp.Evaluate[chromedp.Void](`scrollTo(0, 0)`))
	p.until(last + cells + ` === 0`)
	p.do(chromedp.Evaluate[chromedp.Void](last + `.focus()`))
	p.until(last + cells + ` === 3 && document.activeElement === ` + last)
}
