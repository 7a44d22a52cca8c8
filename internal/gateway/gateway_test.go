package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestWakes is the whole way: a request for a service at zero is held, told of at
// once, and answered when the first pod is ready.
func TestWakes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama()})
		began := time.Now()
		done := f.start(chat)
		w.check("held", f.last().Held, 1)
		_, told := f.heard()
		if late := told[len(told)-1].Sub(began); late > 100*time.Millisecond {
			t.Errorf("told after %v, want at once", late)
		}
		pause(t.Context(), 30*time.Second)
		select {
		case got := <-done:
			t.Fatalf("answered without a pod: %v", got)
		default:
		}
		pod := w.engine("pod-1", streams(3))
		f.Update([]Service{llama(pod)})
		got := <-done
		w.check("status", got.status, 200)
		w.check("stream", got.body, "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: [DONE]\n\n")
		pause(t.Context(), 3*time.Second)
		w.check("after it", f.last().Name, "")
		w.check("answered", f.count("requests_total", "demo", "answered", "llama"), 1.0)
	})
}

// TestRoutes: by header before host before model.
func TestRoutes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		a, b := llama(w.engine("a", says("a"))), llama(w.engine("b", says("b")))
		b.Name, b.Models = "mistral", []string{"mistral", "both"}
		b.Hosts = []string{"mistral-demo.example.com", "both.example.com"}
		a.Models, a.Hosts = append(a.Models, "both"), append(a.Hosts, "both.example.com")
		f.Update([]Service{b, a})
		for name, test := range map[string]struct {
			host, header, body string
			status             int
			want               string
		}{
			"model":                    {"", "", chat, 200, "a"},
			"adapter":                  {"", "", `{"stream":true,"model":"llama-lora"}`, 200, "a"},
			"other model":              {"", "", `{"model":"mistral"}`, 200, "b"},
			"the last of two counts":   {"", "", `{"model":"llama","model":"mistral"}`, 200, "b"},
			"escaped":                  {"", "", `{"m\u006fdel":"\u006distral"}`, 200, "b"},
			"host":                     {"mistral-demo.example.com", "", chat, 200, "b"},
			"host in capitals, a port": {"Mistral-Demo.Example.com.:8080", "", chat, 200, "b"},
			"host, no body":            {"mistral-demo.example.com", "", "", 200, "b"},
			"host, broken body":        {"mistral-demo.example.com", "", "{", 200, "b"},
			"header before host":       {"llama.demo", "demo/mistral", chat, 200, "b"},
			"unknown model":            {"", "", `{"model":"gpt-4"}`, 404, "The model `gpt-4` does not exist or you do not have access to it."},
			"unknown service":          {"", "demo/none", chat, 404, "There is no service"},
			"two are told to have it":  {"", "", `{"model":"both"}`, 200, "a"},
			"two have the host":        {"both.example.com", "", chat, 400, "several services"},
			"no model":                 {"", "", `{}`, 400, "you must provide a model parameter"},
			"null":                     {"", "", `{"model":null}`, 400, "you must provide a model parameter"},
			"a model deeper down":      {"", "", `{"x":{"model":"llama"},"y":["model","llama"]}`, 400, "you must provide"},
			"not JSON":                 {"", "", `model=llama`, 400, "could not parse"},
			"JSON that goes on":        {"", "", chat + "{}", 400, "could not parse"},
		} {
			r := f.request(t.Context(), http.MethodPost, "/v1/chat/completions", test.body)
			if test.host != "" {
				r.Host = test.host
			}
			if test.header != "" {
				r.Header.Set(serviceHeader, test.header)
			}
			if got := f.do(r); got.status != test.status || !strings.Contains(got.body, test.want) {
				t.Errorf("%s: %v, want %d %q", name, got, test.status, test.want)
			}
		}
	})
}

