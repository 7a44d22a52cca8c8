package web_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// looking is a server of a made-up cluster that has made some looks.
func looking(t *testing.T, w webtest.World, looks int) *web.Server {
	t.Helper()
	i := 0
	s, err := web.New(web.Config{Cluster: "https://made.up", Scope: "all namespaces", Every: webtest.Every, Look: func(context.Context) (web.Look, error) {
		i++
		return w.Look(i - 1)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range looks {
		s.Refresh(t.Context())
	}
	return s
}

func get(t *testing.T, s http.Handler, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:7700"+path, nil)
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// INV-1.
func TestRefuses(t *testing.T) {
	s := looking(t, webtest.World{Services: 1}, 1)
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"itself":                  {func(*http.Request) {}, 200},
		"localhost":               {func(r *http.Request) { r.Host = "localhost:7700" }, 200},
		"loopback of version 6":   {func(r *http.Request) { r.Host = "[::1]:7700" }, 200},
		"a name that is rebound":  {func(r *http.Request) { r.Host = "rebound.example:7700" }, 421},
		"localhost in a name":     {func(r *http.Request) { r.Host = "localhost.evil.example:7700" }, 421},
		"an address of a network": {func(r *http.Request) { r.Host = "10.0.0.1:7700" }, 421},
		"no host":                 {func(r *http.Request) { r.Host = "" }, 421},
		"a write":                 {func(r *http.Request) { r.Method = http.MethodPost }, 405},
		"another site":            {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"another port":            {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"the address bar":         {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			if got := get(t, s, "/api/view", c.change).Code; got != c.want {
				t.Errorf("status %d, want %d", got, c.want)
			}
		})
	}
}

// INV-2: nothing from elsewhere, and no script in a string.
func TestPolicy(t *testing.T) {
	s := looking(t, webtest.World{Services: 1}, 1)
	page := get(t, s, "/")
	policy := page.Header().Get("Content-Security-Policy")
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(page.Body.String(), -1)
	if len(styles) != 2 || strings.Contains(page.Body.String(), `rel="stylesheet"`) {
		t.Errorf("%d styles are in the document, want both", len(styles))
	}
	for _, style := range styles {
		sum := sha256.Sum256([]byte(style[1]))
		if hash := " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, hash) {
			t.Errorf("policy %q lacks %q, a style of the document", policy, hash)
		}
	}
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if bad := regexp.MustCompile(`unsafe|\*|https?:`).FindString(policy); bad != "" {
		t.Errorf("policy %q has %q", policy, bad)
	}
}

// INV-3 and INV-5.
func TestPageFiles(t *testing.T) {
	size := 0
	err := fs.WalkDir(os.DirFS("page"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(os.DirFS("page"), path)
		size += len(text)
		if strings.HasSuffix(path, ".md") || strings.HasSuffix(path, "LICENSE") || strings.HasSuffix(path, ".go") {
			size -= len(text) // not for the browser
		}
		if bad := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`).Find(text); bad != nil {
			t.Errorf("%s: %s makes markup or code of a string", path, bad)
		}
		if ask := regexp.MustCompile(`(?:src|href)="(?:https?:)?//|@import|from "https?:`).Find(text); ask != nil {
			t.Errorf("%s asks elsewhere: %s", path, ask)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if size > 200_000 {
		t.Errorf("the page has %d bytes, at most 200,000", size)
	}
	t.Logf("the page has %d bytes", size)
}

// INV-3: of a name that would end the script it stands in.
func TestExport(t *testing.T) {
	s := looking(t, webtest.World{Services: 2, Hostile: true}, 30)
	var v web.View
	if err := json.Unmarshal(get(t, s, "/api/view").Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Services) != 2 || !strings.HasSuffix(v.Services[0].ID, webtest.Hostile) && !strings.HasSuffix(v.Services[1].ID, webtest.Hostile) {
		t.Fatalf("%d services, want two, one of a hostile name", len(v.Services))
	}
	for _, one := range v.Services {
		r := get(t, s, "/export.html?from=2026-03-02T08:00:00Z&to=2026-03-02T08:10:00Z&id="+escape(one.ID))
		text := r.Body.String()
		if r.Code != 200 || strings.Contains(text, "<img") || strings.Contains(text, "<script>document.title") {
			t.Errorf("%s: status %d, or its name is markup", one.ID, r.Code)
		}
		if ask := regexp.MustCompile(`<link[^>]*href|<script[^>]*src=`).FindString(text); ask != "" {
			t.Errorf("%s: the file asks for something: %s", one.ID, ask)
		}
		for _, want := range []string{`id="frozen"`, `"page/main.js":"data:text/javascript;base64,`, `"page/vendor/uPlot.js":"data:`, "Content-Security-Policy"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the file lacks %s", one.ID, want)
			}
		}
	}
}

func TestSeriesRefuses(t *testing.T) {
	s := looking(t, webtest.World{Services: 1}, 1)
	for query, want := range map[string]int{
		"id=search/llama-70b&from=2026-03-02T08:00:00Z&to=2026-03-02T09:00:00Z": 200,
		"id=search/llama-70b&from=2001-03-02T08:00:00Z&to=2001-03-02T09:00:00Z": 200, // no data
		"id=no/such&from=2026-03-02T08:00:00Z&to=2026-03-02T09:00:00Z":          404,
		"id=search/llama-70b&from=2026-03-02T09:00:00Z&to=2026-03-02T08:00:00Z": 400,
		"id=search/llama-70b&from=2020-03-02T08:00:00Z&to=2026-03-02T08:00:00Z": 400,
		"id=search/llama-70b": 400,
	} {
		if got := get(t, s, "/api/series?"+query).Code; got != want {
			t.Errorf("%s: status %d, want %d", query, got, want)
		}
	}
}

// The stream begins with the whole and goes on with what changed, and a cluster that stops
// to answer is a note, not the end.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, i := webtest.World{Services: 3}, 0
		s, err := web.New(web.Config{Every: webtest.Every, Look: func(context.Context) (web.Look, error) {
			i++
			if i == 4 {
				return web.Look{}, context.DeadlineExceeded
			}
			if i == 6 {
				w.Services = 2
			}
			return w.Look(i - 1)
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		l := newPipe()
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx, l) }()
		synctest.Wait()
		views := l.stream(t)
		whole := views()
		if !whole.Whole || len(whole.Services) != 3 || whole.Services[0].Trend == nil {
			t.Errorf("first view: whole %v, %d services, want a whole of 3 with trends", whole.Whole, len(whole.Services))
		}
		for look := 2; look <= 6; look++ {
			checkChange(t, look, views())
		}
		if passed := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); passed != 5*webtest.Every {
			t.Errorf("six looks in %v, want %v", passed, 5*webtest.Every)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// checkChange wants of TestStream's looks that only the fourth fails, and that one service
// is gone at the sixth.
func checkChange(t *testing.T, look int, v web.View) {
	t.Helper()
	lost := len(v.Notes) > 0 && v.Notes[0].What == "cluster"
	if v.Whole || lost != (look == 4) || len(v.Gone) != map[bool]int{true: 1}[look == 6] {
		t.Errorf("view %d: whole %v, notes %v, gone %v", look, v.Whole, v.Notes, v.Gone)
	}
}

func readEvent(t *testing.T, r *bufio.Reader) web.View {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			var v web.View
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
}
