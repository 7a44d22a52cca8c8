//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// root is the repository.
const root = ".."

// cluster is a running 'flyball up'.
type cluster struct {
	dir  string
	up   *exec.Cmd
	page said
}

// said passes on what flyball up says, and picks out the address of its live page.
type said chan string

func (s said) Write(text []byte) (int, error) {
	if _, rest, ok := bytes.Cut(text, []byte("the live page: http://")); ok {
		address, _, _ := bytes.Cut(rest, []byte("/"))
		s <- string(address)
	}
	return os.Stderr.Write(text)
}

// start runs 'flyball up' and returns when it is ready.
func start(t *testing.T, args ...string) *cluster {
	t.Helper()
	c := &cluster{dir: filepath.Join(t.TempDir(), ".flyball"), page: make(said, 1)}
	c.up = exec.Command("bin/flyball", append([]string{"up", "--dir", c.dir}, args...)...)
	c.up.Dir = root
	c.up.Stderr, c.up.WaitDelay = c.page, 10*time.Second // a part that survives kill -9 may hold it open
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
	cmd := c.command(ctx, "bin/flyball", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// command has the environment of a shell beside the lab.
func (c *cluster) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), c.env()...)
	return cmd
}

// env is what the lab has written for shells, as NAME=VALUE.
func (c *cluster) env() []string {
	text, err := os.ReadFile(filepath.Join(c.dir, "env"))
	if err != nil {
		return nil // a lab that never was ready has none
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		all = append(all, strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(line), "export "), "'", ""))
	}
	return all
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

// TestRehearsals are those of examples/, one after the other in one lab, with shorter outages.
// Each begins with what it needs to be gone. The dashboards show the last.
func TestRehearsals(t *testing.T) {
	c := start(t, "--pull", "1s", "--weights", "1s", "--warmup", "500ms", "--hpa-sync-period", "5s")
	c.unworried(t)
	why := map[string]string{}
	for _, r := range []struct{ name, set string }{
		{"guide", "outage=40s,wrong=30s"},
		{"objective", "outage=40s"},
		{"zero", ""}, // hold, wake, refuse, roll out
	} {
		t.Run(r.name, func(t *testing.T) { why[r.name] = c.rehearse(t, r.name, r.set) })
	}
	t.Run("dashboards", c.panelsAnswer)
	t.Run("memory", c.collectsInPeace)
	for name, said := range why {
		if said != "" { // once more, where the end of a long log shows it
			t.Logf("examples/%s:\n%s", name, said)
		}
	}
}

// collectsInPeace wants the API server to be far from the limit at which it would do nothing
// but collect garbage, which slows all down and fails nothing.
func (c *cluster) collectsInPeace(t *testing.T) {
	text, err := c.command(t.Context(), "bin/lab/kubectl", "get", "--raw", "/metrics").Output()
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "go_") {
			of[name], _ = strconv.ParseFloat(value, 64) // of others it is 0
		}
	}
	has, limit := of["go_memstats_sys_bytes"]-of["go_memstats_heap_released_bytes"], of["go_gc_gomemlimit_bytes"]
	if has == 0 || has > 0.7*limit {
		t.Errorf("the API server has %.0f MiB of memory and a limit of %.0f, want a third of that free", has/(1<<20), limit/(1<<20))
	}
}

// rehearse runs as in a terminal that has not read the lab's variables: beside .flyball. It
// returns what was printed from the row before the step that did not hold.
func (c *cluster) rehearse(t *testing.T, example, set string) string {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	whole, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"rehearse", filepath.Join(whole, "examples", example)}
	if set != "" {
		args = append(args, "--set", set)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(whole, "bin/flyball"), args...)
	cmd.Dir, cmd.Env = filepath.Dir(c.dir), append(os.Environ(), "PATH="+filepath.Join(whole, "bin/lab")+":"+os.Getenv("PATH"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, &said), os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("flyball rehearse examples/%s: %v", example, err)
		return said.String()[max(0, strings.Index(said.String(), "DOES NOT HOLD")-1000):]
	}
	return ""
}

