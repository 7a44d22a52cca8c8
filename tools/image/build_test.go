package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// programs are two that are none.
func programs(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, arch := range []string{"amd64", "arm64"} {
		all[arch] = filepath.Join(t.TempDir(), "flyball-server")
		if err := os.WriteFile(all[arch], []byte("for "+arch), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// contents are an image's files with their modes.
func contents(t *testing.T, i v1.Image) map[string]string {
	t.Helper()
	r := mutate.Extract(i)
	defer r.Close()
	files := map[string]string{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[h.FileInfo().Mode().String()+" "+h.Name] = string(data)
	}
}

// A registry gives each platform its program, run by a number that is not root's, beside
// authorities that Go understands, and nothing else.
func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	to := strings.TrimPrefix(server.URL, "http://") + "/flyball:v1"
	all := programs(t)
	if err := run("v1", "", to, []string{"amd64=" + all["amd64"], "arm64=" + all["arm64"]}); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(to)
	if err != nil {
		t.Fatal(err)
	}
	for arch := range all {
		image, err := remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Architecture != arch || config.Config.User != user || !reflect.DeepEqual(config.Config.Entrypoint, []string{"/flyball"}) {
			t.Errorf("%s: config = %+v, want user %s and entrypoint /flyball", arch, config, user)
		}
		files := contents(t, image)
		pool := x509.NewCertPool()
		if files["-r-xr-xr-x flyball"] != "for "+arch || len(files) != 2 || !pool.AppendCertsFromPEM([]byte(files["-r--r--r-- etc/ssl/certs/ca-certificates.crt"])) {
			t.Errorf("%s: files = %.200q, want the program and the authorities", arch, files)
		}
	}
}

// The same programs give the same file, byte for byte.
func TestSave(t *testing.T) {
	all := programs(t)
	var saved [2][]byte
	for i := range saved {
		file := filepath.Join(t.TempDir(), "dist", "image.tar")
		if err := run("v1", file, "", []string{"amd64=" + all["amd64"], "arm64=" + all["arm64"]}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		saved[i] = text
	}
	if !bytes.Equal(saved[0], saved[1]) || !bytes.Contains(saved[0], []byte("oci-layout")) {
		t.Errorf("two files of %d and %d bytes, want the same OCI layout", len(saved[0]), len(saved[1]))
	}
}

func TestWrongCalls(t *testing.T) {
	for _, args := range [][]string{nil, {"amd64"}, {"amd64=/no/such/file"}} {
		if err := run("v1", filepath.Join(t.TempDir(), "x"), "", args); err == nil {
			t.Errorf("run(%q) = nil, want an error", args)
		}
	}
}
