package scrape

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
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
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates for Prometheus: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the certificates for Prometheus: there is none in %s", c.CAFile)
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
