package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/web"
	"github.com/flyball-dev/flyball/internal/web/webtest"
)

// promising is a server after some looks, with or without a Prometheus.
func promising(t *testing.T, w webtest.World, keep func(context.Context, []web.Subject, time.Duration) ([]web.Kept, error)) *web.Server {
	t.Helper()
	i := 0
	s, err := web.New(web.Config{Every: webtest.Every, Count: w.Count, Keep: keep, Why: w.Why, Look: func(context.Context) (web.Look, error) {
		i++
		return w.Look(i - 1)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		s.Refresh(t.Context())
	}
	return s
}

func read[T any](t *testing.T, s *web.Server, path string) T {
	t.Helper()
	var v T
	if r := get(t, s, path); r.Code != 200 || json.Unmarshal(r.Body.Bytes(), &v) != nil {
		t.Fatalf("%s: %d %s", path, r.Code, r.Body)
	}
	return v
}

// Each service is counted once: one that promises by what it keeps, another by whether it does
// as it is declared. What cannot be read promises nothing.
func TestPromises(t *testing.T) {
	w := webtest.World{Services: 2, Promised: 3}
	asked := 0
	s := promising(t, w, func(ctx context.Context, all []web.Subject, last time.Duration) ([]web.Kept, error) {
		asked++
		gemma := func(one web.Subject) bool { return one.Pods == "gemma-27b-[a-z0-9]+-[a-z0-9]{5}" }
		if len(all) != 2 || last != 30*time.Minute || !slices.ContainsFunc(all, gemma) {
			t.Errorf("asked for %+v of the last %v, want an InferenceService and the pods of gemma-27b", all, last)
		}
		return w.Keep(ctx, all, last)
	})
	v := read[web.View](t, s, "/api/view")
	is := v.Strip
	if got, want := [...]int{is.Services, is.Promised, is.Keeping, is.Untold, is.Amiss, is.Attention}, [...]int{5, 2, 1, 0, 1, 1}; got != want {
		t.Errorf("strip %+v, want 1 of 2 that keep a promise, and 1 of 3 others amiss", v.Strip)
	}
	if asked != 2 {
		t.Errorf("a Prometheus is asked %d times in 8 looks, want each 30 s", asked)
	}
	kept := map[string]float64{}
	for _, one := range v.Services {
		if one.Promise != nil {
			kept[one.ID] = *one.Promise.Kept
		}
	}
	if want := map[string]float64{"promised/mistral-24b": .871, "promised/gemma-27b": .970}; !maps.Equal(kept, want) {
		t.Errorf("kept %v, want %v", kept, want)
	}
	if !slices.ContainsFunc(v.Holders, func(h explain.Holder) bool { return h.Service == "gemma-27b" && h.Namespace == "promised" }) {
		t.Errorf("holders %+v, want the pods of a Deployment to be its service's", v.Holders)
	}
}

// Of one service the share that is kept goes with the times of its objectives.
func TestPromiseOfOne(t *testing.T) {
	w := webtest.World{Services: 2, Promised: 3}
	s := promising(t, w, w.Keep)
	series := read[web.Series](t, s, "/api/series?from=2026-03-02T08:00:00Z&to=2026-03-02T08:01:00Z&id=promised/mistral-24b")
	if p := series.Promise; p == nil || p.Share != .9 || p.Kept == nil || *p.Kept != .871 || len(p.Objectives) != 2 || p.Objectives[1].Metric != "tpot" || p.Objectives[1].Target != .1 {
		t.Errorf("promise %+v, want ttft and tpot p90, of which .871 is kept", p)
	}
}

// Where it is not known what is kept, nothing is said of it, and a note says why.
func TestUntold(t *testing.T) {
	for what, keep := range map[string]func(context.Context, []web.Subject, time.Duration) ([]web.Kept, error){
		"what is kept of them is counted by a Prometheus, and none is named": nil,
		"what is kept of them cannot be told: connection refused": func(context.Context, []web.Subject, time.Duration) ([]web.Kept, error) {
			return nil, errors.New("connection refused")
		},
	} {
		v := read[web.View](t, promising(t, webtest.World{Services: 1, Promised: 1}, keep), "/api/view")
		i := slices.IndexFunc(v.Notes, func(n web.Note) bool { return n.What == "promises" })
		if i < 0 || v.Notes[i].Found != what || v.Strip.Promised != 1 || v.Strip.Untold != 1 {
			t.Errorf("notes %+v, strip %+v, want %q", v.Notes, v.Strip, what)
		}
	}
	v := read[web.View](t, looking(t, webtest.World{Services: 1}, 2), "/api/view")
	if len(v.Notes) > 0 {
		t.Errorf("notes %+v where nothing is promised", v.Notes)
	}
}

// Advice beside another autoscaler is a row of its own, and not one more service.
func TestAdvice(t *testing.T) {
	w := webtest.World{Services: 1, Promised: 1}
	s, err := web.New(web.Config{Every: webtest.Every, Look: func(context.Context) (web.Look, error) {
		l, err := w.Look(0)
		l.Services[1] = l.Services[0] // in guide mode
		l.Services[1].InferenceService.Namespace, l.Services[1].InferenceService.Name = "promised", "qwen3-14b"
		l.Stated[0].By.Spec.Engine, l.Stated[0].ScaledObject = "advise", nil
		return l, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Refresh(t.Context())
	v := read[web.View](t, s, "/api/view")
	var ids []string
	for _, one := range v.Services {
		ids = append(ids, one.ID)
	}
	if want := []string{"promised/qwen3-14b", "promised/qwen3-14b (qwen3-14b-promise)", "search/llama-70b"}; !slices.Equal(ids, want) || v.Strip.Services != 2 || v.Strip.Promised != 0 {
		t.Errorf("rows %q, strip %+v, want %q, of two services and no promise", ids, v.Strip, want)
	}
}
