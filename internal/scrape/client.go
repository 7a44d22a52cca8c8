package scrape

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/flyball-dev/flyball/internal/authority"
)

// client follows no redirect: what it is asked with stays with its server.
func (c Config) client() (*http.Client, error) {
	switch {
	case (c.User == "") != (c.PasswordFile == ""):
		return nil, errors.New("the credentials for Prometheus: a user and the file of its password belong together")
	case c.User != "" && c.TokenFile != "":
		return nil, errors.New("the credentials for Prometheus: both a user and a token")
	}
	through := http.DefaultTransport.(*http.Transport).Clone()
	if c.CAFile != "" {
		pool, err := authority.Pool(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the authority of Prometheus' certificate: %w", err)
		}
		through.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Transport:     limited{authorized{through, c.User, c.PasswordFile, c.TokenFile}, c.MostBytes},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// authorized asks with what is in a file now: what is rotated is read again.
type authorized struct {
	http.RoundTripper
	user, passwordFile, tokenFile string
}

func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	file := a.passwordFile + a.tokenFile // one of the two
	if file == "" {
		return a.RoundTripper.RoundTrip(r)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials for Prometheus: %w", err)
	}
	r = r.Clone(r.Context())
	if secret := strings.TrimRight(string(text), "\r\n"); a.user != "" {
		r.SetBasicAuth(a.user, secret)
	} else {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	return a.RoundTripper.RoundTrip(r)
}

// limited reads answers up to a limit.
type limited struct {
	http.RoundTripper
	most int64
}

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, l.most)
	}
	return answer, err
}