// TestRenamedModel: during a rollout that renames a model each name leads to the pods that
// serve it, by host too.
func TestRenamedModel(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		old, young := w.engine("old", says("old")), w.engine("young", says("young"))
		s := llama(old, young)
		s.Models, s.Only = []string{"llama", "llama-2"}, map[string][]string{"llama": {"old"}, "llama-2": {"young"}}
		f.Update([]Service{s})
		for range 10 {
			w.check("the old name", f.post(`{"model":"llama"}`).body, "old")
			w.check("the new name", f.post(`{"model":"llama-2"}`).body, "young")
			r := f.request(t.Context(), http.MethodPost, "/v1/completions", `{"model":"llama-2"}`)
			r.Host = "llama.demo"
			w.check("the new name at its host", f.do(r).body, "young")
		}
		s.Pods, s.Only = []Pod{old.Pod}, map[string][]string{"llama-2": {}}
		f.Update([]Service{s})
		if got := f.post(`{"model":"llama-2"}`); got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("before a new pod is ready: %v, want 503 for a while", got)
		}
		w.check("the old name", f.post(`{"model":"llama"}`).status, 200)
	})
}

// TestUpload finds the model in a form, as transcriptions send it.
func TestUpload(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama(w.engine("a", says("a")))})
		r := f.request(t.Context(), http.MethodPost, "/v1/audio/transcriptions",
			"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n"+
				"--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nllama\r\n--x--\r\n")
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		w.check("status", f.do(r).status, 200)
		r = f.request(t.Context(), http.MethodPost, "/v1/audio/transcriptions", "--x--\r\n")
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		w.check("without a model", f.do(r).status, 400)
	})
}

// TestPasses: what a pod sees and what a client sees is what the other sent; the log
// sees neither (INV-7).
func TestPasses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		var seen *http.Request
		pod := w.engine("a", func(rw http.ResponseWriter, r *http.Request) {
			seen = r
			rw.Header().Set("X-Request-Id", "7")
			rw.WriteHeader(http.StatusTeapot)
		})
		f.Update([]Service{llama(pod)})
		r := f.request(t.Context(), http.MethodPost, "/v1/chat/completions?a=1;b=%zz", chat)
		parent := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		for k, v := range map[string]string{
			"Traceparent": parent, "Tracestate": "a=b", "Authorization": "Bearer x",
			"Connection": "X-Hop", "X-Hop": "1", earlyHeader: "no",
		} {
			r.Header.Set(k, v)
		}
		got := f.do(r)
		w.check("status", got.status, http.StatusTeapot)
		w.check("answer's header", got.header.Get("X-Request-Id"), "7")
		w.check("query", seen.URL.RawQuery, "a=1;b=%zz")
		w.check("host", seen.Host, "gateway:80")
		w.check("length", seen.ContentLength, int64(len(chat)))
		for k, v := range map[string]string{
			"Traceparent": parent, "Tracestate": "a=b", "Authorization": "Bearer x", "X-Hop": "", earlyHeader: "",
		} {
			w.check(k, seen.Header.Get(k), v)
		}
		if f.post(chat); !validParent(seen.Header.Get("Traceparent")) {
			t.Errorf("a trace is begun as %q", seen.Header.Get("Traceparent"))
		}
		if log := f.lines(); !strings.Contains(log, `"trace":"0af7651916cd43dd8448eb211c80319c"`) || strings.Contains(log, "hello") || strings.Contains(log, "Bearer") {
			t.Errorf("log: %s", log)
		}
	})
}

// TestLookingWakesNothing (INV-8): a service at zero stays there, and one with a pod is
// asked as ever.
func TestLookingWakesNothing(t *testing.T) {
	type header map[string]string
	for name, test := range map[string]struct {
		method, body  string
		header        header
		asleep, awake int
	}{
		"GET":                    {"GET", "", nil, 503, 200},
		"HEAD":                   {"HEAD", "", nil, 503, 200},
		"OPTIONS":                {"OPTIONS", "", nil, 503, 200},
		"curl --http2":           {"GET", "", header{"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"}, 503, 200},
		"an upgrade of no one":   {"GET", "", header{"Upgrade": "websocket"}, 503, 200},
		"broken JSON":            {"POST", `{"model":"llama",`, nil, 400, 200},
		"no body":                {"POST", "", nil, 400, 200},
		"text":                   {"POST", chat, header{"Content-Type": "text/plain"}, 415, 200},
		"no type":                {"POST", chat, header{"Content-Type": ""}, 415, 200},
		"what curl -d sends":     {"POST", chat, header{"Content-Type": "application/x-www-form-urlencoded"}, 415, 200},
		"a form without parts":   {"POST", "x", header{"Content-Type": "multipart/form-data; boundary=x"}, 415, 200},
		"a form without a bound": {"POST", "x", header{"Content-Type": "multipart/form-data"}, 415, 200},
		"compressed":             {"POST", "x", header{"Content-Encoding": "gzip"}, 415, 200},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				f := w.front("gateway", nil)
				ask := func() int {
					r := f.request(t.Context(), test.method, "/health", test.body)
					r.Host = "llama.demo"
					for k, v := range test.header {
						r.Header.Set(k, v)
					}
					return f.do(r).status
				}
				f.Update([]Service{llama()})
				w.check("asleep", ask(), test.asleep)
				pause(t.Context(), 3*time.Second)
				reports, _ := f.heard()
				for _, report := range reports {
					for _, d := range report.Services {
						w.check("held", d.Held, 0)
					}
				}
				f.Update([]Service{llama(w.engine("pod", says("yes")))})
				w.check("awake", ask(), test.awake)
			})
		})
	}
}

