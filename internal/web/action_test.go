package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// acting is a server with buttons, which has looked once.
func acting(t *testing.T, actions ...web.Action) *web.Server {
	t.Helper()
	s, err := web.New(web.Config{Every: webtest.Every, Actions: actions, Look: func(context.Context) (web.Look, error) { return webtest.World{Services: 1}.Look(0) }})
	if err != nil {
		t.Fatal(err)
	}
	s.Refresh(t.Context())
	return s
}

func post(path string, header ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Method, r.URL.Path = http.MethodPost, path
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
	}
}

// shown is a button as the page is told of it.
func shown(t *testing.T, s *web.Server) web.Button {
	t.Helper()
	var v web.View
	if err := json.Unmarshal(get(t, s, "/api/view").Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Buttons) != 1 {
		t.Fatalf("%d buttons, want 1", len(v.Buttons))
	}
	return v.Buttons[0]
}

// INV-1 and INV-6: what may not press a button has not.
func TestPressRefuses(t *testing.T) {
	const path = "/api/actions/burst"
	rebound := func(r *http.Request) {
		post(path, "Origin", "http://rebound.example:7700")(r)
		r.Host = "rebound.example:7700"
	}
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"the page":                      {post(path, "Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:7700"), 202},
		"the page, in an old browser":   {post(path, "Origin", "http://127.0.0.1:7700"), 202},
		"curl":                          {post(path), 202},
		"another site":                  {post(path, "Sec-Fetch-Site", "cross-site"), 403},
		"another port":                  {post(path, "Sec-Fetch-Site", "same-site"), 403},
		"another site, in an old one":   {post(path, "Origin", "https://evil.example"), 403},
		"another port, in an old one":   {post(path, "Origin", "http://127.0.0.1:8080"), 403},
		"a frame without an origin":     {post(path, "Origin", "null"), 403},
		"a name that is rebound":        {rebound, 421},
		"a button that there is not":    {post("/api/actions/no"), 404},
		"a write of what is only read":  {post("/api/view"), 405},
		"another method":                {func(r *http.Request) { post(path)(r); r.Method = http.MethodPut }, 405},
		"a link, which every site may":  {func(r *http.Request) { r.URL.Path = path }, 404},
		"a link of another site's page": {func(r *http.Request) { r.URL.Path = path; r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			pressed := make(chan bool, 1)
			s := acting(t, web.Action{Name: "burst", Do: func(context.Context) error { pressed <- true; return nil }})
			got := get(t, s, "/", c.change).Code
			if got != c.want {
				t.Errorf("status %d, want %d", got, c.want)
			}
			if got == http.StatusAccepted {
				<-pressed
			} else if len(pressed) > 0 {
				t.Error("refused, and yet pressed")
			}
		})
	}
	if got := get(t, acting(t), "/", post(path)).Code; got != http.StatusMethodNotAllowed {
		t.Errorf("without buttons: status %d, want %d", got, http.StatusMethodNotAllowed)
	}
}

// INV-6: a button says until when it is under way, then what became of it.
func TestPress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fails error
		s := acting(t, web.Action{Name: "burst", Label: "Burst", Does: "some load", For: time.Minute, Do: func(context.Context) error {
			<-time.After(time.Minute)
			return fails
		}})
		want := web.Button{Name: "burst", Label: "Burst", Does: "some load"}
		check := func(when string) {
			t.Helper()
			if diff := cmp.Diff(want, shown(t, s)); diff != "" {
				t.Errorf("%s: -want +got\n%s", when, diff)
			}
		}
		press := func(status int) string {
			t.Helper()
			r := get(t, s, "/", post("/api/actions/burst"))
			if r.Code != status {
				t.Errorf("status %d, want %d", r.Code, status)
			}
			return r.Body.String()
		}
		pass := func() {
			<-time.After(time.Minute)
			synctest.Wait()
		}
		check("before")
		press(http.StatusAccepted)
		want.Until = new(time.Now().Add(time.Minute))
		check("pressed")
		if why := press(http.StatusConflict); !strings.Contains(why, "under way until 00:01:00 UTC") {
			t.Errorf("pressed twice: %s", why)
		}
		pass()
		want.Until, want.Ended = nil, new(time.Now())
		check("after")
		fails = hint.With(errors.New("no service"), "apply the guide")
		press(http.StatusAccepted)
		pass()
		want.Ended, want.Error, want.Fix = new(time.Now()), "no service", "apply the guide"
		check("failed")
	})
}

// INV-6: the page is told at once, not at the next look, and Run ends when all is undone.
func TestPressIsToldAndUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		undone := false
		s := acting(t, web.Action{Name: "drain", For: time.Minute, Do: func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(time.Second)
			undone = true
			return nil
		}})
		ctx, cancel := context.WithCancel(t.Context())
		l, ended := newPipe(), make(chan error, 1)
		go func() { ended <- s.Run(ctx, l) }()
		synctest.Wait()
		views := l.stream(t)
		views()
		get(t, s, "/", post("/api/actions/drain"))
		if v := views(); v.Whole || len(v.Services) > 0 || len(v.Buttons) != 1 || v.Buttons[0].Until == nil {
			t.Errorf("pressed: the page was told %+v, want the button under way and nothing else", v)
		}
		cancel()
		if err := <-ended; err != nil || !undone {
			t.Errorf("Run = %v, undone %v, want it to end when what was pressed is undone", err, undone)
		}
		if got := get(t, s, "/", post("/api/actions/drain")).Code; got != http.StatusServiceUnavailable {
			t.Errorf("pressed after the end: status %d, want %d", got, http.StatusServiceUnavailable)
		}
	})
}
