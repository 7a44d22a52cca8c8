package access

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/doctor"
)

// PrometheusClient goes through the lab's proxy to a lab, or else through that of the
// environment. It follows no redirect: a password must not leave its server.
func PrometheusClient(c Cluster) (*http.Client, error) {
	proxy := http.ProxyFromEnvironment
	if _, set := os.LookupEnv("FLYBALL_PROXY"); set || c.From == LocalKubeconfig() {
		lab, err := LabSetting("FLYBALL_PROXY")
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(lab)
		if err != nil {
			return nil, fmt.Errorf("reading FLYBALL_PROXY: %w", err)
		}
		if lab != "" {
			proxy = http.ProxyURL(u)
		}
	}
	return &http.Client{
		Transport:     &http.Transport{Proxy: proxy},
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// PrometheusLogin is for the server that a flag names; the environment stands in for
// the user and the password file that are not given.
func PrometheusLogin(flag, address, user, passwords string) (doctor.Prometheus, error) {
	p := doctor.Prometheus{
		Address: strings.TrimRight(address, "/"),
		User:    cmp.Or(user, os.Getenv("FLYBALL_PROMETHEUS_USER")),
	}
	var err error
	if p.Password, err = PrometheusPassword(passwords); err != nil {
		return p, err
	}
	u, err := url.Parse(p.Address)
	switch {
	case err != nil, p.Address != "" && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https"):
		return p, hint.With(fmt.Errorf("%s is no http or https address", flag),
			"for example http://prometheus-operated.cpaas-system.svc.cluster.local:9090")
	case p.Address == "" && p.User != "":
		return p, hint.With(errors.New("a user for Prometheus, but no Prometheus"),
			"say to whom the password may go: %s http://…", flag)
	case p.User != "" && p.Password == "":
		return p, hint.With(errors.New("a user for Prometheus, but no password"),
			"--prometheus-password-file FILE, or FLYBALL_PROMETHEUS_PASSWORD in the environment")
	}
	return p, nil
}

// PrometheusPassword is the file's, or without one the environment's.
func PrometheusPassword(file string) (string, error) {
	if file == "" {
		return os.Getenv("FLYBALL_PROMETHEUS_PASSWORD"), nil
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the password of Prometheus: %w", err)
	}
	return strings.TrimRight(string(secret), "\r\n"), nil
}
