//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// root is the repository.
const root = ".."

// cluster is a running 'flyball up'.
type cluster struct {
	dir string
	up  *exec.Cmd
}

// start runs 'flyball up' and returns when it is ready.
func start(t *testing.T, args ...string) *cluster {
	t.Helper()
	c := &cluster{dir: filepath.Join(t.TempDir(), ".flyball")}
	c.up = exec.CommandContext(t.Context(), "bin/flyball", append([]string{"up", "--dir", c.dir}, args...)...)
	c.up.Dir = root
	c.up.Cancel = func() error { return c.up.Process.Signal(syscall.SIGTERM) }
	c.up.WaitDelay = time.Minute
	c.up.Stderr = os.Stderr
	out, err := c.up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.up.Start(); err != nil {
		t.Fatalf("starting flyball up: %v (build it with 'make lab')", err)
	}
	t.Cleanup(func() { c.stop(t) })
	line := make([]byte, 4096)
	n, err := out.Read(line) // the export line comes when all is ready
	if err != nil || !bytes.Contains(line[:n], []byte("KUBECONFIG=")) {
		t.Fatalf("flyball up printed %q, %v; want the export line", line[:n], err)
	}
	return c
}

// stop is Ctrl-C; a lab that was killed already is left as it is.
func (c *cluster) stop(t *testing.T) {
	t.Helper()
	if c.up.ProcessState != nil {
		return
	}
	if err := c.up.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("interrupting flyball up: %v", err)
	}
	if err := c.up.Wait(); err != nil {
		t.Errorf("flyball up after Ctrl-C: %v, want exit code 0", err)
	}
}

// flyball runs a command against the cluster.
func (c *cluster) flyball(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "bin/flyball", args...)
	cmd.Dir = root
	bin, err := filepath.Abs(filepath.Join(root, "bin", "lab"))
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(c.dir, "kubeconfig"), "PATH="+bin+":"+os.Getenv("PATH"))
	if proxy, err := os.ReadFile(filepath.Join(c.dir, "env")); err == nil {
		for line := range strings.Lines(string(proxy)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "export FLYBALL_PROXY="); ok {
				cmd.Env = append(cmd.Env, "FLYBALL_PROXY="+strings.Trim(value, "'"))
			}
		}
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// marked lists the processes that belong to the lab of dir.
func marked(t *testing.T, dir string) []string {
	t.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range environs {
		if env, err := os.ReadFile(path); err == nil && bytes.Contains(env, []byte("FLYBALL_LAB="+dir+"\x00")) {
			found = append(found, path)
		}
	}
	return found
}

// TestGuide is the rehearsal of examples/guide, with shorter outages.
func TestGuide(t *testing.T) {
	c := start(t, "--pull", "1s", "--weights", "1s", "--warmup", "500ms", "--hpa-sync-period", "5s")
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
	defer cancel()
	if err := c.flyball(ctx, "rehearse", "examples/guide", "--set", "outage=40s,wrong=30s"); err != nil {
		t.Fatalf("flyball rehearse examples/guide: %v", err)
	}
}

// TestNothingLeft compares processes and files before and after Ctrl-C, and
// after kill -9 with flyball down.
func TestNothingLeft(t *testing.T) {
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "flyball-*"))
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]func(*testing.T, *cluster){
		"Ctrl-C": func(t *testing.T, c *cluster) { c.stop(t) },
		"kill -9": func(t *testing.T, c *cluster) {
			if err := c.up.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			c.up.Wait() //nolint:errcheck // it was killed
			if len(marked(t, c.dir)) == 0 {
				t.Error("kill -9 of flyball up left no process: the test proves nothing")
			}
			if err := c.flyball(t.Context(), "down", "--dir", c.dir); err != nil {
				t.Errorf("flyball down: %v", err)
			}
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			if len(marked(t, c.dir)) < 5 {
				t.Errorf("the running lab has processes %v, want the control plane at least", marked(t, c.dir))
			}
			end(t, c)
			if left := marked(t, c.dir); len(left) > 0 {
				t.Errorf("processes left: %v", left)
			}
			after, err := filepath.Glob(filepath.Join(os.TempDir(), "flyball-*"))
			if err != nil || len(after) != len(before) {
				t.Errorf("temporary files %v, want %v (%v)", after, before, err)
			}
		})
	}
}
