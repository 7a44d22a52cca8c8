package scrape

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

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
		`{"status":"success",` + matrix + `}`:                                {all: one},
		`{` + matrix + `,"infos":["slow"],"status":"success"}`:               {all: one},
		`{"status":"success",` + matrix + `,"warnings":["a store is away"]}`: {all: one, partial: true},
		// What one label is unquoted the next is quoted: they are two.
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b\\fc","d":"e"}},{"metric":{"a":"b\fc","d":"e","f":"e"}},{"metric":{"d":"e"}}]}}`: {all: []series{
			{map[string]string{"a": `b\fc`, "d": "e"}, nil}, {map[string]string{"a": "b\fc", "d": "e", "f": "e"}, nil}, {map[string]string{"d": "e"}, nil},
		}},
		`{"status":"success","data":{"result":[null],"resultType":"matrix"}}`: {},
		`{"status":"success","data":null}`:                                    {err: "not from Prometheus' API"},
		`{"status":"error","error":"too slow",` + matrix + `}`:                {all: one, err: "error: too slow"},
		`<html>log in</html>`:                                                 {err: "a login page"},
		``:                                                                    {err: "not from Prometheus' API"},
		`{}`:                                                                  {err: "not from Prometheus' API"},
		`{"status":"success","data":{"result":[{"values":[[1]]}]}}`:     {err: "not from Prometheus' API"},
		`{"status":"success","data":{"result":[{"values":[[1,"x"]]}]}}`: {err: "not from Prometheus' API"},
		`{"status":"success","data":{"resultType":"matrix","result":[`:  {err: "is incomplete"},
	} {
		a := newAnswer(strings.NewReader(text))
		var all []series
		err := a.read(func() {
			labels := map[string]string{}
			for _, l := range a.labels {
				labels[l.name] = l.value
			}
			all = append(all, series{labels, append([]model.SamplePair(nil), a.samples...)})
		})
		if err != nil && strings.Contains(err.Error(), "json") {
			t.Errorf("%s: read = %v, in the words of its decoder", text, err)
		}
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

// What ends an answer is told as it is, with who was asked, and without the decoder's words.
func TestBroken(t *testing.T) {
	cut := errors.New("connection reset by peer")
	a := newAnswer(io.MultiReader(strings.NewReader(`{"status":"success","data":{"res`), iotest.ErrReader(cut)))
	if err := a.read(func() {}); !errors.Is(err, cut) || err.Error() != "reading the answer: connection reset by peer" {
		t.Errorf("read = %v, want what ended it", err)
	}
	for text, want := range map[string]string{
		`<html>log in</html>`:               "a login page",
		`{"status":"success","data":{"res`:  "is incomplete",
		`{"status":"error","error":"busy"}`: "error: busy",
	} {
		w := pods()
		w.instead = body(text)
		source := w.asks(t, Config{})
		_, err := source.Read(t.Context(), now, fleet)
		if err == nil || !strings.Contains(err.Error(), "asking Prometheus at "+source.address+": ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "jsontext") {
			t.Errorf("%s: Read() = %v, want who was asked, and %q", text, err, want)
		}
	}
}

// Who is asked is told without a password.
func TestAddressWithoutPassword(t *testing.T) {
	p, err := NewPrometheus(Config{Address: "http://admin:secret@prometheus:9090"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.refused(errStrange).Error(); strings.Contains(got, "secret") || !strings.Contains(got, "at http://admin:xxxxx@prometheus:9090/api/v1/query: ") {
		t.Errorf("refused() = %s", got)
	}
}
