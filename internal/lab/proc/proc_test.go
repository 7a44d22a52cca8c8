//go:build linux

package proc

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func sh(t *testing.T, script string, env ...string) (*Process, string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	p, err := Start(Spec{Name: "sh", Path: "/bin/sh", Args: []string{"-c", script}, Log: log, Env: append(env, "PATH=/usr/bin:/bin")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	return p, log
}

// await polls because the script's own progress is what is waited for.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Fatalf("waited in vain for %s", what)
}

func logHas(log, s string) func() bool {
	return func() bool {
		b, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(b), s)
	}
}

func TestExit(t *testing.T) {
	for _, tt := range []struct {
		script string
		code   int
	}{
		{"exit 0", 0},
		{"exit 3", 3},
		{"kill -TERM $$", 143},
		{"kill -KILL $$", 137},
	} {
		p, _ := sh(t, tt.script)
		<-p.Done()
		if got := p.ExitCode(); got != tt.code {
			t.Errorf("ExitCode after %q = %d, want %d", tt.script, got, tt.code)
		}
		if (p.Err() == nil) != (tt.code == 0) {
			t.Errorf("Err after %q = %v", tt.script, p.Err())
		}
	}
}

func TestNothingInherited(t *testing.T) {
	t.Setenv("FLYBALL_TEST_SECRET", "leaked")
	p, log := sh(t, "echo [$FLYBALL_TEST_SECRET$MINE]", "MINE=mine")
	<-p.Done()
	if !logHas(log, "[mine]")() {
		t.Error("the child did not see exactly its own environment")
	}
}

func TestStopAsksThenInsists(t *testing.T) {
	polite, log := sh(t, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
	await(t, "up", logHas(log, "up"))
	if polite.RSS() == 0 || polite.ExitCode() != -1 || polite.Err() != nil {
		t.Errorf("while it runs: RSS %d, ExitCode %d, Err %v", polite.RSS(), polite.ExitCode(), polite.Err())
	}
	polite.Stop(time.Minute)
	if !logHas(log, "bye")() || polite.ExitCode() != 0 {
		t.Errorf("a process that handles SIGTERM exits %d, want 0 after saying bye", polite.ExitCode())
	}

	deaf, log := sh(t, "trap '' TERM; echo up; while :; do sleep 0.05; done")
	await(t, "up", logHas(log, "up"))
	deaf.Stop(50 * time.Millisecond)
	if deaf.ExitCode() != 137 || deaf.RSS() != 0 {
		t.Errorf("a process that ignores SIGTERM exits %d (RSS %d), want 137 (0)", deaf.ExitCode(), deaf.RSS())
	}
	deaf.Signal(syscall.SIGTERM) // must reach nobody
}

func TestGroupDiesWithItsLeader(t *testing.T) {
	dir := t.TempDir()
	p, log := sh(t, "trap '' TERM; sleep 1000 & echo child", MarkVar+"="+dir)
	<-p.Done()
	if !logHas(log, "child")() {
		t.Fatal("the script did not run")
	}
	await(t, "the orphan's end", func() bool { found, err := hold(dir, map[int]int{}); return err == nil && len(found) == 0 })
}

func TestKillMarked(t *testing.T) {
	dir := t.TempDir()
	polite, log1 := sh(t, "echo up; exec sleep 1000", MarkVar+"="+dir)
	deaf, log2 := sh(t, "trap '' TERM; echo up; while :; do sleep 0.05; done", MarkVar+"="+dir)
	other, log3 := sh(t, "echo up; exec sleep 1000", MarkVar+"="+dir+"x")
	for _, log := range []string{log1, log2, log3} {
		await(t, "up", logHas(log, "up"))
	}
	n, err := killMarked(dir, 200*time.Millisecond)
	if err != nil || n < 2 {
		t.Fatalf("killMarked = %d, %v, want at least 2", n, err)
	}
	<-polite.Done()
	<-deaf.Done()
	select {
	case <-other.Done():
		t.Error("another lab's process was stopped")
	default:
	}
	if n, err := KillMarked(dir); n != 0 || err != nil {
		t.Errorf("KillMarked of an empty lab = %d, %v", n, err)
	}
}

// A process that ends loses its environment before its files; this one loses it by exec.
func TestKillMarkedWaitsForWhatIsUnmarkedByEnding(t *testing.T) {
	dir := t.TempDir()
	p, log := sh(t, "trap 'exec env -i sleep 0.4' TERM; echo up; while :; do sleep 0.05; done", MarkVar+"="+dir)
	await(t, "up", logHas(log, "up"))
	if n, err := killMarked(dir, time.Minute); n == 0 || err != nil {
		t.Fatalf("killMarked = %d, %v, want at least 1", n, err)
	}
	if err := unix.Kill(p.Pid(), 0); err == nil && p.RSS() > 0 {
		t.Error("killMarked returned while the process that it stopped was there")
	}
}

func TestStartErrors(t *testing.T) {
	if _, err := Start(Spec{Name: "ghost", Path: "/nonexistent"}); err == nil || !strings.Contains(err.Error(), "starting ghost") {
		t.Errorf("Start of a missing program = %v", err)
	}
	if _, err := Start(Spec{Name: "x", Path: "/bin/true", Log: "/dev/null/x"}); err == nil {
		t.Error("Start with an impossible log succeeds")
	}
}
