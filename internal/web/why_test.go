package web_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/record/why"
	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// INV-7: by the name under which it is recorded, and in a file that is saved too.
func TestWhy(t *testing.T) {
	w := webtest.World{Services: 1, Promised: 2}
	s := promising(t, w, w.Keep)
	begin, end := webtest.Start(), webtest.Start().Add(time.Hour)
	const in = "?from=2026-03-02T08:00:00Z&to=2026-03-02T09:00:00Z&id="
	for service, recorded := range map[string]string{"promised/qwen3-14b": "promised/qwen3-14b-promise", "promised/mistral-24b": "promised/mistral-24b-predictor"} {
		want, _, err := w.Why(t.Context(), recorded, begin, end)
		if err != nil || len(want.Changes) < 10 {
			t.Fatalf("%s: %d changes, %v, want many", recorded, len(want.Changes), err)
		}
		got := read[web.Decisions](t, s, "/api/why"+in+service)
		if got.Last == nil || len(got.Changes) != len(want.Changes) || got.Missing != "" {
			t.Fatalf("%s: %+v, want what %s has", service, got, recorded)
		}
		if diff := cmp.Diff(want.Changes[3].Sentences, got.Changes[3].Sentences); diff != "" {
			t.Errorf("%s: -recorded +told\n%s", service, diff)
		}
		if file := get(t, s, "/export.html"+in+service).Body.String(); !strings.Contains(file, want.Changes[3].Sentences[0]) {
			t.Errorf("%s: the file that is saved does not say %q", service, want.Changes[3].Sentences[0])
		}
		if d := read[web.Detail](t, s, "/api/service?id="+service); len(d.Cards) > 0 || d.Now.Text != d.Service.Message {
			t.Errorf("%s: %+v, %+v, want no word that the record does not have", service, d.Now, d.Cards)
		}
	}
}

// INV-7: of what is not recorded, or at no time, there is nothing.
func TestWhyNot(t *testing.T) {
	w := webtest.World{Services: 1, Promised: 2}
	s := promising(t, w, w.Keep)
	const in = "?from=2026-03-02T08:00:00Z&to=2026-03-02T09:00:00Z&id="
	for path, want := range map[string]int{"/api/why" + in + "search/llama-70b": 404, "/api/why" + in + "no/such": 404, "/api/why?id=promised/qwen3-14b": 400} {
		if got := get(t, s, path).Code; got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
	}
}

// Who may not read the record is told which right shows it.
func TestWhyMissing(t *testing.T) {
	w := webtest.World{Promised: 1}
	s, err := web.New(web.Config{Every: webtest.Every, Look: func(context.Context) (web.Look, error) { return w.Look(0) }, Why: func(context.Context, string, time.Time, time.Time) (why.Told, []string, error) {
		return why.Told{}, nil, hint.With(errors.New("forbidden"), "it takes the right to get pods/proxy")
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Refresh(t.Context())
	d := read[web.Decisions](t, s, "/api/why?from=2026-03-02T08:00:00Z&to=2026-03-02T09:00:00Z&id=promised/llama-70b")
	if d.Missing != "forbidden" || len(d.Fix) != 1 || d.Fix[0] != "it takes the right to get pods/proxy" {
		t.Errorf("%+v, want the error and its hint", d)
	}
}
