package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The test's own program takes the part of the command line tool.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "kubectl-flyball" {
		fmt.Println("flyball as a plugin of kubectl")
		return
	}
	os.Exit(m.Run())
}

// plugin is the test's program under the name of the command line tool.
func plugin(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "flyball")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// krew itself takes the manifest and installs what it names: the archive's sum is right, and
// the program runs under the plugin's name, beside the licences.
func TestKrewInstalls(t *testing.T) {
	dist, root := t.TempDir(), t.TempDir()
	packed, err := archives(dist, "../../LICENSE", []byte("notices"), []string{plugin(t), "bin/flyball-server"})
	if err != nil || len(packed) != 1 {
		t.Fatalf("archives = %v, %v, want the one of flyball", packed, err)
	}
	mac := archive{"flyball_darwin_arm64.tar.gz", "darwin", "arm64"}
	if err := os.WriteFile(filepath.Join(dist, mac.Name), []byte("another"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := krew(dist, "v1.2.3", append(packed, mac)); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dist, "flyball-krew.yaml")
	install := exec.Command("go", "tool", "krew", "install", "--manifest="+manifest, "--archive="+filepath.Join(dist, packed[0].Name))
	install.Env = append(os.Environ(), "KREW_ROOT="+root, "KREW_NO_UPGRADE_CHECK=1")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("krew install: %v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(root, "bin", "kubectl-flyball")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "plugin of kubectl") {
		t.Errorf("kubectl-flyball = %s, %v, want the program", out, err)
	}
	store := filepath.Join(root, "store", "flyball", "v1.2.3")
	for _, name := range []string{"LICENSE", "THIRD_PARTY_NOTICES.txt"} {
		if _, err := os.Stat(filepath.Join(store, name)); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(manifest)
	want := home + "/releases/download/v1.2.3/flyball_" + runtime.GOOS + "_" + runtime.GOARCH + ".tar.gz"
	if err != nil || !strings.Contains(string(text), want) || !strings.Contains(string(text), "{os: darwin, arch: arm64}") {
		t.Errorf("manifest = %s, %v, want %s and another for darwin", text, err, want)
	}
}

// A commit between two releases has a version too, as krew wants it.
func TestKrewVersion(t *testing.T) {
	dist := t.TempDir()
	if err := krew(dist, "8ebee50-dirty", nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dist, "flyball-krew.yaml"))
	if err != nil || !strings.Contains(string(text), "version: v0.0.0-8ebee50-dirty\n") {
		t.Errorf("manifest = %s, %v, want v0.0.0-8ebee50-dirty", text, err)
	}
}
