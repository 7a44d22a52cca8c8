package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The test's own program names no module; the tables are checked by hand-made ones.
func TestSBOM(t *testing.T) {
	text, err := sbom("v1", []module{{"github.com/BurntSushi/toml", "v1.6.0"}, {"std", "1.26.7"}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		BOMFormat  string
		Components []struct{ Name, PURL string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.BOMFormat != "CycloneDX" || len(got.Components) != 2 || got.Components[0].PURL != "pkg:golang/github.com/BurntSushi/toml@v1.6.0" {
		t.Errorf("sbom = %s, want two components", text)
	}
}

func TestNotices(t *testing.T) {
	cache := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		file := filepath.Join(cache, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("example.com/!big@v1.0.0/LICENSE.md", "may be used")
	write("example.com/!big@v1.0.0/NOTICE", "by somebody")
	write("example.com/!big@v1.0.0/license.go", "package big")
	write("example.com/none@v1.0.0/README.md", "no licence")
	text, err := notices(cache, "", []module{{"example.com/Big", "v1.0.0"}})
	if err != nil || !bytes.Contains(text, []byte("may be used\nby somebody\n")) || bytes.Contains(text, []byte("package")) {
		t.Errorf("notices = %s, %v, want the licence and the notice", text, err)
	}
	if _, err := notices(cache, "", []module{{"example.com/none", "v1.0.0"}}); err == nil {
		t.Error("notices of a module without a licence = nil, want an error")
	}
}

func TestRun(t *testing.T) {
	c := config{version: "v1.2.3", goroot: t.TempDir(), dist: t.TempDir(), licence: "../../LICENSE", programs: []string{plugin(t)}}
	if err := os.WriteFile(filepath.Join(c.goroot, "LICENSE"), []byte("Go's"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time the files are there
		if err := run(c); err != nil {
			t.Fatal(err)
		}
	}
	sums, err := os.ReadFile(filepath.Join(c.dist, "SHA256SUMS"))
	if err != nil || strings.Count(string(sums), "\n") != 4 {
		t.Errorf("SHA256SUMS = %s, %v, want four files", sums, err)
	}
	c.programs = nil
	if err := run(c); err == nil {
		t.Error("run without programs = nil, want an error")
	}
}
