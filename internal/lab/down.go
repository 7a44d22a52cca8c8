//go:build linux

package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/lab/proc"
)

// pidFile names the process that runs the lab, and is locked while it does.
const pidFile = "up.pid"

// hold makes dir this process's alone: it refuses a directory whose lab runs,
// and ends and removes what a dead one left.
func hold(dir string) (*os.File, error) {
	if pid, running := runner(dir); running {
		return nil, hint.With(fmt.Errorf("a lab already runs in %s, process %d", dir, pid), "stop it with 'flyball down'")
	}
	if err := wipe(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o755); err != nil {
		return nil, hint.With(fmt.Errorf("making the lab's directory: %w", err),
			"check the free space and the rights of %s", filepath.Dir(dir))
	}
	f, err := os.Create(filepath.Join(dir, pidFile))
	if err != nil {
		return nil, fmt.Errorf("claiming %s: %w", dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("claiming %s: %w", dir, err)
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		return nil, fmt.Errorf("claiming %s: %w", dir, err)
	}
	return f, nil
}

// runner is the process that runs the lab of dir, if one does.
func runner(dir string) (pid int, running bool) {
	f, err := os.Open(filepath.Join(dir, pidFile))
	if err != nil {
		return 0, false
	}
	defer f.Close() // read only; closing releases the probe's lock
	if unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil {
		return 0, false
	}
	text := make([]byte, 16)
	n, _ := f.Read(text)
	pid, err = strconv.Atoi(strings.TrimSpace(string(text[:n])))
	return pid, err == nil
}

// wipe ends the processes, and removes the files, of a lab that nobody runs.
func wipe(dir string) error {
	if _, err := proc.KillMarked(dir); err != nil {
		return fmt.Errorf("stopping what an earlier lab left: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("emptying %s: %w", dir, err)
	}
	return sweep(os.TempDir(), dir)
}

// Down stops the lab of dir, or what a killed one left, and removes the directory.
// It says whether there was anything.
func Down(dir string) (bool, error) {
	_, statErr := os.Stat(dir)
	pid, running := runner(dir)
	if running {
		if err := unix.Kill(pid, unix.SIGTERM); err != nil {
			return true, fmt.Errorf("stopping process %d: %w", pid, err)
		}
		if !awaitEnd(dir, time.Minute) {
			return true, hint.With(fmt.Errorf("stopping process %d: it still runs after a minute", pid),
				"kill -9 %d, then run 'flyball down' again", pid)
		}
	}
	return statErr == nil, wipe(dir)
}

func awaitEnd(dir string, within time.Duration) bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); <-tick.C {
		if _, running := runner(dir); !running {
			return true
		}
	}
	return false
}
