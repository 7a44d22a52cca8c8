package lint_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/lint"
)

// prometheus answers for a service llama in namespace demo with two pods, to a user
// with a password only.
func prometheus(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		query := r.FormValue("query")
		n := 0
		switch {
		case strings.Contains(query, "-90d"):
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"negative offset is disabled"}`)
			return
		case strings.Contains(query, "lama\"") && !strings.Contains(query, "\"llama\""), strings.Contains(query, "nothing"):
		case strings.HasPrefix(query, "sum("), strings.HasPrefix(query, "count("):
			n = 1
		default:
			n = 2
		}
		result := []any{}
		for i := range n {
			result = append(result, map[string]any{"metric": map[string]string{"pod": fmt.Sprint(i)}, "value": []any{1, "4"}})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "vector", "result": result}})
	}))
	t.Cleanup(s.Close)
	return s
}

func live(t *testing.T, address, manifest string) ([]lint.Finding, error) {
	t.Helper()
	server, err := lint.Dial(address, &http.Client{Transport: http.DefaultTransport}, "me", "secret")
	if err != nil {
		t.Fatal(err)
	}
	return lint.Live(t.Context(), server, read(t, manifest))
}

// INV-2: the examples of the rules that need a server.
func TestLiveExamples(t *testing.T) {
	s := prometheus(t)
	for _, r := range lint.Rules() {
		if !strings.HasPrefix(r.Flag, "--live") {
			continue
		}
		bad, err := live(t, s.URL, r.Bad())
		if diff := cmp.Diff([]string{r.ID}, fired(bad)); diff != "" || err != nil {
			t.Errorf("Live(bad of %s) = %v, -want +got\n%s", r.ID, err, diff)
		}
		if good, err := live(t, s.URL, r.Good()); len(good) > 0 || err != nil {
			t.Errorf("Live(good of %s) = %v, %v, want none", r.ID, good, err)
		}
	}
}

// A password stays with the server that it is for, whatever client is given.
func TestLiveFollowsNoRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	if _, err := live(t, s.URL, lint.Rules()[0].Good()); err == nil {
		t.Error("Live() = nil, want that it was redirected")
	}
}

func TestLiveBlames(t *testing.T) {
	s := prometheus(t)
	for query, want := range map[string]string{
		`sum(x{namespace="demo",isvc_name="lama"})`: `no series of x{namespace="demo",isvc_name="lama"}; without isvc_name="lama" there are some`,
		`sum(nothing{a="b"})`:                       `no series of nothing{a="b"}`,
		`sum(rate(x[1m])) > nothing_of_it`:          `no series of nothing_of_it`,
	} {
		found, err := live(t, s.URL, strings.Replace(find(t, "query-syntax").Good(), sum, query, 1))
		if err != nil || len(found) != 1 || found[0].Found != want {
			t.Errorf("Live(%s) = %v, %v, want %q", query, found, err, want)
		}
	}
}

func TestLiveUnreachable(t *testing.T) {
	s := prometheus(t)
	s.Close()
	_, err := live(t, s.URL, find(t, "query-syntax").Good())
	if err == nil || !strings.HasPrefix(err.Error(), "asking Prometheus: ") || len(hint.Of(err)) == 0 {
		t.Errorf("Live = %v %q", err, hint.Of(err))
	}
	server, err := lint.Dial(prometheus(t).URL, &http.Client{}, "", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = lint.Live(t.Context(), server, read(t, find(t, "query-syntax").Good()))
	if want := "it wants credentials: --live-user USER --live-password-file FILE"; err == nil || !slices.Contains(hint.Of(err), want) {
		t.Errorf("Live without the password = %v %q, want the hint %q", err, hint.Of(err), want)
	}
	if _, err := lint.Dial(":", &http.Client{}, "", ""); err == nil {
		t.Error("Dial(:) succeeded")
	}
}
