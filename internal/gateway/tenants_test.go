package gateway

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/gateway/tenant"
)

// tell has a gateway tell tenants.
func (w *world) tell(c tenant.Config) func(*Config) {
	w.t.Helper()
	k, err := tenant.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return func(c *Config) { c.Tenants = k }
}

// keys are those of one who may call services of namespace a, of b, and of all.
func (w *world) keys() func(*Config) {
	w.t.Helper()
	file, text := filepath.Join(w.t.TempDir(), "keys"), ""
	for key, namespaces := range map[string]string{"of-a": "a", "of-b": "b", "of-all": "*"} {
		text += fmt.Sprintf("%s %x %s\n", key, sha256.Sum256([]byte(key)), namespaces)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.tell(tenant.Config{Authenticate: "keys", KeysFile: file, Proxies: []string{"10.0.0.1/32"}})
}

// asks sends a request with headers to a host; the gateway's own address if it is "".
func (f *front) asks(method, path, host string, header map[string]string) reply {
	body := ""
	if method == http.MethodPost {
		body = chat
	}
	r := f.request(f.w.t.Context(), method, path, body)
	if host != "" {
		r.Host = host
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return f.do(r)
}

// TestKeys: who has no key is refused before anything is held, what a key is not for does
// not exist for it, and Authorization belongs to the engine (INV-11).
func TestKeys(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var seen http.Header
		f := w.front("gateway", w.keys())
		s := llama(w.engine("pod", func(rw http.ResponseWriter, r *http.Request) { seen = r.Header; says("yes")(rw, r) }))
		s.Namespace, s.Hosts = "a", []string{"llama.a"}
		f.Update([]Service{s})
		for name, test := range map[string]struct {
			host, key, service string
			status             int
			want               string
		}{
			"no key":               {"llama.a", "", "", 401, "X-Flyball-Key"},
			"an unknown key":       {"llama.a", "other", "", 401, "X-Flyball-Key"},
			"by model":             {"", "of-a", "", 200, "yes"},
			"by host":              {"llama.a", "of-a", "", 200, "yes"},
			"by header":            {"", "of-a", "a/llama", 200, "yes"},
			"of all":               {"llama.a", "of-all", "", 200, "yes"},
			"another's, by model":  {"", "of-b", "", 404, "does not exist or you do not have access"},
			"another's, by host":   {"llama.a", "of-b", "", 404, "does not exist or you do not have access"},
			"another's, by header": {"", "of-b", "a/llama", 404, "There is no service"},
		} {
			header := map[string]string{"Authorization": "Bearer engine"}
			for h, value := range map[string]string{tenant.KeyHeader: test.key, serviceHeader: test.service} {
				if value != "" {
					header[h] = value
				}
			}
			got := f.asks(http.MethodPost, "/v1/chat/completions", test.host, header)
			if got.status != test.status || !strings.Contains(got.body, test.want) {
				t.Errorf("%s: %v, want %d %q", name, got, test.status, test.want)
			}
		}
		w.check("Authorization at the pod", seen.Get("Authorization"), "Bearer engine")
		w.check("the key at the pod", seen.Values(tenant.KeyHeader), []string(nil))
		if strings.Contains(f.lines(), "of-a") {
			t.Error("a key is logged")
		}
	})
}

// TestTrustedHeader: the client's name comes from a named proxy only, and goes no further.
func TestTrustedHeader(t *testing.T) {
	for proxies, status := range map[string]int{"10.0.0.0/24": 200, "10.9.0.0/16": 401} {
		inWorld(t, func(t *testing.T, w *world) {
			f := w.front("gateway", w.tell(tenant.Config{Authenticate: "header", Proxies: []string{proxies}}))
			f.Update([]Service{llama(w.engine("pod", func(rw http.ResponseWriter, r *http.Request) {
				says(r.Header.Get(tenant.ClientHeader)+r.Header.Get(tenant.NamespacesHeader))(rw, r)
			}))})
			header := map[string]string{tenant.ClientHeader: "a", tenant.NamespacesHeader: "demo"}
			got := f.asks(http.MethodPost, "/v1/chat/completions", "", header)
			if got.status != status || status == 200 && got.body != "" {
				t.Errorf("from 10.0.0.1 while %s is trusted: %v, want %d", proxies, got, status)
			}
			w.check("without a name", f.post(chat).status, 401)
		})
	}
}

// TestServiceHeaderIsForProxies: from anybody else it is refused, and says what to do: it
// would beat the host name that somebody before the gateway has checked (INV-12).
func TestServiceHeaderIsForProxies(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", w.tell(tenant.Config{Authenticate: "none", Proxies: []string{"10.9.0.0/16"}}))
		other := llama(w.engine("b", says("b")))
		other.Name, other.Hosts = "other", []string{"other.demo"}
		f.Update([]Service{llama(w.engine("a", says("a"))), other})
		got := f.asks(http.MethodPost, "/v1/chat/completions", "llama.demo", map[string]string{serviceHeader: "demo/other"})
		if got.status != 403 || !strings.Contains(got.body, "--trusted-proxies") {
			t.Errorf("by the header: %v, want 403 that says whom it is taken from", got)
		}
		w.check("by the host", f.asks(http.MethodPost, "/v1/chat/completions", "llama.demo", nil).body, "a")
	})
}

