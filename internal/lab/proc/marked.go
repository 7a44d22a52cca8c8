//go:build linux

package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// MarkVar is the environment variable that every process of a lab carries; its value is the
// lab's directory.
const MarkVar = "FLYBALL_LAB"

// markedGrace is how long KillMarked waits between SIGTERM and SIGKILL.
const markedGrace = 5 * time.Second

// KillMarked stops every process, except the caller, that carries the mark of labDir, and says
// how many there were, when all of them have ended.
func KillMarked(labDir string) (int, error) { return killMarked(labDir, markedGrace) }

func killMarked(labDir string, grace time.Duration) (int, error) {
	const poll, giveUp = 20 * time.Millisecond, 2 * time.Second
	held := map[int]int{} // the pidfd of each process that has not ended, by its id
	defer func() {
		for _, fd := range held {
			_ = unix.Close(fd)
		}
	}()
	count := 0
	for start := time.Now(); ; <-time.After(poll) {
		found, err := hold(labDir, held)
		if err != nil {
			return count, fmt.Errorf("looking for processes of %s: %w", labDir, err)
		}
		count += len(found)
		for _, fd := range found { // also one that was forked since the last look
			_ = unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0)
		}
		release(held)
		age := time.Since(start)
		if len(held) == 0 {
			return count, nil
		}
		for pid, fd := range held {
			if age > grace+giveUp {
				return count, fmt.Errorf("stopping process %d of %s: it survives SIGKILL", pid, labDir)
			}
			if age > grace {
				_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
			}
		}
	}
}

// hold adds each marked process that is not held yet, and returns what it has added. A pidfd is
// opened before the environment is read, so that the process signalled is the one read.
func hold(labDir string, held map[int]int) (found []int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	want := []byte(MarkVar + "=" + labDir)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if _, have := held[pid]; err != nil || have || pid == os.Getpid() {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil || !hasEntry(env, want) {
			_ = unix.Close(fd)
			continue
		}
		held[pid] = fd
		found = append(found, fd)
	}
	return found, nil
}

// release lets go of the processes that have ended. One that is ending has no environment any more
// while it still has its files and its ports; its pidfd is readable once its last thread is gone.
func release(held map[int]int) {
	for pid, fd := range held {
		ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(ended, 0); err == nil && n > 0 {
			_ = unix.Close(fd)
			delete(held, pid)
		}
	}
}

func hasEntry(environ, want []byte) bool {
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(entry, want) {
			return true
		}
	}
	return false
}
