//go:build linux

package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Spec says what to run. Env is the whole environment; nothing is inherited.
type Spec struct {
	Name string // for messages
	Path string
	Args []string // without the program's own name
	Env  []string
	Dir  string // working directory; "" is the caller's
	Log  string // standard output and error are appended here; "" discards them
}

// Process is one running or ended child.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu     sync.Mutex // held while reaping, so that no signal reaches a reused id
	reaped bool
	err    error
}

// Start runs the program and returns at once.
func Start(s Spec) (*Process, error) {
	cmd := exec.Command(s.Path, s.Args...)
	cmd.Env, cmd.Dir = s.Env, s.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.Env == nil {
		cmd.Env = []string{} // nil would inherit
	}
	if s.Log != "" {
		if err := os.MkdirAll(filepath.Dir(s.Log), 0o755); err != nil {
			return nil, fmt.Errorf("starting %s: %w", s.Name, err)
		}
		log, err := os.OpenFile(s.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", s.Name, err)
		}
		defer log.Close() // the child has its own copy
		cmd.Stdout, cmd.Stderr = log, log
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.Name, err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go p.wait()
	return p, nil
}

// wait reaps the process. The group is killed while its leader is a zombie, because until then
// the group's id cannot belong to anyone else.
func (p *Process) wait() {
	for {
		err := unix.Waitid(unix.P_PID, p.Pid(), nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.mu.Lock()
	_ = unix.Kill(-p.Pid(), unix.SIGKILL) // ESRCH or EPERM: only the zombie is left
	p.err = p.cmd.Wait()
	p.reaped = true
	p.mu.Unlock()
	close(p.done)
}

// Pid is the process id, also that of its group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended and been reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is nil while the process runs and after it exits with status 0.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// ExitCode is the exit status, 128 plus the signal's number for a process ended by a signal (as
// container runtimes report it), and -1 while it runs.
func (p *Process) ExitCode() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped || p.cmd.ProcessState == nil {
		return -1
	}
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends to the whole group; a process that has ended is left alone.
func (p *Process) Signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = unix.Kill(-p.Pid(), sig)
	}
}

// Stop asks with SIGTERM, insists with SIGKILL after the grace, and returns when the process is
// gone. A grace of zero or less kills at once.
func (p *Process) Stop(grace time.Duration) {
	if grace > 0 {
		p.Signal(unix.SIGTERM)
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-p.done:
			return
		case <-t.C:
		}
	}
	p.Signal(unix.SIGKILL)
	<-p.done
}

// RSS is the resident memory in bytes; 0 when the process has ended.
func (p *Process) RSS() int64 { return Resident(p.Pid()) }

// Resident is the resident memory of any process in bytes; 0 when there is none.
func Resident(pid int) int64 {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			kib, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
			n, _ := strconv.ParseInt(string(kib), 10, 64)
			return n << 10
		}
	}
	return 0
}