// TestHostOfTwoReadings: a-b-c is a-b in c as well as a in b-c. It leads to neither, also
// while only one of them has that name in its status, and the answer says what does (INV-12).
func TestHostOfTwoReadings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		one, other := llama(w.engine("one", says("one"))), llama(w.engine("other", says("other")))
		one.Name, one.Namespace, one.Hosts = "a-b", "c", []string{"a-b-c.example.com", "a-b.c"}
		other.Name, other.Namespace, other.Hosts = "a", "b-c", []string{"a.b-c"}
		ask := func(host string) reply { return f.asks(http.MethodPost, "/v1/chat/completions", host, nil) }

		f.Update([]Service{one})
		w.check("alone", ask("a-b-c.example.com").body, "one")
		f.Update([]Service{one, other}) // it has just been made: its status has no URL
		got := ask("a-b-c.example.com")
		if got.status != 400 || !strings.Contains(got.body, "c/a-b by the host name a-b.c") || !strings.Contains(got.body, "b-c/a by the host name a.b-c") {
			t.Errorf("before the other's URL is known: %v, want 400 that names how to call each", got)
		}
		other.Hosts = append(other.Hosts, "a-b-c.example.com")
		f.Update([]Service{one, other})
		w.check("both", ask("a-b-c.example.com").status, 400)
		w.check("the one", ask("a-b.c").body, "one")
		w.check("the other", ask("a.b-c").body, "other")
		f.Update([]Service{other})
		w.check("the other alone", ask("a-b-c.example.com").body, "other")
	})
}

// TestTenantsDoNotSeeEachOther: the list has what a key may see, and the names alone where
// nothing tells who asks; the cause of a 503 is for whoever names the service or may see it
// (INV-11).
func TestTenantsDoNotSeeEachOther(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := llama(), llama()
		a.Namespace, a.Models, a.Hosts, a.Stuck = "a", []string{"llama"}, []string{"llama.a"}, "the quota of namespace a is used up"
		b.Namespace, b.Models, b.Hosts = "b", []string{"mistral"}, []string{"llama.b"}
		keyed, open := w.front("keyed", w.keys()), w.front("open", nil)
		const cause, names = "a/llama has no pod and cannot get one: the quota", `"owned_by":"flyball"}`
		for name, test := range map[string]struct {
			f         *front
			key, host string
			list      []string // what the list has, and not
			not       []string
			refusal   string // of a chat with llama
			status    int
		}{
			"its key":           {keyed, "of-a", "", []string{`"llama"`, "a/llama"}, []string{"mistral"}, cause, 503},
			"another's":         {keyed, "of-b", "", []string{`"mistral"`, "b/llama"}, []string{`"id":"llama"`, "a/llama"}, "model_not_found", 404},
			"another's, a host": {keyed, "of-b", "llama.a", []string{`"mistral"`}, []string{`"id":"llama"`, "a/llama"}, "model_not_found", 404},
			"of all":            {keyed, "of-all", "", []string{"a/llama", "b/llama"}, nil, cause, 503},
			"nobody":            {open, "", "", []string{`"llama"`, `"mistral"`, names}, []string{"a/", "b/", "status"}, "The model has no pod", 503},
			"nobody, a host":    {open, "", "llama.a", []string{`"llama"`, "a/llama"}, []string{"mistral"}, cause, 503},
		} {
			test.f.Update([]Service{a, b})
			header := map[string]string{}
			if test.key != "" {
				header[tenant.KeyHeader] = test.key
			}
			list := test.f.asks(http.MethodGet, "/v1/models", test.host, header)
			for _, part := range test.list {
				if !strings.Contains(list.body, part) {
					t.Errorf("%s: the list %s lacks %s", name, list.body, part)
				}
			}
			got := test.f.asks(http.MethodPost, "/v1/chat/completions", test.host, header)
			for _, part := range test.not {
				if strings.Contains(list.body, part) {
					t.Errorf("%s: the list %s has %s", name, list.body, part)
				}
			}
			if got.status != test.status || !strings.Contains(got.body, test.refusal) || test.refusal != cause && strings.Contains(got.body, "quota") {
				t.Errorf("%s: %v, want %d with %q", name, got, test.status, test.refusal)
			}
		}
	})
}

// TestPodAddressesStayInside: what went wrong towards a pod is for whoever may see it.
func TestPodAddressesStayInside(t *testing.T) {
	for sees, want := range map[bool]bool{true: true, false: false} {
		body := string(badUpstream(context.DeadlineExceeded).json(sees))
		if got := strings.Contains(body, context.DeadlineExceeded.Error()); got != want {
			t.Errorf("json(%t) = %s, want the cause %t", sees, body, want)
		}
	}
}
