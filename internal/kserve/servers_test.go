package kserve

import (
	"strings"
	"testing"
)

func TestServersMay(t *testing.T) {
	s, err := NewServers([]string{"http://prometheus.monitoring.svc:9090/", "https://Thanos.example/prom"})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"http://prometheus.monitoring.svc:9090":             true,
		"HTTP://Prometheus.monitoring.svc:9090/":            true,
		"https://thanos.example:443/prom":                   true,
		"https://thanos.example/prom/":                      true,
		"https://prometheus.monitoring.svc:9090":            false,
		"http://prometheus.monitoring.svc":                  false,
		"http://prometheus.monitoring.svc:9090/tenant":      false,
		"https://thanos.example":                            false,
		"https://thanos.example/prom/../tenant":             false,
		"https://thanos.example/prom?x=":                    false,
		"https://thanos.example/prom#":                      true, // nothing of it is sent
		"https://thanos.example/prom#x":                     false,
		"https://u@thanos.example/prom":                     false,
		"https://thanos.example@evil/prom":                  false,
		"http://evil/http://prometheus.monitoring.svc:9090": false,
		"prometheus.monitoring.svc:9090":                    false,
		"":                                                  false,
	} {
		if got := s.May(address); got != want {
			t.Errorf("May(%q) = %v, want %v", address, got, want)
		}
	}
	if !(Servers(nil)).May("http://anyone") {
		t.Error("none named is not any")
	}
	for _, bad := range []string{"prometheus:9090", "http://", "http://u:p@prometheus", "http://prometheus?x", "%"} {
		if _, err := NewServers([]string{bad}); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("NewServers(%q) = %v, want an error that names it", bad, err)
		}
	}
}
