package scrape

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

// INV-1: what is no matrix of a success is an error, whatever of it has been read before.
func TestAnswer(t *testing.T) {
	type series struct {
		Labels  map[string]string
		Samples []model.SamplePair
	}
	one := []series{{map[string]string{"pod": `a"b`, "le": "1"}, []model.SamplePair{{Timestamp: 1500, Value: 3}, {Timestamp: 2000, Value: 4}}}}
	const matrix = `"data":{"resultType":"matrix","result":[{"metric":{"pod":"a\"b","le":"1"},"values":[[1.5,"3"],[2,"4"]]}]}`
	for text, want := range map[string]struct {
		all     []series
		partial bool
		err     string
	}{
		`{"status":"success",` + matrix + `}`:                                 {all: one},
		`{` + matrix + `,"infos":["slow"],"status":"success"}`:                {all: one},
		`{"status":"success",` + matrix + `,"warnings":["a store is away"]}`:  {all: one, partial: true},
		`{"status":"success","data":{"result":[null],"resultType":"matrix"}}`: {},
		`{"status":"success","data":null}`:                                    {err: "no matrix"},
		`{"status":"error","error":"too slow",` + matrix + `}`:                {all: one, err: "error: too slow"},
		`{"status":"success","data":{"result":[{"values":[[1]]}]}}`:           {err: "no matrix"},
		`{"status":"success","data":{"result":[{"values":[[1,"x"]]}]}}`:       {err: "invalid syntax"},
		`{"status":"success","data":{"resultType":"matrix","result":[`:        {err: "EOF"},
	} {
		a := newAnswer(strings.NewReader(text))
		var all []series
		err := a.read(func() { all = append(all, series{maps.Clone(a.labels), append([]model.SamplePair(nil), a.samples...)}) })
		if diff := cmp.Diff(want.all, all); diff != "" || a.partial != want.partial || (err == nil) != (want.err == "") || err != nil && !strings.Contains(err.Error(), want.err) {
			t.Errorf("%s: read = %v, partial %v, want %q, %v; series -want +got\n%s", text, err, a.partial, want.err, want.partial, diff)
		}
	}
}

// A proxy that lets no POST through is asked by GET, and what Prometheus says of an error is told.
func TestGet(t *testing.T) {
	w := pods()
	w.instead = func(to http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			to.WriteHeader(http.StatusMethodNotAllowed)
		}
		return r.Method == http.MethodPost
	}
	if sets, err := w.asks(t, Config{}).Read(t.Context(), now, fleet); err != nil || len(sets[llama]) == 0 {
		t.Errorf("Read() = %v, %v", sets, err)
	}
	w.instead = func(to http.ResponseWriter, _ *http.Request) bool {
		to.WriteHeader(http.StatusUnprocessableEntity)
		return body(`{"status":"error","errorType":"execution","error":"too many samples"}`)(to, nil)
	}
	_, err := w.asks(t, Config{}).Read(t.Context(), now, fleet)
	if err == nil || errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "422 Unprocessable Entity too many samples") {
		t.Errorf("Read() = %v, want what Prometheus says", err)
	}
}
