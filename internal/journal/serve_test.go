package journal

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/record"
)

// ask is what a journal answers.
func ask(j *Journal, query string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	j.ServeHTTP(w, httptest.NewRequest(http.MethodGet, Path+"?"+query, http.NoBody))
	return w
}

// served are the steps that are told.
func served(t *testing.T, j *Journal, r Request) (steps []record.Entry, damages []record.Damage) {
	t.Helper()
	w := ask(j, r.Values().Encode())
	if w.Code != http.StatusOK {
		t.Fatalf("%+v: %d %s", r, w.Code, w.Body)
	}
	reader := record.NewReader(w.Body)
	for e, ok := reader.Next(); ok; e, ok = reader.Next() {
		steps = append(steps, e)
	}
	return steps, reader.Damages()
}

// What is served is what was written; of a time no more than says what held then.
func TestServe(t *testing.T) {
	j, s := open(t, Config{Folder: t.TempDir(), Steps: Bound{time.Hour * 24, 64 << 10}}), newScaled()
	appends(t, j, s, 600)
	appends(t, j, newScaled(), 0)
	all, damages := served(t, j, Request{Service: "demo/llama", Kinds: []Kind{Steps}})
	if len(all) != 600 || len(damages) > 0 {
		t.Fatalf("%d steps, damages %v, want 600", len(all), damages)
	}
	for _, at := range []int{0, 1, 300, 599} {
		when := all[at].Now()
		some, damages := served(t, j, Request{Service: "demo/llama", Kinds: []Kind{Steps, Changes}, At: time.Unix(0, int64(when))})
		found := false
		for _, e := range some {
			found = found || !e.Brief && e.Now() == when
		}
		if !found || len(some) > 400 || len(damages) > 0 {
			t.Errorf("at step %d: %d steps, found %v, damages %v", at, len(some), found, damages)
		}
	}
	before, _ := served(t, j, Request{Service: "demo/llama", Kinds: []Kind{Steps}, At: time.Unix(0, 0)})
	if len(before) == 0 || before[0].Now() != all[0].Now() {
		t.Errorf("of a time before all there is %v, want what begins the record", before)
	}
}

// INV-3: a file that cannot be read is said, and what is in the others told.
func TestServeDamaged(t *testing.T) {
	j, s := open(t, Config{Folder: t.TempDir(), Steps: Bound{time.Hour * 24, 64 << 10}}), newScaled()
	appends(t, j, s, 600)
	first := find(t, j.config.Folder, Steps)[0]
	text, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(first, text[:len(text)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	if steps, damages := served(t, j, Request{Service: "demo/llama", Kinds: []Kind{Steps}}); len(steps) < 300 || len(damages) == 0 {
		t.Errorf("%d steps and damages %v, want most steps, and the damage", len(steps), damages)
	}
}

// INV-6.
func TestServeRefuses(t *testing.T) {
	j := open(t, Config{Folder: t.TempDir()})
	appends(t, j, newScaled(), 3)
	for query, want := range map[string]int{
		"service=demo/llama&log=steps":                http.StatusOK,
		"service=demo/none&log=steps":                 http.StatusNoContent,
		"service=../x&log=steps":                      http.StatusInternalServerError,
		"service=demo/..&log=steps":                   http.StatusInternalServerError,
		"service=demo/&log=steps":                     http.StatusBadRequest,
		"service=demo/llama/x&log=steps":              http.StatusBadRequest,
		"service=llama&log=steps":                     http.StatusBadRequest,
		"service=demo/llama&log=../steps":             http.StatusBadRequest,
		"service=demo/llama":                          http.StatusBadRequest,
		"service=demo/llama&log=steps&at=yesterday":   http.StatusBadRequest,
		"service=demo/llama&log=steps&at=2026-11-29Z": http.StatusBadRequest,
	} {
		if w := ask(j, query); w.Code != want {
			t.Errorf("GET %s = %d %s, want %d", query, w.Code, w.Body, want)
		}
	}
	w := httptest.NewRecorder()
	j.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, Path+"?service=demo/llama&log=steps", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE = %d, want %d", w.Code, http.StatusMethodNotAllowed)
	}
	for range mostReads {
		j.reads <- struct{}{}
	}
	if w := ask(j, "service=demo/llama&log=steps"); w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), "try again") {
		t.Errorf("with others that read: %d %s, want %d", w.Code, w.Body, http.StatusTooManyRequests)
	}
}
