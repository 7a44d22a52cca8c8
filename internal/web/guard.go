package web

import (
	"net"
	"net/http"
	"net/netip"
)

// refusal is why a request is not answered; 0: it is. A name that a stranger's DNS resolves
// to this machine is not one of loopback, and a page from elsewhere says so itself: by
// Sec-Fetch-Site, or where a browser has no such header by the Origin of what it posts.
func refusal(r *http.Request, buttons bool) (status int, why string) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	presses := buttons && r.Method == http.MethodPost
	switch site := r.Header.Get("Sec-Fetch-Site"); {
	case !loopback(r.Host):
		return http.StatusMisdirectedRequest, "this page answers at 127.0.0.1, [::1] and localhost only"
	case !reads && !presses:
		return http.StatusMethodNotAllowed, "this page is read only"
	case site != "" && site != "same-origin" && site != "none", new(http.CrossOriginProtection).Check(r) != nil:
		return http.StatusForbidden, "asked by another site"
	}
	return 0, ""
}

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// policy lets the page have its own files, the styles in its document and nothing else, and
// makes a browser that knows Trusted Types refuse what would turn text into markup.
func policy(styles string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'" + styles + "; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
}

func protect(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
