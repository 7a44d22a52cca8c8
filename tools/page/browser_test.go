package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// chromium starts one, each tab of which is a context.
func chromium(t testing.TB) context.Context {
	t.Helper()
	options := chromedp.DefaultExecAllocatorOptions[:]
	if os.Geteuid() == 0 { // its sandbox wants another user
		options = append(options, chromedp.NoSandbox)
	}
	allocator, end := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, closeAll := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		closeAll()
		end()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting Chromium: %v\non Debian: apt-get install chromium", err)
	}
	return ctx
}

// A site is the real server of a made-up cluster.
type site struct {
	*web.Server
	address string
	look    int
	made    []web.Look  // are taken first
	next    int         // of made
	deaf    atomic.Bool // the cluster does not answer
}

// serve makes some looks, and serves on loopback.
func serve(t testing.TB, world webtest.World, looks int, change func(*web.Config)) *site {
	t.Helper()
	s := &site{}
	config := web.Config{
		Cluster: "https://made.up", Scope: "all namespaces", Every: webtest.Every, GPUPrice: 2.5, Currency: "USD", Count: world.Count, Keep: world.Keep, Why: world.Why, Try: webtest.Try,
		Look: func(context.Context) (web.Look, error) {
			if s.deaf.Load() {
				return web.Look{}, errors.New("connection refused")
			}
			if s.next < len(s.made) {
				s.next++
				return s.made[s.next-1], nil
			}
			s.look++
			return world.Look(s.look - 1)
		},
	}
	if change != nil {
		change(&config)
	}
	var err error
	if s.Server, err = web.New(config); err != nil {
		t.Fatal(err)
	}
	for range looks {
		s.Refresh(t.Context())
	}
	server := httptest.NewServer(s)
	s.address = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections() // streams have no end of their own
		server.Close()
	})
	return s
}

// A tab is one of the browser. Its test fails with what the page throws or logs as an error.
type tab struct {
	t   testing.TB
	ctx context.Context
	// expected is what a fault may say; "": none may be.
	expected string

	mu     sync.Mutex
	faults []string
}

func open(started context.Context, t testing.TB, address string) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(started)
	p := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.heard); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.faults = slices.DeleteFunc(p.faults, func(f string) bool { return p.expected != "" && strings.Contains(f, p.expected) })
		if len(p.faults) > 0 {
			t.Errorf("the page's faults:\n%s", strings.Join(p.faults, "\n"))
		}
	})
	p.screen(1280, 900, "light")
	p.do(chromedp.Navigate(address))
	return p
}

func (p *tab) heard(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if o := e.ExceptionDetails.Exception; o != nil {
			text += " " + o.Description
		}
		p.faults = append(p.faults, text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			p.faults = append(p.faults, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// call is a command of the browser's protocol.
func call[P, R any](p *tab, command cdp.Command[P, R], with P) R {
	p.t.Helper()
	r, err := chromedp.Call(p.ctx, command, with)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// screen is light or dark.
func (p *tab) screen(width, height int64, scheme string) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// whole makes the window so high that all nodes and services are in it: of what is far from being
// seen there is only the name.
func (p *tab) whole() {
	p.t.Helper()
	p.screen(1280, 4000, "light")
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#nodes").style.maxHeight = "none"`))
	p.until(`[...document.querySelectorAll("#rows .row")].every((r) => r.querySelector(".why")) && [...document.querySelectorAll("#nodes .node")].every((n) => n.querySelector(".slots"))`)
}

// patience is how long a page may take to be as it should, on a machine that is busy.
const patience = 30 * time.Second

// until waits for an expression to be true.
func (p *tab) until(expression string) {
	p.t.Helper()
	got, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](fmt.Sprintf(`new Promise((done) => {
		const began = performance.now();
		const look = () => {
			let got;
			try { got = (%s); } catch (e) { got = String(e); }
			if (got === true) done("");
			else if (performance.now() - began > %d) done(JSON.stringify(got) ?? "undefined");
			else setTimeout(look, 20);
		};
		look();
	})`, expression, patience.Milliseconds()), chromedp.EvalAwaitPromise))
	switch {
	case err != nil:
		p.t.Fatalf("%s: %v", expression, err)
	case got != "":
		p.t.Fatalf("after %s %s is %s, want true", patience, expression, got)
	}
}

// value is that of an expression.
func value[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// texts are those of the elements that are seen, as they are read.
func (p *tab) texts(selector string) []string {
	p.t.Helper()
	return value[[]string](p, fmt.Sprintf(
		`[...document.querySelectorAll(%s)].filter((e) => e.checkVisibility()).map((e) => e.innerText.replace(/\s+/g, " ").trim())`, quote(selector)))
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	return strings.Join(p.texts(selector), "\n")
}

// has waits until what a selector finds contains a text.
func (p *tab) has(selector, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`((all) => all.includes(%s) || all)([...document.querySelectorAll(%s)].map((e) => e.innerText).join(" ").replace(/\s+/g, " "))`, quote(text), quote(selector)))
}

func (p *tab) keys(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// hover moves the mouse to a share of an element's width, in its middle. It waits for the frame in
// which the page hears that it was scrolled: until then charts know their old place.
func (p *tab) hover(selector string, share float64) {
	p.t.Helper()
	at, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(`new Promise((done) => {
		const e = document.querySelector(%s);
		e.scrollIntoView({ block: "center" });
		requestAnimationFrame(() => {
			const r = e.getBoundingClientRect();
			done([r.left + %f * r.width, r.top + r.height / 2]);
		});
	})`, quote(selector), share), chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", selector, err)
	}
	p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
}

// quote is a string of JavaScript.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return "null" // no string has no JSON
	}
	return string(b)
}
