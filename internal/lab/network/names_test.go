package network

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestServiceName(t *testing.T) {
	llama := types.NamespacedName{Namespace: "demo", Name: "llama-predictor"}
	for _, tt := range []struct {
		host      string
		want      types.NamespacedName
		short, ok bool
	}{
		{"llama-predictor.demo", llama, true, true},
		{"llama-predictor.demo.svc", llama, false, true},
		{"llama-predictor.demo.svc.cluster.local", llama, false, true},
		{"Llama-Predictor.demo.svc.cluster.local.", llama, false, true},
		{"example.com", types.NamespacedName{Namespace: "com", Name: "example"}, true, true},
		{host: "llama-predictor"},
		{host: "pod-0.llama-predictor.demo.svc"},
		{host: "svc.cluster.local"},
		{host: ".demo.svc"},
		{host: "a_b.demo.svc"},
		{host: "127.0.0.1"},
		{host: "::1"},
		{host: ""},
	} {
		if name, short, ok := serviceName(tt.host); name != tt.want || short != tt.short || ok != tt.ok {
			t.Errorf("serviceName(%q) = %v, %v, %v, want %v, %v, %v", tt.host, name, short, ok, tt.want, tt.short, tt.ok)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"127.42.0.1": true, "::1": true, "localhost": true, "LOCALHOST.": true,
		"10.0.0.1": false, "0.0.0.0": false, "169.254.169.254": false, "localhost.evil.example": false, "": false, "127.1": false,
	} {
		if _, ok := loopback(host); ok != want {
			t.Errorf("loopback(%q) = %v, want %v", host, ok, want)
		}
	}
}
