package kserve

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"k8s.io/utils/ptr"
)

// Servers are the addresses of the metrics servers that may be asked; none named is any.
// KEDA asks from within the cluster, where it reaches what a tenant does not: without a
// credential too.
type Servers []string

// NewServers takes addresses as an administrator writes them.
func NewServers(addresses []string) (Servers, error) {
	var all Servers
	for _, a := range addresses {
		address, err := serverAddress(a)
		if err != nil {
			return nil, fmt.Errorf("reading the metrics server %q: %w", a, err)
		}
		all = append(all, address)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// May tells whether the server at an address, as a tenant wrote it, may be asked. An address is taken whole: another path on the same host may be another's.
func (s Servers) May(address string) bool {
	if len(s) == 0 {
		return true
	}
	plain, err := serverAddress(address)
	return err == nil && slices.Contains(s, plain)
}

// Outside are the triggers, by their places, that ask another server.
func (s Servers) Outside(triggers []Trigger) []int {
	var all []int
	for i, t := range triggers {
		if address, ok := t.Metadata["serverAddress"]; ok && !s.May(address) {
			all = append(all, i)
		}
	}
	return all
}

// Unedited tells whether what another asked is asked again, of the same server with the
// same credential, or with none as before.
func (t Trigger) Unedited(before []Trigger) bool {
	ref := func(t Trigger) AuthenticationRef { return ptr.Deref(t.AuthenticationRef, AuthenticationRef{}) }
	return slices.ContainsFunc(before, func(b Trigger) bool {
		for _, key := range []string{"serverAddress", "query", "threshold", "namespace", "authModes"} {
			if t.Metadata[key] != b.Metadata[key] {
				return false
			}
		}
		return t.Type == b.Type && ref(t) == ref(b)
	})
}

// serverAddress writes an address in the one way in which it is compared.
func serverAddress(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("it is no URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", errors.New("it is no http or https address")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("it has more than a host and a path")
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + host + ":" + port + strings.TrimRight(u.EscapedPath(), "/"), nil
}
