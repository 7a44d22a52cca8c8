//go:build linux

package node

import (
	"sync"
	"syscall"
	"time"
)

// pretence stands for an init container whose program the lab does not have: it does nothing for
// a while and succeeds.
type pretence struct {
	timer *time.Timer
	once  sync.Once
	done  chan struct{}
	code  int
}

func newPretence(d time.Duration) *pretence {
	p := &pretence{done: make(chan struct{})}
	p.timer = time.AfterFunc(d, func() { p.end(0) })
	return p
}

func (p *pretence) end(code int) {
	p.once.Do(func() {
		p.code = code
		close(p.done)
	})
}

// Pid is 0: there is no process.
func (p *pretence) Pid() int { return 0 }

// Done is closed when the time is over.
func (p *pretence) Done() <-chan struct{} { return p.done }

// ExitCode is -1 until then.
func (p *pretence) ExitCode() int {
	select {
	case <-p.done:
		return p.code
	default:
		return -1
	}
}

// Signal ends it as the signal would end a program.
func (p *pretence) Signal(sig syscall.Signal) {
	p.timer.Stop()
	p.end(128 + int(sig))
}

// RSS is 0.
func (p *pretence) RSS() int64 { return 0 }
