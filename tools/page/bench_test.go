package page

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// paints is for how many loads of the page the median is taken.
const paints = 11

// BenchmarkEmptyPage is what a first paint takes of this browser on this machine, whatever is
// painted: a document of one word.
func BenchmarkEmptyPage(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><link rel=icon href=data:,><p>empty") // the reader went
	}))
	b.Cleanup(server.Close)
	p := open(chromium(b), b, server.URL)
	var first []float64
	for b.Loop() {
		for range paints {
			p.do(chromedp.Navigate(server.URL))
			p.until(`performance.getEntriesByName("first-contentful-paint").length === 1`)
			first = append(first, value[float64](p, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
		}
	}
	b.ReportMetric(middle(first), "first-paint-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFirstPaint loads the page from loopback with nothing cached: until the browser
// paints anything, and what that takes in bytes; then, in loads of their own since a script
// watches them, until the first service is painted.
func BenchmarkFirstPaint(b *testing.B) {
	s := serve(b, webtest.World{Services: 24}, looks, nil)
	p := open(chromium(b), b, s.address)
	call(p, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	var first, services []float64
	size := 0.0
	load := func(until string) float64 {
		p.do(chromedp.Navigate(s.address))
		entry := fmt.Sprintf(`performance.getEntriesByName(%q)`, until)
		p.until(`document.querySelector("#rows .row .name") !== null && ` + entry + `.length === 1`)
		return value[float64](p, entry+`[0].startTime`)
	}
	for b.Loop() {
		for range paints {
			first = append(first, load("first-contentful-paint"))
			size = value[float64](p, `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
				.filter((r) => !r.name.includes("/api/")).reduce((sum, r) => sum + r.transferSize, 0)`)
		}
		call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
			new MutationObserver((_, watch) => {
				if (!document.querySelector("#rows .row .name")) return;
				watch.disconnect();
				requestAnimationFrame(() => setTimeout(() => performance.mark("services")));
			}).observe(document, { childList: true, subtree: true });`})
		for range paints {
			services = append(services, load("services"))
		}
	}
	b.ReportMetric(middle(first), "first-paint-ms")
	b.ReportMetric(slices.Max(first), "worst-first-paint-ms")
	b.ReportMetric(middle(services), "services-ms")
	b.ReportMetric(size/1000, "kB")
	b.ReportMetric(0, "ns/op")
	if size > 200_000 {
		b.Errorf("the page has %.0f bytes, want at most 200,000", size)
	}
}

func middle(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// updates are looks at 500 services, in each of which most change.
const updates = 24

// BenchmarkUpdate changes 500 services: the longest that the page's thread is busy without a
// pause when it loads and from then on, the longest time between two frames, and the
// processor time of an update.
func BenchmarkUpdate(b *testing.B) {
	all := make([]web.Look, updates+1)
	world := webtest.World{Services: 500}
	for i := range all {
		var err error
		if all[i], err = world.Look(looks + i); err != nil {
			b.Fatal(err)
		}
	}
	s := serve(b, world, 1, nil)
	s.made = all[1:]
	p := open(chromium(b), b, s.address)
	p.screen(2560, 1400, "light")
	p.until(`document.querySelectorAll("#rows .row").length === 500`)
	load, err := chromedp.Run(p.ctx, chromedp.Evaluate[float64](`new Promise((done) => new PerformanceObserver((list, watch) => {
		watch.disconnect();
		requestIdleCallback(() => done(Math.max(...list.getEntries().map((e) => e.duration))));
	}).observe({ type: "longtask", buffered: true }))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatal(err)
	}
	call(p, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
	p.do(chromedp.Evaluate[chromedp.Void](`(() => {
		window.tasks = [];
		new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration))).observe({ type: "longtask" });
		window.gap = 0;
		let last = performance.now();
		const frame = (now) => {
			window.gap = Math.max(window.gap, now - last);
			last = now;
			requestAnimationFrame(frame);
		};
		requestAnimationFrame(frame);
	})()`))
	before := busy(p)
	for b.Loop() {
		s.next = 0
		for _, l := range s.made {
			s.Refresh(b.Context())
			p.until(fmt.Sprintf(`document.querySelector("#age").innerText.startsWith(%s)`, quote(l.At.Format("15:04:05"))))
		}
	}
	b.ReportMetric(load, "longest-task-of-load-ms")
	b.ReportMetric(value[float64](p, `Math.max(0, ...window.tasks)`), "longest-task-ms")
	b.ReportMetric(value[float64](p, `window.gap`), "longest-frame-ms")
	b.ReportMetric(1000*(busy(p)-before)/float64(b.N*len(s.made)), "cpu-ms/update")
	b.ReportMetric(0, "ns/op")
}

// busy is the processor time of the page's thread, in seconds.
func busy(p *tab) float64 {
	p.t.Helper()
	for _, m := range call(p, performance.GetMetrics, cdp.Empty{}).Metrics {
		if m.Name == "TaskDuration" {
			return m.Value
		}
	}
	p.t.Fatal("the browser does not tell how long it was busy")
	return 0
}
