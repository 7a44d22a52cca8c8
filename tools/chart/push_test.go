package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	registryserver "github.com/google/go-containerregistry/pkg/registry"
	"helm.sh/helm/v4/pkg/registry"
)

// What a registry gives to 'helm pull oci://' is the chart with its version.
func TestPush(t *testing.T) {
	server := httptest.NewServer(registryserver.New(registryserver.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	to := strings.TrimPrefix(server.URL, "http://") + "/charts"
	plain := []registry.ClientOption{registry.ClientOptPlainHTTP(), registry.ClientOptWriter(io.Discard)}
	if err := send(chart, "v1.2.3", "oci://"+to, plain...); err != nil {
		t.Fatal(err)
	}
	client, err := registry.NewClient(plain...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Pull(to + "/flyball:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pulled.tgz")
	if err := os.WriteFile(file, got.Chart.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	rendered, err := render(file, "ops", nil)
	if err != nil || !strings.Contains(rendered["flyball/"+template], `image: "flyball:v1.2.3"`) {
		t.Errorf("pulled: %v, want the image flyball:v1.2.3", err)
	}
}
