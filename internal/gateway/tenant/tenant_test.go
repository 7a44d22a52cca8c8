package tenant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
)

func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// INV-3: what is not said is refused, and the refusal names what can be said.
func TestNew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	write(t, file, "a "+hashed("secret")+" *")
	for want, c := range map[string]Config{
		"":                    {Authenticate: "none"},
		"not set":             {},
		`is "some"`:           {Authenticate: "some"},
		"trusts nobody":       {Authenticate: "header"},
		"go together":         {Authenticate: "keys"},
		"and --authenticate=": {Authenticate: "none", KeysFile: file},
		"is no network":       {Authenticate: "none", Proxies: []string{"10.0.0.1"}},
		"no such file":        {Authenticate: "keys", KeysFile: file + ".missing"},
	} {
		_, err := New(c)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("New(%+v) = %v, want %q", c, err, want)
		}
	}
	_, err := New(Config{})
	for _, mode := range []string{"none", "header", "keys"} {
		if said := strings.Join(hint.Of(err), "\n"); !strings.Contains(said, "--authenticate="+mode) {
			t.Errorf("hints of an unset mode = %q, want %s among them", said, mode)
		}
	}
}

// INV-1: a name comes from a named proxy, and once.
func TestHeader(t *testing.T) {
	k, err := New(Config{Authenticate: "header", Proxies: []string{"10.1.0.0/16", "fd00::/8"}})
	if err != nil {
		t.Fatal(err)
	}
	type header = http.Header
	for name, tc := range map[string]struct {
		from   string
		header header
		want   *Tenant
	}{
		"all namespaces":   {"10.1.2.3:99", header{ClientHeader: {"a"}}, &Tenant{Name: "a"}},
		"some":             {"[fd00::1]:99", header{ClientHeader: {"a"}, NamespacesHeader: {"x, y"}}, &Tenant{"a", []string{"x", "y"}}},
		"none":             {"10.1.2.3:99", header{ClientHeader: {"a"}, NamespacesHeader: {""}}, &Tenant{"a", []string{""}}},
		"mapped":           {"[::ffff:10.1.2.3]:99", header{ClientHeader: {"a"}}, &Tenant{Name: "a"}},
		"another peer":     {"10.2.0.1:99", header{ClientHeader: {"a"}}, nil},
		"no address":       {"@", header{ClientHeader: {"a"}}, nil},
		"no name":          {"10.1.2.3:99", header{}, nil},
		"an empty name":    {"10.1.2.3:99", header{ClientHeader: {""}}, nil},
		"two names":        {"10.1.2.3:99", header{ClientHeader: {"forged", "a"}}, nil},
		"namespaces twice": {"10.1.2.3:99", header{ClientHeader: {"a"}, NamespacesHeader: {"x", "y"}}, nil},
	} {
		got, err := k.Of(&http.Request{RemoteAddr: tc.from, Header: tc.header})
		if (err == nil) != (tc.want != nil) || tc.want != nil && !cmp.Equal(got, *tc.want) {
			t.Errorf("%s: Of = %+v, %v, want %+v", name, got, err, tc.want)
		}
	}
}

func TestMay(t *testing.T) {
	for _, tc := range []struct {
		namespaces []string
		call, see  bool // of demo
	}{{nil, true, false}, {[]string{"*"}, true, true}, {[]string{"x", "demo"}, true, true}, {[]string{"x"}, false, false}, {[]string{""}, false, false}} {
		who := Tenant{Namespaces: tc.namespaces}
		if call, see := who.MayCall("demo"), who.MaySee("demo"); call != tc.call || see != tc.see {
			t.Errorf("%q may call %t, see %t, want %t, %t", tc.namespaces, call, see, tc.call, tc.see)
		}
	}
}

func TestParseKeys(t *testing.T) {
	hash := hashed("secret")
	for text, want := range map[string]string{
		"":                                   "no key",
		"# a\n\n":                            "no key",
		"a " + hash:                          "line 1 has 2 fields",
		"#\na secret *":                      "line 2: the second field",
		"a " + hash[2:] + " *":               "line 1: the second field",
		"a " + hash + " *\nb " + hash + " *": "line 2: another line",
		"a " + hash + " x,y\n":               "",
	} {
		_, err := parseKeys([]byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("parseKeys(%q) = %v, want %q", text, err, want)
		}
	}
}

// INV-2: a key that is added or taken away counts, and a broken file does not.
func TestKeysAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "keys")
		write(t, file, "a "+hashed("one")+" x")
		k, err := New(Config{Authenticate: "keys", KeysFile: file})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go k.Watch(ctx, slog.New(slog.DiscardHandler))
		for _, step := range []struct{ text, one, two string }{
			{"a " + hashed("one") + " x", "a", ""},
			{"a " + hashed("one") + " x\nb " + hashed("two") + " x", "a", "b"},
			{"broken", "a", "b"},
			{"", "a", "b"},
			{"c " + hashed("two") + " *", "", "c"},
		} {
			write(t, file, step.text)
			<-time.After(WatchPeriod + time.Millisecond)
			synctest.Wait()
			for key, want := range map[string]string{"one": step.one, "two": step.two, "": "", hashed("one"): ""} {
				got, err := k.Of(&http.Request{Header: http.Header{KeyHeader: {key}}})
				if got.Name != want || (err == nil) != (want != "") {
					t.Errorf("file %q: the key %q is of %q, %v, want %q", step.text, key, got.Name, err, want)
				}
			}
		}
		if _, err := k.Of(&http.Request{Header: http.Header{}}); err == nil {
			t.Error("a request without a key is taken")
		}
	})
}
