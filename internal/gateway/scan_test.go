package gateway

import (
	"encoding/json"
	"testing"
)

func TestScan(t *testing.T) {
	for body, want := range map[string]fields{
		`{}`:                                {},
		` { "model" : "a" } `:               {model: []byte(`"a"`)},
		`{"x":"\\\"}","model":"a"}`:         {model: []byte(`"a"`)},
		`{"x":"\\","model":"a"}`:            {model: []byte(`"a"`)},
		`{"x":[{"a":"]"},1],"stream":true}`: {stream: true},
		`{"max_tokens":7,"max_completion_tokens":-1,"n":1e9}`: {maxTokens: 7},
		`{"prompt":["a","b"],"stream":false}`:                 {prompt: []byte(`["a","b"]`)},
	} {
		got, err := scan([]byte(body))
		if err != nil || string(got.model) != string(want.model) || string(got.prompt) != string(want.prompt) ||
			got.stream != want.stream || got.maxTokens != want.maxTokens {
			t.Errorf("scan(%s) = %+v, %v, want %+v", body, got, err, want)
		}
	}
	for _, body := range []string{
		"", " ", "{", "[]", `"model"`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a":"`, `{"a":[}`, `{"a":1}}`, `{,}`, `{"a":1`, `{"a`, `{"a":[1,2}`,
	} {
		if got, err := scan([]byte(body)); err == nil {
			t.Errorf("scan(%s) = %+v, want an error", body, got)
		}
	}
}

// FuzzScan: whatever is JSON is read as encoding/json reads it.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{chat, `{"model":"a\"\\","x":[{"y":"]}"}],"stream":true}`, `{"m\u006fdel":"x"}`, "{\"a\":1\n,\"model\":null}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := scan(body)
		var want map[string]json.RawMessage
		if json.Unmarshal(body, &want) != nil || want == nil {
			return
		}
		if err != nil {
			t.Fatalf("scan(%q): %v", body, err)
		}
		if !isText(want["model"]) { // an invalid string is repaired by one and not by the other
			return
		}
		if model := unquote(want["model"]); unquote(got.model) != model {
			t.Errorf("scan(%q) finds the model %q, want %q", body, got.model, model)
		}
		if stream := string(want["stream"]) == "true"; got.stream != stream {
			t.Errorf("scan(%q) finds stream %v, want %v", body, got.stream, stream)
		}
	})
}

func isText(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }
