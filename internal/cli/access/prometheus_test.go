package access

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// INV-1: also where the server says that another has the answer.
func TestNoRedirect(t *testing.T) {
	t.Setenv("HTTP_PROXY", "")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer server.Close()
	client, err := PrometheusClient(Cluster{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusFound {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestPrometheusLogin(t *testing.T) {
	t.Setenv("FLYBALL_PROMETHEUS_PASSWORD", "secret")
	if p, err := PrometheusLogin("--prometheus", "http://localhost:9090/", "me", ""); err != nil || p.Address != "http://localhost:9090" || p.Password != "secret" {
		t.Errorf("PrometheusLogin = %+v, %v", p, err)
	}
	for want, address := range map[string]string{"is no http or https address": "localhost:9090", "a user for Prometheus, but no Prometheus": ""} {
		if _, err := PrometheusLogin("--prometheus", address, "me", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("PrometheusLogin(%q) = %v, want %q", address, err, want)
		}
	}
}
