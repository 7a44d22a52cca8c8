//go:build linux

package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// MarkVar is the environment variable that every process of a lab carries; its value is the
// lab's directory.
const MarkVar = "FLYBALL_LAB"

// markedGrace is how long KillMarked waits between SIGTERM and SIGKILL.
const markedGrace = 5 * time.Second

// KillMarked stops every process, except the caller, that carries the mark of labDir, and says
// how many there were.
func KillMarked(labDir string) (int, error) { return killMarked(labDir, markedGrace) }

func killMarked(labDir string, grace time.Duration) (int, error) {
	const poll, giveUp = 20 * time.Millisecond, 2 * time.Second
	seen := map[int]bool{}
	start := time.Now()
	for {
		ps, err := marked(labDir)
		if err != nil {
			return len(seen), fmt.Errorf("looking for processes of %s: %w", labDir, err)
		}
		age := time.Since(start)
		if len(ps) == 0 {
			return len(seen), nil
		}
		if age > grace+giveUp {
			return len(seen), fmt.Errorf("stopping process %d of %s: it survives SIGKILL", ps[0].Pid, labDir)
		}
		for _, p := range ps {
			switch {
			case age > grace:
				_ = p.Signal(syscall.SIGKILL)
			case !seen[p.Pid]: // also one that was forked since the last look
				_ = p.Signal(syscall.SIGTERM)
			}
			seen[p.Pid] = true
			_ = p.Release()
		}
		<-time.After(poll)
	}
}

// marked holds each process (a pidfd) before it reads the environment, so that the one signalled
// is the one read. A zombie's environment is empty.
func marked(labDir string) ([]*os.Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	want := []byte(MarkVar + "=" + labDir)
	var ps []*os.Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		p, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil || !hasEntry(env, want) {
			_ = p.Release()
			continue
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func hasEntry(environ, want []byte) bool {
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(entry, want) {
			return true
		}
	}
	return false
}
