package tenant

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/flyball-dev/flyball/internal/hint"
)

// The headers that tell who a client is.
const (
	KeyHeader        = "X-Flyball-Key"        // of a client
	ClientHeader     = "X-Flyball-Client"     // of a proxy: the client's name
	NamespacesHeader = "X-Flyball-Namespaces" // of a proxy: those that it may call, with commas; all without
)

// everything, as a namespace, stands for each.
const everything = "*"

// A Tenant is one who sends requests. The zero value is everybody.
type Tenant struct {
	Name       string // "" where clients are not told apart
	Namespaces []string
}

// MayCall says whether services of a namespace exist for the tenant.
func (t Tenant) MayCall(namespace string) bool { return len(t.Namespaces) == 0 || t.MaySee(namespace) }

// MaySee says whether it may learn of them what it does not name itself.
func (t Tenant) MaySee(namespace string) bool {
	return slices.Contains(t.Namespaces, namespace) || slices.Contains(t.Namespaces, everything)
}

// A Mode is how tenants are told.
type Mode int

// The modes.
const (
	_      Mode = iota
	None        // all are alike
	Header      // by what a proxy says that has authenticated the client
	Keys        // by a key that the client sends
	numModes
)

func (m Mode) String() string {
	names := [numModes]string{"", "none", "header", "keys"}
	if m < 0 || m >= numModes {
		return names[0]
	}
	return names[m]
}

// Config is how tenants are to be told.
type Config struct {
	Authenticate string   // a Mode
	KeysFile     string   // of Keys
	Proxies      []string // networks, as CIDRs, whose headers are trusted
}

// A Checker tells tenants.
type Checker struct {
	mode    Mode
	proxies []netip.Prefix
	file    string
	keys    atomic.Pointer[map[[sha256.Size]byte]Tenant]
}

// New reads the keys, if there are to be any.
func New(c Config) (*Checker, error) {
	k := &Checker{file: c.KeysFile}
	for m := None; m < numModes; m++ {
		if c.Authenticate == m.String() {
			k.mode = m
		}
	}
	for _, text := range c.Proxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, hint.With(fmt.Errorf("--trusted-proxies: %q is no network", text), "write it as 10.0.0.0/8 or 10.1.2.3/32")
		}
		k.proxies = append(k.proxies, p)
	}
	switch {
	case k.mode == 0:
		err := fmt.Errorf("--authenticate is %q: who may send requests has to be said, none, header or keys", c.Authenticate)
		if c.Authenticate == "" {
			err = errors.New("--authenticate is not set: who may send requests has to be said, none, header or keys")
		}
		err = hint.With(err, "--authenticate=keys --keys-file=FILE: clients send a key in %s", KeyHeader)
		err = hint.With(err, "--authenticate=header --trusted-proxies=CIDR: an authenticating proxy says in %s who the client is", ClientHeader)
		return nil, hint.With(err, "--authenticate=none: whoever reaches the gateway may call every service, as before there was this flag")
	case k.mode == Header && len(k.proxies) == 0:
		return nil, hint.With(errors.New("--authenticate=header trusts nobody"), "name the authenticating proxies: --trusted-proxies=CIDR,…")
	case (k.mode == Keys) != (k.file != ""):
		return nil, hint.With(errors.New("--keys-file and --authenticate=keys go together"), "name the file of a mounted Secret, each line of it NAME SHA256 NAMESPACE,…")
	case k.mode == Keys:
		keys, err := readKeys(k.file)
		if err != nil {
			return nil, err
		}
		k.keys.Store(&keys)
	}
	return k, nil
}

// Trusts says whether a request comes from a proxy whose headers count.
func (k *Checker) Trusts(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	from := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(k.proxies, func(p netip.Prefix) bool { return p.Contains(from) })
}

// Of is who sends a request. The error is for its client.
func (k *Checker) Of(r *http.Request) (Tenant, error) {
	switch k.mode {
	case Keys:
		return k.byKey(r.Header)
	case Header:
		return k.byProxy(r)
	default:
		return Tenant{}, nil
	}
}

func (k *Checker) byKey(h http.Header) (Tenant, error) {
	given := h[KeyHeader]
	if len(given) != 1 {
		return Tenant{}, fmt.Errorf("the gateway wants one key in the header %s; whoever runs it hands them out", KeyHeader)
	}
	t, known := (*k.keys.Load())[sha256.Sum256([]byte(given[0]))]
	if !known {
		return Tenant{}, fmt.Errorf("the key in the header %s is not known to the gateway; whoever runs it hands them out", KeyHeader)
	}
	return t, nil
}

// byProxy refuses a header that comes twice: where a proxy adds its own and leaves the
// client's, either may be the forged one.
func (k *Checker) byProxy(r *http.Request) (Tenant, error) {
	name, namespaces := r.Header[ClientHeader], r.Header[NamespacesHeader]
	switch {
	case !k.Trusts(r):
		return Tenant{}, errors.New("the gateway takes requests from its authenticating proxies alone; call one of them")
	case len(name) != 1 || name[0] == "" || len(namespaces) > 1:
		return Tenant{}, fmt.Errorf("the authenticating proxy has to set %s, and may set %s, once each and in place of what a client sends", ClientHeader, NamespacesHeader)
	case len(namespaces) == 0:
		return Tenant{Name: name[0]}, nil
	}
	return Tenant{name[0], list(namespaces[0])}, nil
}

// list is never empty: a tenant of no namespace may call none.
func list(text string) []string {
	all := strings.Split(text, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}