// TestNothingToWaitFor: the reason is told at once, and to those that wait already.
func TestNothingToWaitFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama()})
		held := f.startByHost()
		s := llama()
		s.Stuck = "the quota of namespace demo is used up"
		f.Update([]Service{s})
		for _, got := range []reply{<-held, <-f.startByHost()} {
			if got.status != 503 || !strings.Contains(got.body, s.Stuck) || got.header.Get("Retry-After") == "" {
				t.Errorf("got %v, want 503 with the reason", got)
			}
		}
		f.Update([]Service{llama()})
		held = f.startByHost()
		f.Update(nil)
		if got := <-held; got.status != 503 || !strings.Contains(got.body, "deleted") {
			t.Errorf("after the service: %v", got)
		}
		w.check("then", f.post(chat).status, 404)
	})
}

// TestEarlyHeaders: a client that asked for it gets comments while it is held, and
// what then goes wrong as an event.
func TestEarlyHeaders(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama()})
		ask := func() <-chan reply {
			r := f.request(t.Context(), http.MethodPost, "/v1/chat/completions", strings.Replace(chat, "{", `{"stream":true,`, 1))
			r.Header.Set(earlyHeader, "true")
			done := make(chan reply, 1)
			go func() { done <- f.do(r) }()
			pause(t.Context(), 15*time.Second)
			return done
		}
		const waiting = ": waiting for a pod\n\n"
		first := ask()
		f.Update([]Service{llama(w.engine("good", streams(1)))})
		w.check("stream", (<-first).body, waiting+waiting+"data: 0\n\ndata: [DONE]\n\n")

		f.Update([]Service{llama()})
		second := ask()
		f.Update([]Service{llama(w.engine("bad", func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(http.StatusBadRequest)
			says("{\"error\":\n{}}")(rw, nil)
		}))})
		w.check("error of a pod", (<-second).body, waiting+waiting+"data: {\"error\":{}}\n\n")

		f.Update([]Service{llama()})
		third := ask()
		f.Update(nil)
		if got := (<-third).body; !strings.HasPrefix(got, waiting+waiting+`data: {"error":`) || strings.Contains(got, "[DONE]") {
			t.Errorf("error of the gateway = %q", got)
		}
	})
}

// TestLeavesAtTheLastEvent: a client that closes the connection when it has [DONE] has
// its whole answer; one that closes before has not.
func TestLeavesAtTheLastEvent(t *testing.T) {
	for last, outcome := range map[string]string{"data: 1\n\n": "client_gone", "data: [DONE]\n\n": "answered"} {
		inWorld(t, func(t *testing.T, w *world) {
			f := w.front("gateway", nil)
			f.Update([]Service{llama(w.engine("pod-1", func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(rw, last)
				_ = http.NewResponseController(rw).Flush()
				hangs(rw, r) // the connection stays open
			}))})
			answer, err := w.client.Do(f.request(t.Context(), http.MethodPost, "/v1/chat/completions", chat))
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(last))
			if _, err := io.ReadFull(answer.Body, got); err != nil || string(got) != last {
				t.Errorf("read %q, %v, want %q", got, err, last)
			}
			_ = answer.Body.Close()
			pause(t.Context(), time.Second)
			w.check("outcome after "+last, f.count("requests_total", "demo", outcome, "llama"), 1.0)
		})
	}
}