// unworried wants no complaint of the lab about itself: flyball doctor knows all versions and
// may ask Prometheus, and no controller warns of addresses that the lab cannot have otherwise.
func (c *cluster) unworried(t *testing.T) {
	t.Helper()
	said, err := c.command(t.Context(), "bin/flyball", "doctor").CombinedOutput()
	if err != nil || bytes.Contains(said, []byte("unknown")) || bytes.Contains(said, []byte("credentials (HTTP")) {
		t.Errorf("flyball doctor: %v\n%s", err, said)
	}
	events, err := c.command(t.Context(), "bin/lab/kubectl", "get", "events", "-A").CombinedOutput()
	if err != nil || bytes.Contains(events, []byte("FailedToUpdateEndpoint")) {
		t.Errorf("kubectl get events: %v\n%s", err, events)
	}
}

// TestNothingLeft runs two labs side by side, ends one by Ctrl-C and one by
// kill -9 and flyball down, and looks for what each has left.
func TestNothingLeft(t *testing.T) {
	ends := map[string]func(*testing.T, *cluster){
		"Ctrl-C": func(t *testing.T, c *cluster) { c.stop(t) },
		"kill -9": func(t *testing.T, c *cluster) {
			if err := c.up.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := c.up.Wait(); err == nil {
				t.Error("flyball up ended well after kill -9")
			}
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
			t.Parallel()
			c := start(t)
			if len(marked(t, c.dir)) < 5 || len(lockFiles(t, c.dir)) != 1 || len(listeners(t, c.dir)) == 0 {
				t.Errorf("the running lab has processes %v, lock files %v, ports %v; want the control plane's and one lock",
					marked(t, c.dir), lockFiles(t, c.dir), listeners(t, c.dir))
			}
			ports := append(listeners(t, c.dir), c.pageAnswers(t))
			end(t, c)
			nothingLeft(t, c.dir, ports)
		})
	}
}

func nothingLeft(t *testing.T, dir string, ports []string) {
	t.Helper()
	if left := marked(t, dir); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	if left := lockFiles(t, dir); len(left) > 0 {
		t.Errorf("lock files left: %v", left)
	}
	for _, address := range ports {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("port left: %v", err)
			continue
		}
		l.Close()
	}
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err == nil {
		t.Errorf("temporary files left: %v", left)
	}
}

// pageAnswers wants the live page to be of this lab, and is its address.
func (c *cluster) pageAnswers(t *testing.T) string {
	t.Helper()
	var address string
	select {
	case address = <-c.page:
	case <-time.After(time.Minute):
		t.Fatal("flyball up does not say where its page is")
	}
	r, err := http.Get("http://" + address + "/api/view")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var view struct{ Cluster, Scope string }
	if err := json.NewDecoder(r.Body).Decode(&view); err != nil {
		t.Fatal(err)
	}
	if want := "https://" + listeners(t, c.dir)[0]; view.Cluster != want || view.Scope != "all namespaces" {
		t.Errorf("the page is of %s in %s, want all namespaces of %s", view.Scope, view.Cluster, want)
	}
	return address
}

// lockFiles are those of the lab of dir.
func lockFiles(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(os.TempDir(), "flyball-127.*.lock"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(paths, func(path string) bool {
		owner, err := os.ReadFile(path)
		return err != nil || string(owner) != dir
	})
}

// listeners are the addresses of the lab's API server and forward proxy.
func listeners(t *testing.T, dir string) []string {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(dir, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(config), "server: https://")
	server, _, _ := strings.Cut(rest, "\n")
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		t.Fatalf("the kubeconfig names %q: %v", server, err)
	}
	return []string{server, net.JoinHostPort(host, "3128")}
}
